import { AgentError } from "../errors.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";
import { CountWindow } from "./count-window.ts";
import { bucketIndex, type ExponentialBuckets, SMALLEST_NORMAL } from "./exponential-buckets.ts";

export const SCALE_MIN = -4;
export const SCALE_MAX = 20;
const BUCKETS_MAX = 160;
const VERSION = 1;

export interface ExponentialHistogramOptions {
  /** The finest resolution to begin with, −4..20; 20 when absent. The error of a quantile is below 2^(2^-scale) − 1. */
  readonly scale?: number;
  /** Buckets on either side of zero, 4..4096; 160 when absent, as in OpenTelemetry. */
  readonly maxBuckets?: number;
  /** Values whose size is at most this are counted as zero. */
  readonly zeroThreshold?: number;
}

/**
 * A base-2 exponential histogram that finds its own resolution: as fine as its buckets can span what was observed, halved whenever
 * they cannot. What it holds depends on the observations alone, not on their order or on how they were split before they were
 * merged. Below scale −4, where a bucket holds five orders of magnitude, values beyond the span are counted in its last bucket.
 */
export class ExponentialHistogram {
  readonly maxBuckets: number;
  readonly zeroThreshold: number;
  scale: number;
  count = 0;
  sum = 0;
  /** Infinity and −Infinity while nothing was observed. */
  min = Infinity;
  max = -Infinity;
  zeroCount = 0;
  private readonly positive: CountWindow;
  private readonly negative: CountWindow;

  constructor({ scale = SCALE_MAX, maxBuckets = BUCKETS_MAX, zeroThreshold = 0 }: ExponentialHistogramOptions = {}) {
    if (!Number.isInteger(scale) || scale < SCALE_MIN || scale > SCALE_MAX)
      throw new AgentError(
        "metric_invalid",
        `an exponential histogram's scale is a whole number from ${SCALE_MIN} to ${SCALE_MAX}, not ${scale}`,
      );
    if (!Number.isInteger(maxBuckets) || maxBuckets < 4 || maxBuckets > 4096)
      throw new AgentError("metric_invalid", `an exponential histogram has 4 to 4096 buckets on either side, not ${maxBuckets}`);
    if (!(zeroThreshold >= 0 && zeroThreshold < Infinity))
      throw new AgentError("metric_invalid", `a zero threshold is a number of at least 0, not ${zeroThreshold}`);
    this.scale = scale;
    this.maxBuckets = maxBuckets;
    this.zeroThreshold = zeroThreshold;
    this.positive = new CountWindow(maxBuckets);
    this.negative = new CountWindow(maxBuckets);
  }

  /**
   * Counts a value `times` times. NaN is no observation and is passed over; infinities count as the largest numbers there are,
   * subnormal numbers (below 2^-1022) as zero.
   */
  observe(value: number, times = 1): void {
    if (value !== value || !(times > 0)) return;
    this.count += times;
    this.sum += value * times;
    if (value < this.min) this.min = value;
    if (value > this.max) this.max = value;
    const size = Math.min(Math.abs(value), Number.MAX_VALUE);
    if (size <= this.zeroThreshold || size < SMALLEST_NORMAL) {
      this.zeroCount += times;
      return;
    }
    const side = value > 0 ? this.positive : this.negative;
    const index = bucketIndex(this.scale, size);
    if (side.holds(index)) side.add(index, times);
    else this.widen(side, index, times);
  }

  /** Takes in all of another: exactly what observing its observations here would have made. Throws `metric_invalid`. */
  merge(other: ExponentialHistogram): void {
    if (other.zeroThreshold !== this.zeroThreshold)
      throw new AgentError("metric_invalid", "histograms with different zero thresholds cannot be merged");
    this.add(other.buckets(), other.sum, other.min, other.max);
  }

  /** Takes in buckets that somebody else counted, with their sum and, where known, their extremes. Throws `metric_invalid`. */
  add(buckets: ExponentialBuckets, sum: number, min = NaN, max = NaN): void {
    if (buckets.scale < SCALE_MIN)
      throw new AgentError(
        "metric_invalid",
        `buckets of scale ${buckets.scale} are too coarse to be added: at least ${SCALE_MIN}`,
      );
    if (buckets.scale < this.scale) this.downscale(buckets.scale);
    this.count += buckets.zeroCount;
    this.zeroCount += buckets.zeroCount;
    this.sum += sum;
    if (min < this.min) this.min = min;
    if (max > this.max) this.max = max;
    this.addSide(this.positive, buckets.positiveOffset, buckets.positiveCounts, buckets.scale);
    this.addSide(this.negative, buckets.negativeOffset, buckets.negativeCounts, buckets.scale);
  }

  /** Goes to a coarser scale for good. Counts are kept. */
  downscale(scale: number): void {
    if (scale >= this.scale) return;
    this.positive.coarsen(this.scale - scale);
    this.negative.coarsen(this.scale - scale);
    this.scale = scale;
  }

  /** The buckets as they are: the arrays are views, valid until the next observation. */
  buckets(): ExponentialBuckets {
    return {
      scale: this.scale,
      zeroCount: this.zeroCount,
      zeroThreshold: this.zeroThreshold,
      positiveOffset: this.positive.lo,
      positiveCounts: this.positive.view(),
      negativeOffset: this.negative.lo,
      negativeCounts: this.negative.view(),
    };
  }

  /** Everything, in a few bytes a bucket. */
  serialize(): Uint8Array {
    const out = new ByteWriter().byte(VERSION).signed(this.scale).unsigned(this.maxBuckets);
    out.double(this.zeroThreshold).double(this.zeroCount).double(this.count).double(this.sum).double(this.min).double(this.max);
    this.positive.write(out);
    this.negative.write(out);
    return out.take();
  }

  /** Throws `sketch_invalid`. */
  static deserialize(bytes: Uint8Array): ExponentialHistogram {
    const reader = new ByteReader(bytes);
    if (reader.byte() !== VERSION) throw reader.fault("is of another version");
    const scale = reader.signed();
    const maxBuckets = reader.unsigned();
    const zeroThreshold = reader.double();
    if (
      !(
        scale >= SCALE_MIN &&
        scale <= SCALE_MAX &&
        maxBuckets >= 4 &&
        maxBuckets <= 4096 &&
        zeroThreshold >= 0 &&
        zeroThreshold < Infinity
      )
    )
      throw reader.fault("has a shape that cannot be");
    const histogram = new ExponentialHistogram({ scale, maxBuckets, zeroThreshold });
    histogram.zeroCount = reader.double();
    histogram.count = reader.double();
    histogram.sum = reader.double();
    histogram.min = reader.double();
    histogram.max = reader.double();
    if (!(histogram.zeroCount >= 0 && histogram.count >= histogram.zeroCount)) throw reader.fault("has counts that cannot be");
    return histogram.withSides(CountWindow.read(reader, maxBuckets), CountWindow.read(reader, maxBuckets), reader);
  }

  private withSides(positive: CountWindow, negative: CountWindow, reader: ByteReader): ExponentialHistogram {
    reader.end();
    for (const [own, read] of [
      [this.positive, positive],
      [this.negative, negative],
    ])
      read.view().forEach((count, i) => own.add(read.lo + i, count));
    return this;
  }

  private addSide(side: CountWindow, offset: number, counts: ArrayLike<number>, scale: number): void {
    for (let i = 0; i < counts.length; i++) {
      if (!(counts[i] > 0)) continue;
      this.count += counts[i];
      const index = Math.floor((offset + i) / 2 ** (scale - this.scale));
      if (side.holds(index)) side.add(index, counts[i]);
      else this.widen(side, index, counts[i]);
    }
  }

  /** Counts at an index that may be too far from the others: then the scale gives way. */
  private widen(side: CountWindow, index: number, times: number): void {
    let lo = side.empty ? index : Math.min(side.lo, index);
    let hi = side.empty ? index : Math.max(side.hi, index);
    let at = index;
    let by = 0;
    while (hi - lo >= this.maxBuckets && this.scale - by > SCALE_MIN) {
      lo = Math.floor(lo / 2);
      hi = Math.floor(hi / 2);
      at = Math.floor(at / 2);
      by++;
    }
    if (by > 0) this.downscale(this.scale - by);
    if (hi - lo >= this.maxBuckets) at = this.fold(side, at, hi);
    side.add(at, times);
  }

  /** At the coarsest scale the lowest buckets are joined into one. Returns the index to count at. */
  private fold(side: CountWindow, index: number, hi: number): number {
    const floor = hi - this.maxBuckets + 1;
    side.raiseFloor(floor);
    return Math.max(index, floor);
  }
}
