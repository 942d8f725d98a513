import type { PluginContext } from "./context.ts";
import { AgentError, errorText } from "./errors.ts";
import { SERIES_REFUSED } from "./exposition/text-parser.ts";
import { type Batch, createBatch, ensureCapacity, type Labels, type MetricInfo, type SeriesId, seriesKey } from "./series.ts";
import { markStale } from "./stale.ts";
import { Turns } from "./turns.ts";

export interface ReceiverLimits {
  /** New series beyond so many are refused until the agent starts again. */
  readonly maxSeries: number;
  readonly maxLabels: number;
}

/** Requests whose bodies are in memory at once, and those that wait for them. */
const AT_ONCE = 4;
const WAITING_MAX = 64;
/** Rows go on in slices of this many, so that no stage sees, and keeps room for, a batch of millions. */
const SLICE_ROWS = 8192;
const REASONS_KEPT = 5;

/** What all requests of one receiver share: its limits, and turns so that their bodies do not fill memory together. */
export class Receiver {
  readonly ctx: PluginContext;
  readonly limits: ReceiverLimits;
  private readonly turns = new Turns(AT_ONCE, WAITING_MAX);
  private readonly known = new Map<string, SeriesId>();

  constructor(ctx: PluginContext, limits: ReceiverLimits) {
    this.ctx = ctx;
    this.limits = limits;
  }

  /** Runs a request when it is its turn. Throws `receiver_busy` when too many wait. */
  turn<T>(task: () => Promise<T>): Promise<T> {
    return this.turns.run(task);
  }

  open(): Reception {
    return new Reception(this);
  }

  /** A series' number. Throws what `ctx.series` throws, `label_limit`, and `series_limit` for the receiver's own limit. */
  series(name: string, labels: Labels, info: MetricInfo | undefined): SeriesId {
    const key = seriesKey(name, labels);
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const { maxLabels, maxSeries } = this.limits;
    const labelCount = Object.keys(labels).length;
    if (labelCount > maxLabels)
      throw new AgentError("label_limit", `${name} has ${labelCount} labels; ${this.ctx.id} takes ${maxLabels} (max_labels)`);
    if (this.known.size >= maxSeries)
      throw new AgentError("series_limit", `${this.ctx.id} has received ${maxSeries} series and takes no more (max_series)`);
    const id = this.ctx.series(name, labels, info);
    this.known.set(key, id);
    return id;
  }
}

/** The samples of one request: what can be kept is emitted as it comes, what cannot is counted with the first reasons. */
export class Reception {
  refused = 0;
  readonly reasons: string[] = [];
  private readonly receiver: Receiver;
  private batch: Batch = createBatch(64);
  private emitted = 0;
  /** Rows whose times storage would not take. */
  private untimely = 0;

  constructor(receiver: Receiver) {
    this.receiver = receiver;
  }

  /** Samples that were kept. */
  get taken(): number {
    return this.emitted - this.untimely;
  }

  /** A series' number, or SERIES_REFUSED with the reason noted: then count its samples by `refuse`. Never throws. */
  series(name: string, labels: Labels, info?: MetricInfo): SeriesId {
    try {
      return this.receiver.series(name, labels, info);
    } catch (error) {
      this.note(errorText(error));
      return SERIES_REFUSED;
    }
  }

  add(id: SeriesId, timestampMs: number, value: number): void {
    // First: the batch may be another, larger one afterwards.
    const row = this.row(id, timestampMs);
    this.batch.values[row] = value;
    if (this.batch.length >= SLICE_ROWS) this.emit(this.batch);
  }

  /** Ends a series with the staleness marker, whose bits a variable might not keep. */
  stale(id: SeriesId, timestampMs: number): void {
    const row = this.row(id, timestampMs);
    const { values } = this.batch;
    markStale(new Uint32Array(values.buffer, values.byteOffset), row);
    if (this.batch.length >= SLICE_ROWS) this.emit(this.batch);
  }

  /** Emits a batch of the caller's, in slices, and empties it. */
  emit(batch: Batch): void {
    const { length } = batch;
    for (let from = 0; from < length; from += SLICE_ROWS) {
      const to = Math.min(length, from + SLICE_ROWS);
      this.untimely += this.receiver.ctx.emit({
        length: to - from,
        series: batch.series.subarray(from, to),
        timestamps: batch.timestamps.subarray(from, to),
        values: batch.values.subarray(from, to),
        backdated: true,
      });
    }
    this.emitted += length;
    batch.length = 0;
  }

  /** Samples that are not kept; a reason already noted need not be said again. */
  refuse(samples: number, reason?: string): void {
    this.refused += samples;
    if (reason !== undefined) this.note(reason);
  }

  /** Emits what is left and waits until all survives the process being killed. Throws `receiver_unavailable`. */
  async keep(): Promise<void> {
    this.emit(this.batch);
    if (this.untimely > 0) {
      this.refuse(
        this.untimely,
        `${this.untimely} samples are older than what is kept, or more than ten minutes ahead of the clock`,
      );
    }
    try {
      await this.receiver.ctx.flush();
    } catch (error) {
      throw new AgentError("receiver_unavailable", `Nothing of this is sure to be kept: ${errorText(error)}. Send it again.`, {
        cause: error,
      });
    }
  }

  private row(id: SeriesId, timestampMs: number): number {
    const row = this.batch.length;
    if (row >= this.batch.series.length) this.batch = ensureCapacity(this.batch, row + 1);
    this.batch.series[row] = id;
    this.batch.timestamps[row] = timestampMs;
    this.batch.length = row + 1;
    return row;
  }

  private note(reason: string): void {
    const text = reason.length > 500 ? `${reason.slice(0, 499)}…` : reason;
    if (this.reasons.length < REASONS_KEPT && !this.reasons.includes(text)) this.reasons.push(text);
  }
}

/** HTTP status of what goes wrong before or after a body is read, for receivers that answer in their protocol's own words. */
export function statusOfReception(error: unknown): number {
  switch ((error as { code?: unknown } | null)?.code) {
    case "body_too_large":
      return 413;
    case "encoding_refused":
    case "media_type_refused":
      return 415;
    case "body_invalid":
      return 400;
    case "receiver_busy":
    case "receiver_unavailable":
    case "stopped":
      return 503;
    default:
      return 500;
  }
}
