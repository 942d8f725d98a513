/** Cumulative counts by ascending upper bound, for i < length. Refilled step by step. */
export interface Buckets {
  length: number;
  readonly bounds: Float64Array;
  readonly counts: Float64Array;
  /** Set by `bucketQuantile`: counts fell with growing bounds and were raised. */
  forcedMonotonic: boolean;
}

/** Relative difference of two counts that is put down to rounding. */
const SMALL_DELTA = 1e-12;

export function makeBuckets(capacity: number): Buckets {
  return { length: 0, bounds: new Float64Array(capacity), counts: new Float64Array(capacity), forcedMonotonic: false };
}

function almostEqual(a: number, b: number): boolean {
  if (a === b) return true;
  const size = Math.abs(a) + Math.abs(b);
  const difference = Math.abs(a - b);
  if (a === 0 || b === 0) return difference < SMALL_DELTA * Number.MIN_VALUE;
  return difference / Math.min(size, Number.MAX_VALUE) < SMALL_DELTA;
}

/** Raises counts that fall below the one before them. */
function ensureMonotonic(buckets: Buckets): void {
  const { counts, length } = buckets;
  buckets.forcedMonotonic = false;
  let previous = counts[0];
  for (let i = 1; i < length; i++) {
    const count = counts[i];
    if (almostEqual(previous, count)) {
      counts[i] = previous;
    } else if (count < previous) {
      counts[i] = previous;
      buckets.forcedMonotonic = true;
    } else {
      previous = count;
    }
  }
}

/**
 * The quantile by linear interpolation inside its bucket, as Prometheus defines it: the lowest bucket starts at 0 when
 * its bound is positive; in the highest one the second highest bound is returned.
 */
export function bucketQuantile(quantile: number, buckets: Buckets): number {
  const { bounds, counts, length } = buckets;
  buckets.forcedMonotonic = false;
  if (quantile !== quantile) return Number.NaN;
  if (quantile < 0) return Number.NEGATIVE_INFINITY;
  if (quantile > 1) return Number.POSITIVE_INFINITY;
  if (bounds[length - 1] !== Number.POSITIVE_INFINITY) return Number.NaN;
  ensureMonotonic(buckets);
  if (length < 2) return Number.NaN;
  const observations = counts[length - 1];
  if (observations === 0 || observations !== observations) return Number.NaN;
  let rank = quantile * observations;
  let b = 0;
  while (b < length - 1 && !(counts[b] >= rank)) b++;
  if (b === length - 1) return bounds[length - 2];
  if (b === 0 && bounds[0] <= 0) return bounds[0];
  const end = bounds[b];
  let count = counts[b];
  let start = 0;
  if (b > 0) {
    start = bounds[b - 1]!;
    count -= counts[b - 1];
    rank -= counts[b - 1];
  }
  return start + (end - start) * (rank / count);
}

/** The share of observations between two values, by the same interpolation. */
export function bucketFraction(lower: number, upper: number, buckets: Buckets): number {
  const { bounds, counts, length } = buckets;
  if (bounds[length - 1] !== Number.POSITIVE_INFINITY) return Number.NaN;
  ensureMonotonic(buckets);
  const total = counts[length - 1];
  if (total === 0 || total !== total || lower !== lower || upper !== upper) return Number.NaN;
  if (lower >= upper) return 0;
  return (rankOf(upper, buckets) - rankOf(lower, buckets)) / total;
}

/** How many observations lie below a value. */
function rankOf(value: number, { bounds, counts, length }: Buckets): number {
  let below = 0;
  for (let i = 0; i < length; i++) {
    const end = bounds[i];
    const start = i > 0 ? bounds[i - 1] : end > 0 ? 0 : Number.NEGATIVE_INFINITY;
    if (value <= start) return below;
    if (value < end) {
      // Nothing is known of how observations lie in a bucket without an end: none of them counts as below.
      if (start === Number.NEGATIVE_INFINITY || end === Number.POSITIVE_INFINITY) return below;
      return below + ((counts[i] - below) * (value - start)) / (end - start);
    }
    below = counts[i]!;
  }
  return below;
}
