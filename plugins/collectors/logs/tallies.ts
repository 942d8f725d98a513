import type { Batch, Labels, PluginContext, SeriesId } from "all-use-agent/sdk";

interface Tally {
  readonly name: string;
  readonly labels: Labels;
  id: SeriesId | null;
  value: number;
}

export type KeptTally = readonly [name: string, labels: Labels, value: number];

/** Series beyond this of one source are not begun: its patterns and shapes are bounded, this is the last wall. */
const TALLIES_MAX = 2000;

/** The current values of a source's series: counts that go on over restarts, and gauges. */
export class Tallies {
  private readonly ctx: Pick<PluginContext, "series">;
  private readonly source: string;
  private readonly all = new Map<string, Tally>();

  constructor(ctx: Pick<PluginContext, "series">, source: string) {
    this.ctx = ctx;
    this.source = source;
  }

  get size(): number {
    return this.all.size;
  }

  add(name: string, labels: Labels, by = 1): void {
    const tally = this.tally(name, labels);
    if (tally) tally.value += by;
  }

  set(name: string, labels: Labels, value: number): void {
    const tally = this.tally(name, labels);
    if (tally) tally.value = value;
  }

  series(name: string, labels: Labels): SeriesId {
    return this.ctx.series(name, { ...labels, source: this.source });
  }

  /** Appends one row each, at `timestampMs`. The batch has room for `size` rows more. */
  write(batch: Batch, timestampMs: number): void {
    for (const tally of this.all.values()) {
      const row = batch.length++;
      batch.series[row] = tally.id ??= this.series(tally.name, tally.labels);
      batch.timestamps[row] = timestampMs;
      batch.values[row] = tally.value;
    }
  }

  kept(): KeptTally[] {
    return [...this.all.values()].map(({ name, labels, value }) => [name, labels, value]);
  }

  restore(kept: readonly KeptTally[]): void {
    for (const [name, labels, value] of kept) this.set(name, labels, value);
  }

  private tally(name: string, labels: Labels): Tally | null {
    const key = `${name}${JSON.stringify(labels)}`;
    let tally = this.all.get(key);
    if (tally === undefined) {
      if (this.all.size >= TALLIES_MAX) return null;
      tally = { name, labels, id: null, value: 0 };
      this.all.set(key, tally);
    }
    return tally;
  }
}
