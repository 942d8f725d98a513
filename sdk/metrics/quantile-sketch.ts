import { AgentError } from "../errors.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";
import { CountWindow } from "./count-window.ts";

const VERSION = 1;
const ACCURACY = 0.01;
const BUCKETS_MAX = 2048;
/** Smaller ones count as zero: their logarithm is fine, but no quantity is that small. */
const SMALLEST = 2 ** -1000;

export interface QuantileSketchOptions {
  /** The relative error that a quantile may have, 0.0001..0.5; 0.01 when absent. */
  readonly accuracy?: number;
  /** Buckets on either side of zero, 16..65536; 2048 when absent: with accuracy 0.01, values over 17 orders of magnitude. */
  readonly maxBuckets?: number;
}

/**
 * A mergeable sketch of a distribution: DDSketch (Masson, Rim, Lee 2019, https://arxiv.org/abs/1908.10693) with a logarithmic mapping
 * and collapse of the lowest buckets. A quantile is within `accuracy` of the true value, relative to it, as long as the values of
 * its sign span no more than `maxBuckets` buckets; beyond that the smallest ones are joined and only large quantiles keep the promise.
 * Deterministic: what it holds depends on the values alone, not on their order or how they were split before merging.
 */
export class QuantileSketch {
  readonly accuracy: number;
  readonly maxBuckets: number;
  count = 0;
  sum = 0;
  /** Infinity and −Infinity while there is no value. */
  min = Infinity;
  max = -Infinity;
  private zeroCount = 0;
  private readonly perLog: number;
  private readonly positive: CountWindow;
  private readonly negative: CountWindow;

  constructor({ accuracy = ACCURACY, maxBuckets = BUCKETS_MAX }: QuantileSketchOptions = {}) {
    if (!(accuracy >= 0.0001 && accuracy <= 0.5))
      throw new AgentError("metric_invalid", `a sketch's accuracy is a number from 0.0001 to 0.5, not ${accuracy}`);
    if (!Number.isInteger(maxBuckets) || maxBuckets < 16 || maxBuckets > 65_536)
      throw new AgentError("metric_invalid", `a sketch has 16 to 65536 buckets on either side, not ${maxBuckets}`);
    this.accuracy = accuracy;
    this.maxBuckets = maxBuckets;
    this.perLog = 1 / Math.log1p((2 * accuracy) / (1 - accuracy));
    this.positive = new CountWindow(maxBuckets);
    this.negative = new CountWindow(maxBuckets);
  }

  /** Adds a value `times` times. NaN is no value and is passed over; infinities count as the largest numbers there are. */
  add(value: number, times = 1): void {
    if (value !== value || !(times > 0)) return;
    this.count += times;
    this.sum += value * times;
    if (value < this.min) this.min = value;
    if (value > this.max) this.max = value;
    const size = Math.abs(value);
    if (size < SMALLEST) this.zeroCount += times;
    else put(value > 0 ? this.positive : this.negative, this.indexOf(size), times);
  }

  /** Takes in all of another sketch of the same accuracy and size. Throws `metric_invalid`. */
  merge(other: QuantileSketch): void {
    if (other.accuracy !== this.accuracy || other.maxBuckets !== this.maxBuckets)
      throw new AgentError("metric_invalid", "sketches of different accuracy or size cannot be merged");
    this.count += other.count;
    this.sum += other.sum;
    this.zeroCount += other.zeroCount;
    if (other.min < this.min) this.min = other.min;
    if (other.max > this.max) this.max = other.max;
    mergeInto(this.positive, other.positive);
    mergeInto(this.negative, other.negative);
  }

  /** The value of which a share q (0..1) of all values lies at or below; NaN without values or for another q. */
  quantile(q: number): number {
    if (!(q >= 0 && q <= 1) || this.count === 0) return NaN;
    if (q === 0) return this.min;
    if (q === 1) return this.max;
    const rank = q * (this.count - 1);
    const value = this.valueAt(rank);
    return value < this.min ? this.min : value > this.max ? this.max : value;
  }

  /** Forgets all values and keeps the memory. */
  clear(): void {
    this.count = this.sum = this.zeroCount = 0;
    this.min = Infinity;
    this.max = -Infinity;
    this.positive.clear();
    this.negative.clear();
  }

  /** Everything, in one to two bytes a bucket. */
  serialize(): Uint8Array {
    const out = new ByteWriter().byte(VERSION).double(this.accuracy).unsigned(this.maxBuckets);
    out.double(this.zeroCount).double(this.count).double(this.sum).double(this.min).double(this.max);
    this.positive.write(out);
    this.negative.write(out);
    return out.take();
  }

  /** Throws `sketch_invalid`. */
  static deserialize(bytes: Uint8Array): QuantileSketch {
    const reader = new ByteReader(bytes);
    if (reader.byte() !== VERSION) throw reader.fault("is of another version");
    const accuracy = reader.double();
    const maxBuckets = reader.unsigned();
    if (!(accuracy >= 0.0001 && accuracy <= 0.5 && maxBuckets >= 16 && maxBuckets <= 65_536))
      throw reader.fault("has a shape that cannot be");
    const sketch = new QuantileSketch({ accuracy, maxBuckets });
    sketch.zeroCount = reader.double();
    sketch.count = reader.double();
    sketch.sum = reader.double();
    sketch.min = reader.double();
    sketch.max = reader.double();
    if (!(sketch.zeroCount >= 0 && sketch.count >= sketch.zeroCount)) throw reader.fault("has counts that cannot be");
    mergeInto(sketch.positive, CountWindow.read(reader, maxBuckets));
    mergeInto(sketch.negative, CountWindow.read(reader, maxBuckets));
    reader.end();
    return sketch;
  }

  private indexOf(size: number): number {
    return Math.ceil(Math.log(size > Number.MAX_VALUE ? Number.MAX_VALUE : size) * this.perLog);
  }

  /** The value that is at most `accuracy` from any in the bucket: 2γ^i / (γ + 1). */
  private sizeAt(index: number): number {
    return Math.exp(index / this.perLog) * (1 - this.accuracy);
  }

  private valueAt(rank: number): number {
    let below = 0;
    const { negative, positive } = this;
    for (let index = negative.hi; index >= negative.lo; index--) {
      below += negative.at(index);
      if (below > rank) return -this.sizeAt(index);
    }
    below += this.zeroCount;
    if (below > rank) return 0;
    for (let index = positive.lo; index <= positive.hi; index++) {
      below += positive.at(index);
      if (below > rank) return this.sizeAt(index);
    }
    return this.max;
  }
}

function put(side: CountWindow, index: number, times: number): void {
  if (side.holds(index) || side.spanWith(index) <= side.max) side.add(index, times);
  else if (index < side.lo) side.add(side.hi - side.max + 1, times);
  else {
    side.raiseFloor(index - side.max + 1);
    side.add(index, times);
  }
}

function mergeInto(side: CountWindow, other: CountWindow): void {
  // Downwards: the highest decides about the floor.
  for (let index = other.hi; index >= other.lo; index--) {
    const count = other.at(index);
    if (count > 0) put(side, index, count);
  }
}
