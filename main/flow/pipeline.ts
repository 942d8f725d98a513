import { type Batch, createBatch, ensureCapacity } from "all-use-agent/sdk";
import { copyOf } from "./copy.ts";
import type { ExportQueue } from "./export-queue.ts";
import type { SeriesRegistry } from "./registry.ts";

/** A stage: the plugin's method behind whatever meters and guards its calls. */
export interface Stage {
  /** Must not throw. */
  take(batch: Batch): void;
}

export interface Stages {
  readonly processors: readonly Stage[];
  readonly storage: Stage | null;
  readonly analytics: readonly Stage[];
  readonly exports: readonly Pick<ExportQueue, "push">[];
}

/**
 * The way of every sample: processors one after the other, then storage, analytics and exporters side by side. All of
 * it is synchronous on the emitter's call; what takes time (the log, blocks, sending) is behind the stages. The batch is
 * copied once, because processors change it and emitters refill theirs.
 */
export class Pipeline {
  private readonly registry: SeriesRegistry;
  private readonly stages: () => Stages;
  private scratch: Batch = createBatch(1024);
  private busy = false;
  private readonly queued: Batch[] = [];
  /** Samples that reached storage since the start. */
  samples = 0;
  newestMs: number | null = null;

  constructor(registry: SeriesRegistry, stages: () => Stages) {
    this.registry = registry;
    this.stages = stages;
  }

  emit(batch: Batch): void {
    // A stage that emits (analytics does) gets its turn when the batch in hand is through.
    if (this.busy) {
      this.queued.push(copyOf(batch));
      return;
    }
    this.busy = true;
    try {
      this.pass(batch);
      for (let next = this.queued.shift(); next; next = this.queued.shift()) this.pass(next);
    } finally {
      this.busy = false;
    }
  }

  private pass(batch: Batch): void {
    const { processors, storage, analytics, exports } = this.stages();
    const own = this.take(batch);
    for (const stage of processors) stage.take(own);
    if (own.length === 0) return;
    for (let i = 0; i < own.length; i++) this.registry.note(own.series[i], own.timestamps[i], own.values[i]);
    if (storage) {
      storage.take(own);
      this.samples += own.length;
      const lastMs = own.timestamps[own.length - 1];
      if (this.newestMs === null || lastMs > this.newestMs) this.newestMs = lastMs;
    }
    for (const stage of analytics) stage.take(own);
    for (const queue of exports) queue.push(own);
  }

  private take(batch: Batch): Batch {
    const { length } = batch;
    this.scratch = ensureCapacity(this.scratch, length);
    const own = this.scratch;
    own.series.set(batch.series.subarray(0, length));
    own.timestamps.set(batch.timestamps.subarray(0, length));
    own.values.set(batch.values.subarray(0, length));
    own.length = length;
    return own;
  }
}
