import { type Batch, createBatch, ensureCapacity } from "all-use-agent/sdk";
import { copyOf } from "./copy.ts";
import type { ExportQueue } from "./export-queue.ts";
import type { SeriesRegistry } from "./registry.ts";

/** A stage: the plugin's method behind whatever meters and guards its calls. */
export interface Stage {
  /** Must not throw. A processor in another process takes rows out of the batch; they come back through `Pipeline.resume`. */
  take(batch: Batch): void;
}

/** A processor that holds rows for a while. */
export interface Away {
  /** Some rows are not back yet. */
  readonly waiting: boolean;
  /** Resolves when the rows that are away now have been handed on. */
  settled(): Promise<void>;
}

/** Must not throw. Returns how many rows it refused for their time. */
export interface StorageStage {
  take(batch: Batch): number;
}

export interface Stages {
  readonly processors: readonly Stage[];
  readonly storage: StorageStage | null;
  readonly analytics: readonly Stage[];
  readonly exports: readonly Pick<ExportQueue, "push">[];
  /** The processors among them that work elsewhere, in their order. */
  readonly away: readonly Away[];
}

/** A batch that must wait for its turn, and the processors before it. */
interface Queued {
  readonly batch: Batch;
  /** null: all of them. */
  readonly following: readonly Stage[] | null;
}

/**
 * The way of every sample: processors one after the other, then storage, analytics and exporters side by side. All of
 * it is synchronous on the emitter's call, but for rows that a processor takes to its own process; what takes time (the log,
 * blocks, sending) is behind the stages. The batch is copied once, because processors change it and emitters refill theirs.
 */
export class Pipeline {
  private readonly registry: SeriesRegistry;
  private readonly stages: () => Stages;
  private scratch: Batch = createBatch(1024);
  /** Of a batch with late rows, the others. */
  private current: Batch = createBatch(0);
  private busy = false;
  private readonly queued: Queued[] = [];
  /** Samples that reached storage since the start. */
  samples = 0;
  newestMs: number | null = null;

  constructor(registry: SeriesRegistry, stages: () => Stages) {
    this.registry = registry;
    this.stages = stages;
  }

  /** Returns how many rows storage refused for their time, of those that reached it in this call. */
  emit(batch: Batch): number {
    // A stage that emits (analytics does) gets its turn when the batch in hand is through.
    if (this.busy) {
      this.queued.push({ batch: copyOf(batch), following: null });
      return 0;
    }
    return this.work(batch, null);
  }

  /** Takes rows back that a processor had taken away, for the processors after it and the rest of the way. Keeps `rows`. */
  resume(rows: Batch, following: readonly Stage[]): void {
    if (this.busy) this.queued.push({ batch: rows, following });
    else this.work(rows, following);
  }

  /** Whether rows are with a processor elsewhere. */
  get waiting(): boolean {
    return this.stages().away.some((away) => away.waiting);
  }

  /** Resolves when everything emitted so far has reached storage, or was dropped by a processor. */
  async settled(): Promise<void> {
    for (const away of this.stages().away) if (away.waiting) await away.settled();
  }

  private work(batch: Batch, following: readonly Stage[] | null): number {
    this.busy = true;
    try {
      const refused = this.pass(batch, following);
      for (let next = this.queued.shift(); next; next = this.queued.shift()) this.pass(next.batch, next.following);
      return refused;
    } finally {
      this.busy = false;
    }
  }

  private pass(batch: Batch, following: readonly Stage[] | null): number {
    const { processors, storage, analytics, exports } = this.stages();
    const own = following === null ? this.take(batch) : batch;
    for (const stage of following ?? processors) {
      if (own.length === 0) return 0;
      stage.take(own);
    }
    if (own.length === 0) return 0;
    let refused = 0;
    if (storage) {
      refused = storage.take(own);
      this.samples += own.length - refused;
    }
    for (const queue of exports) queue.push(own);
    const current = this.note(own);
    if (current.length > 0) for (const stage of analytics) stage.take(current);
    return refused;
  }

  /** Takes up the newest samples. Returns the rows that are not older than what their series had: all, but of backdated batches. */
  private note(own: Batch): Batch {
    const { length, series, timestamps, values } = own;
    const { registry } = this;
    let late = 0;
    for (let i = 0; i < length; i++) {
      const timestampMs = timestamps[i];
      if (!registry.note(series[i], timestampMs, values[i])) {
        if (late++ === 0) this.current = withRoom(this.current, own, i);
        continue;
      }
      if (this.newestMs === null || timestampMs > this.newestMs) this.newestMs = timestampMs;
      if (late > 0) moveInto(this.current, own, i);
    }
    return late === 0 ? own : this.current;
  }

  private take(batch: Batch): Batch {
    const { length } = batch;
    this.scratch = ensureCapacity(this.scratch, length);
    const own = this.scratch;
    own.series.set(batch.series.subarray(0, length));
    own.timestamps.set(batch.timestamps.subarray(0, length));
    own.values.set(batch.values.subarray(0, length));
    own.length = length;
    own.backdated = batch.backdated === true;
    return own;
  }
}

/** `target` with room for all rows of `batch`, holding the first `rows` of them. */
function withRoom(target: Batch, batch: Batch, rows: number): Batch {
  const own = ensureCapacity(target, batch.length);
  own.length = 0;
  for (let i = 0; i < rows; i++) moveInto(own, batch, i);
  return own;
}

function moveInto(target: Batch, batch: Batch, row: number): void {
  const at = target.length++;
  target.series[at] = batch.series[row];
  target.timestamps[at] = batch.timestamps[row];
  target.values[at] = batch.values[row];
}
