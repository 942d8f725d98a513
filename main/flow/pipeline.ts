import { type Batch, createBatch, ensureCapacity } from "all-use-agent/sdk";
import { copyOf } from "./copy.ts";
import type { ExportQueue } from "./export-queue.ts";
import { Gather } from "./gather.ts";
import { LoadSwitch } from "./load-switch.ts";
import type { SeriesRegistry } from "./registry.ts";
import { inRuns } from "./runs.ts";
import { DEFAULT_FLOW, type FlowSettings } from "./settings.ts";

/** Larger than this, as a part of what is gathered at most: such a batch gains nothing by waiting. */
const PASSES_STRAIGHT = 1 / 20;

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

/** Elapsed time, and a call after some of it. */
export interface FlowTime {
  monotonic(): number;
  after(delayMs: number, task: () => void): { dispose(): void | Promise<void> };
}

const REAL_TIME: FlowTime = {
  monotonic: () => performance.now(),
  after: (delayMs, task) => {
    const timer = setTimeout(task, delayMs);
    return { dispose: () => clearTimeout(timer) };
  },
};

/**
 * The way of every sample: processors one after the other, then storage, analytics and exporters side by side. In real time all
 * of it is synchronous on the emitter's call, but for rows that a processor takes to its own process; what takes time (the log,
 * blocks, sending) is behind the stages. The batch is copied once, because processors change it and emitters refill theirs.
 *
 * In micro-batches small emissions are gathered and pass together, in their order; large and backdated ones pass at once, after
 * what was gathered before them. `settled` passes on what is gathered, so what is acknowledged or asked for after it is there.
 */
export class Pipeline {
  private readonly registry: SeriesRegistry;
  private readonly stages: () => Stages;
  private scratch: Batch = createBatch(1024);
  /** Of a batch with late rows, the others. */
  private current: Batch = createBatch(0);
  private busy = false;
  private readonly queued: Queued[] = [];
  private readonly time: FlowTime;
  private settings = DEFAULT_FLOW;
  private readonly gather = new Gather();
  private timer: { dispose(): void | Promise<void> } | null = null;
  private closed = false;
  readonly load: LoadSwitch;
  /** Samples that reached storage since the start. */
  samples = 0;
  newestMs: number | null = null;

  constructor(registry: SeriesRegistry, stages: () => Stages, time: FlowTime = REAL_TIME) {
    this.registry = registry;
    this.stages = stages;
    this.time = time;
    this.load = new LoadSwitch(this.settings, time.monotonic());
  }

  /** From the next emission on. */
  configure(settings: FlowSettings): void {
    this.settings = settings;
    this.load.configure(settings);
    this.drain();
  }

  /** Returns how many rows storage refused for their time, of those that reached it in this call. */
  emit(batch: Batch): number {
    this.load.emitted();
    this.load.look(this.time.monotonic());
    // A stage that emits (analytics does) gets its turn when the batch in hand is through.
    if (this.busy) {
      this.queued.push({ batch: copyOf(batch), following: null });
      return 0;
    }
    const { rows, delayMs } = this.settings.batch;
    if (this.load.mode === "real_time" || this.closed || batch.backdated === true || batch.length >= rows * PASSES_STRAIGHT) {
      this.drain();
      return this.work(batch, null);
    }
    if (batch.length === 0) return 0;
    this.gather.add(batch);
    if (this.gather.length >= rows) this.drain();
    else this.timer ??= this.time.after(delayMs, () => this.drain());
    return 0;
  }

  /** Passes on what is gathered, and gathers no more: of what stops last nothing must be left. */
  close(): void {
    this.closed = true;
    this.drain();
  }

  /** Takes rows back that a processor had taken away, for the processors after it and the rest of the way. Keeps `rows`. */
  resume(rows: Batch, following: readonly Stage[]): void {
    if (this.busy) this.queued.push({ batch: rows, following });
    else this.work(rows, following);
  }

  /** Whether rows are gathered, or with a processor elsewhere. */
  get waiting(): boolean {
    return this.gather.length > 0 || this.stages().away.some((away) => away.waiting);
  }

  /** Resolves when everything emitted so far has reached storage, or was dropped by a processor. */
  async settled(): Promise<void> {
    this.drain();
    for (const away of this.stages().away) if (away.waiting) await away.settled();
  }

  private drain(): void {
    void this.timer?.dispose();
    this.timer = null;
    if (this.gather.length === 0) return;
    const gathered = this.gather.take();
    // Asked for by a stage: it comes when the batch in hand is through, before anybody who waits goes on.
    if (this.busy) this.queued.push({ batch: copyOf(gathered), following: null });
    else this.work(gathered, this.stages().processors);
  }

  private work(batch: Batch, following: readonly Stage[] | null): number {
    const startMs = performance.now();
    this.busy = true;
    try {
      const refused = this.pass(batch, following);
      for (let next = this.queued.shift(); next; next = this.queued.shift()) this.pass(next.batch, next.following);
      return refused;
    } finally {
      this.busy = false;
      this.load.spent(performance.now() - startMs);
    }
  }

  /** `following`: the processors yet to come of a batch that is the pipeline's own; null: all, of somebody else's. */
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
      refused = own === this.scratch ? storage.take(own) : inRuns(own, (piece) => storage.take(piece));
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
