/**
 * The arithmetic of base-2 exponential histograms as OpenTelemetry and Prometheus define them. At scale s the bucket of index i
 * holds values in (b^i, b^(i+1)] with b = 2^(2^-s). Prometheus numbers buckets by their upper bound, so its index is one higher.
 * https://opentelemetry.io/docs/specs/otel/metrics/data-model/#exponentialhistogram
 */

/** Buckets at one scale, as the wire formats carry them: counts[k] belongs to index offset + k; the negative ones to −value. */
export interface ExponentialBuckets {
  /** −11..20. */
  readonly scale: number;
  readonly zeroCount: number;
  /** Values whose size is at most this count as zero; 0 when absent. */
  readonly zeroThreshold?: number;
  readonly positiveOffset: number;
  readonly positiveCounts: ArrayLike<number>;
  readonly negativeOffset: number;
  readonly negativeCounts: ArrayLike<number>;
}

/** Counts of observations at or below ascending bounds, without the last bound, +Inf, whose count is `total`. */
export interface CumulativeBuckets {
  readonly scale: number;
  readonly zeroThreshold: number;
  readonly bounds: Float64Array;
  readonly counts: Float64Array;
  readonly total: number;
}

/** A logarithm this near to a bucket's bound may have been rounded across it. */
const NEAR_BOUND = 1e-6;

/** The lower bound b^index: the same double at every scale that has it. 0 and Infinity beyond the doubles. */
export function bucketBound(scale: number, index: number): number {
  if (scale <= 0) return 2 ** (index * 2 ** -scale);
  const size = 2 ** scale;
  const whole = Math.floor(index / size);
  const fraction = 2 ** ((index - whole * size) / size);
  return fraction * 2 ** whole;
}

/** The smallest double of full precision. Below it neighbouring doubles are further apart than the bounds of fine scales. */
export const SMALLEST_NORMAL: number = 2 ** -1022;

/** The index of the bucket that holds a value of at least `SMALLEST_NORMAL`. */
export function bucketIndex(scale: number, value: number): number {
  const exact = Math.log2(value) * 2 ** scale;
  let index = Math.ceil(exact) - 1;
  if (Math.abs(exact - Math.round(exact)) > NEAR_BOUND) return index;
  if (value <= bucketBound(scale, index)) index--;
  else if (value > bucketBound(scale, index + 1)) index++;
  return index;
}

/** Whether a bound other than +Inf is one between buckets at this scale, so that its cumulative count is known exactly. */
export function isBucketBound(scale: number, zeroThreshold: number, bound: number): boolean {
  const size = Math.abs(bound);
  if (size <= zeroThreshold) return size === zeroThreshold || bound === 0;
  return bucketBound(scale, Math.round(Math.log2(size) * 2 ** scale)) === size;
}

/** Joins each 2^by neighbours, as going from a scale to `scale − by` does. Counts are kept; the arrays are new. */
export function downscaleBuckets(
  offset: number,
  counts: ArrayLike<number>,
  by: number,
): { readonly offset: number; readonly counts: Float64Array } {
  const shift = (index: number): number => Math.floor(index / 2 ** by);
  if (counts.length === 0) return { offset: 0, counts: new Float64Array(0) };
  const first = shift(offset);
  const joined = new Float64Array(shift(offset + counts.length - 1) - first + 1);
  for (let i = 0; i < counts.length; i++) joined[shift(offset + i) - first] += counts[i];
  return { offset: first, counts: joined };
}

/**
 * The buckets as cumulative counts at both bounds of every bucket that is not empty: what `le` series hold. Between two of these
 * bounds either lies one bucket, or nothing was ever observed, so that interpolation inside them stays within buckets.
 */
export function cumulativeBuckets(buckets: ExponentialBuckets): CumulativeBuckets {
  const { scale, zeroCount, zeroThreshold = 0, positiveOffset, positiveCounts, negativeOffset, negativeCounts } = buckets;
  const capacity = 2 * (positiveCounts.length + negativeCounts.length + 1);
  const bounds = new Float64Array(capacity);
  const counts = new Float64Array(capacity);
  let length = 0;
  let total = 0;
  const put = (bound: number): void => {
    if (bound === Infinity) return;
    if (length === 0 || bound > bounds[length - 1]) bounds[length++] = bound;
    counts[length - 1] = total;
  };
  for (let i = negativeCounts.length - 1; i >= 0; i--) {
    if (negativeCounts[i] === 0) continue;
    const lower = -bucketBound(scale, negativeOffset + i + 1);
    if (lower > -Infinity) put(lower);
    total += negativeCounts[i];
    put(-bucketBound(scale, negativeOffset + i) || 0);
  }
  if (zeroCount > 0) {
    if (zeroThreshold > 0) put(-zeroThreshold);
    total += zeroCount;
    put(zeroThreshold);
  }
  for (let i = 0; i < positiveCounts.length; i++) {
    if (positiveCounts[i] === 0) continue;
    put(bucketBound(scale, positiveOffset + i));
    total += positiveCounts[i];
    put(bucketBound(scale, positiveOffset + i + 1));
  }
  return { scale, zeroThreshold, bounds: bounds.slice(0, length), counts: counts.slice(0, length), total };
}

/** The count at any bound: that of the highest known bound at or below it. Exact where nothing lies between the two. */
export function countAtBound(
  { bounds, counts, total }: Omit<CumulativeBuckets, "scale" | "zeroThreshold">,
  bound: number,
): number {
  if (bound === Infinity) return total;
  let low = 0;
  let high = bounds.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (bounds[middle] <= bound) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? 0 : counts[low - 1];
}

/** A bound as the label `le` says it: Go's shortest form, which is how Prometheus' own clients write it (`0.005`, `1e+06`, `+Inf`). */
export function boundText(bound: number): string {
  if (bound === Infinity) return "+Inf";
  if (bound === -Infinity) return "-Inf";
  if (bound === 0) return "0";
  const [mantissa, exponentText] = bound.toExponential().split("e");
  const exponent = Number(exponentText);
  if (exponent >= -4 && exponent < 6) return String(bound);
  return `${mantissa}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
}
