import { BUCKETS, D } from "./layout.ts";

const LOWEST_OCTAVE = -2;
/** Past surprises are forgotten over this time. */
const MEMORY_S = 14 * 86_400;
/** Beyond the second largest of the past the tail is taken to fall with this power. */
const TAIL_POWER = 1.5;
/** Of a surprise's own bucket at least this share counts as larger: surprises of one kind crowd together. */
const LEAST_SHARE = 0.3;
/** While younger than the memory, weights grow with this power of the number of values, once there are many. */
const EARLY_FORGETTING = 3;
const EARLY_SAMPLES = 1000;
const RESCALE_AT = 1e4;

const asFloat = new Float32Array(1);
const asBits = new Int32Array(asFloat.buffer);
/** The exponent and the first three bits of the fraction: eighths of an octave without a logarithm. */
const BITS_AT_ZERO = (127 + LOWEST_OCTAVE) << 3;

export function bucketOf(surprise: number): number {
  asFloat[0] = surprise;
  const bucket = (asBits[0] >> 20) - BITS_AT_ZERO;
  return bucket < 0 ? 0 : bucket >= BUCKETS ? BUCKETS - 1 : bucket;
}

/** Lower end of a bucket. */
export function edgeOf(bucket: number): number {
  asBits[0] = (bucket + BITS_AT_ZERO) << 20;
  return asFloat[0];
}

/**
 * The share of this series' own past surprises that were at least this large. Counted where at least two were, beyond
 * them extrapolated. That is what makes scores of all series comparable, whatever their distribution. `ties` is the share of values
 * that equal their predecessor: where values repeat, so do surprises, and a bucket's must not be spread over its width.
 */
export function tailShare(
  floats: Float32Array,
  at: number,
  total: number,
  weight: number,
  surprise: number,
  ties: number,
): number {
  const bucket = bucketOf(surprise);
  let above = 0;
  for (let b = BUCKETS - 1; b > bucket; b--) above += floats[at + b];
  const low = edgeOf(bucket);
  const inside = 1 - (surprise - low) / (edgeOf(bucket + 1) - low);
  const spread = inside < 0 ? 0 : inside > 1 ? 1 : inside;
  const here = above + floats[at + bucket] * (ties + (1 - ties) * (LEAST_SHARE + (1 - LEAST_SHARE) * spread));
  const two = 2 * weight;
  if (here >= two) return here / total;
  // Down to the bucket that holds the second largest.
  let b = bucket;
  let sum = above + floats[at + bucket];
  while (sum < two && b > 0) sum += floats[at + --b];
  const reference = edgeOf(b + 1);
  const fall = surprise > reference ? (reference / surprise) ** TAIL_POWER : 1;
  return Math.max(here, two * fall) / Math.max(total, two);
}

/**
 * Remembers a surprise. Newer ones get a growing weight instead of all older ones a shrinking one. The first hours, when little was
 * known and much surprised, count less as soon as there is more.
 */
export function learnSurprise(
  doubles: Float64Array,
  d: number,
  floats: Float32Array,
  at: number,
  surprise: number,
  seconds: number,
): void {
  let weight =
    doubles[d + D.weight] * (1 + Math.max(seconds / MEMORY_S, EARLY_FORGETTING / (doubles[d + D.count] + EARLY_SAMPLES)));
  if (weight > RESCALE_AT) {
    for (let b = 0; b < BUCKETS; b++) floats[at + b] /= weight;
    doubles[d + D.total] /= weight;
    weight = 1;
  }
  floats[at + bucketOf(surprise)] += weight;
  doubles[d + D.total] += weight;
  doubles[d + D.weight] = weight;
}
