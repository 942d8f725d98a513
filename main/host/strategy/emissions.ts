import type { Batch } from "all-use-agent/sdk";

/** A plugin with more names than this makes them up; those beyond are not known to be its own. */
const NAMES_MAX = 10_000;

/** What one instance emits, as its strategy wants to know it. */
export class Emissions {
  samples = 0;
  /** Sees every batch while somebody wants to. */
  watch: ((batch: Batch) => void) | null = null;
  private readonly names = new Set<string>();

  registered(name: string): void {
    if (this.names.size < NAMES_MAX) this.names.add(name);
  }

  emitted(batch: Batch): void {
    this.samples += batch.length;
    this.watch?.(batch);
  }

  /** Whether a metric is one that it emits. */
  has(name: string): boolean {
    return this.names.has(name);
  }
}
