import type { PluginContext } from "../context.ts";
import { AgentError } from "../errors.ts";
import type { Labels, SeriesId } from "../series.ts";
import { BucketSeries, type BucketRows } from "./bucket-series.ts";
import { boundText, cumulativeBuckets } from "./exponential-buckets.ts";
import { ExponentialHistogram, type ExponentialHistogramOptions } from "./exponential-histogram.ts";
import { type Child, Family, type FamilyOptions } from "./family.ts";
import { instruments } from "./instruments.ts";
import type { RowWriter } from "./row-writer.ts";

/** Upper bounds of request durations in seconds, as Prometheus' clients have them. */
export const DEFAULT_BUCKETS: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const BUCKETS_MAX = 200;

export interface HistogramOptions extends FamilyOptions {
  /** Ascending upper bounds without +Inf, at most 200; or `exponential`, which finds its own. `DEFAULT_BUCKETS` when absent. */
  readonly buckets?: readonly number[] | "exponential";
  /** Of an exponential one. Its finest scale is 3 (nine per cent a bucket) when absent, so that there are few series. */
  readonly exponential?: ExponentialHistogramOptions;
}

export interface HistogramChild extends Child {
  /** Counts a value; NaN is passed over. Allocates nothing. */
  observe(value: number): void;
}

/** Cumulative classic buckets: `_bucket{le}`, `_sum`, `_count`. Zeros are said of the time of binding, as of a counter. */
class ClassicChild implements HistogramChild {
  private readonly bounds: Float64Array;
  /** Observations in each bucket, the last above all bounds. */
  private readonly counts: Float64Array;
  private readonly ids: readonly SeriesId[];
  private readonly boundMs: number;
  private sum = 0;
  private count = 0;
  private said = false;

  /** `ids`: the buckets', +Inf's, the sum's, the count's. */
  constructor(bounds: Float64Array, ids: readonly SeriesId[], boundMs: number) {
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
    this.ids = ids;
    this.boundMs = boundMs;
  }

  observe(value: number): void {
    if (value !== value) return;
    const { bounds } = this;
    let low = 0;
    let high = bounds.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (bounds[middle] < value) low = middle + 1;
      else high = middle;
    }
    this.counts[low]++;
    this.count++;
    this.sum += value;
  }

  write(rows: RowWriter, nowMs: number): void {
    const { ids, counts } = this;
    if (!this.said && this.count > 0 && this.boundMs < nowMs) for (const id of ids) rows.add(id, this.boundMs, 0);
    this.said = true;
    let below = 0;
    for (let i = 0; i < counts.length; i++) rows.add(ids[i], nowMs, (below += counts[i]));
    rows.add(ids[counts.length], nowMs, this.sum);
    rows.add(ids[counts.length + 1], nowMs, this.count);
  }
}

/** The same series with bounds that come as they are needed: `BucketSeries` says how these stay right. */
class ExponentialChild implements HistogramChild, BucketRows {
  readonly histogram: ExponentialHistogram;
  private readonly series = new BucketSeries();
  private readonly ids = new Map<number, SeriesId>();
  private readonly define: (bound: number) => SeriesId;
  private readonly sumId: SeriesId;
  private readonly countId: SeriesId;
  private readonly boundMs: number;
  private rows: RowWriter | null = null;
  private said = false;

  constructor(
    histogram: ExponentialHistogram,
    define: (bound: number) => SeriesId,
    sumId: SeriesId,
    countId: SeriesId,
    boundMs: number,
  ) {
    this.histogram = histogram;
    this.define = define;
    this.sumId = sumId;
    this.countId = countId;
    this.boundMs = boundMs;
  }

  observe(value: number): void {
    this.histogram.observe(value);
  }

  write(rows: RowWriter, nowMs: number): void {
    const { histogram, boundMs } = this;
    if (!this.said && histogram.count > 0 && boundMs < nowMs)
      for (const id of [this.sumId, this.countId]) rows.add(id, boundMs, 0);
    this.said = true;
    this.rows = rows;
    this.series.update(cumulativeBuckets(histogram.buckets()), nowMs, boundMs, this);
    rows.add(this.sumId, nowMs, histogram.sum);
    rows.add(this.countId, nowMs, histogram.count);
  }

  sample(bound: number, timestampMs: number, count: number): void {
    this.rows!.add(this.idOf(bound), timestampMs, count);
  }

  ended(bound: number, timestampMs: number): void {
    this.rows!.end(this.idOf(bound), timestampMs);
    this.ids.delete(bound);
  }

  private idOf(bound: number): SeriesId {
    let id = this.ids.get(bound);
    if (id === undefined) this.ids.set(bound, (id = this.define(bound)));
    return id;
  }
}

export class Histogram extends Family<HistogramChild> {
  private readonly bounds: Float64Array | null;
  private readonly exponential: ExponentialHistogramOptions;

  constructor(ctx: PluginContext, name: string, options: HistogramOptions) {
    super(ctx, name, options);
    const { buckets = DEFAULT_BUCKETS } = options;
    this.bounds = buckets === "exponential" ? null : checkedBounds(name, buckets);
    this.exponential = { scale: 3, ...options.exponential };
  }

  observe(value: number, labels?: Labels): void {
    this.child(labels).observe(value);
  }

  protected bind(labels: Labels): HistogramChild {
    const { ctx, name, bounds } = this;
    if (Object.hasOwn(labels, "le"))
      throw new AgentError("label_invalid", `${name} is a histogram: its label le says a bucket's bound`);
    const define = (bound: number): SeriesId => ctx.series(`${name}_bucket`, { ...labels, le: boundText(bound) });
    const sumId = ctx.series(`${name}_sum`, labels);
    const countId = ctx.series(`${name}_count`, labels);
    const nowMs = ctx.clock.now();
    if (bounds === null) return new ExponentialChild(new ExponentialHistogram(this.exponential), define, sumId, countId, nowMs);
    return new ClassicChild(bounds, [...Array.from(bounds, define), define(Infinity), sumId, countId], nowMs);
  }
}

function checkedBounds(name: string, buckets: readonly number[]): Float64Array {
  const bounds = Float64Array.from(buckets.at(-1) === Infinity ? buckets.slice(0, -1) : buckets);
  const ascending = bounds.every((bound, i) => Number.isFinite(bound) && (i === 0 || bound > bounds[i - 1]));
  if (!ascending || bounds.length > BUCKETS_MAX)
    throw new AgentError("metric_invalid", `${name} needs at most ${BUCKETS_MAX} finite bounds, each above the one before it`);
  return bounds;
}

/** A histogram that the manifest declares under `name`. Throws `metric_invalid`. */
export function histogram(ctx: PluginContext, name: string, options: HistogramOptions = {}): Histogram {
  return instruments(ctx).add(new Histogram(ctx, name, options));
}
