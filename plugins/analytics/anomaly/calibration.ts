import { BUCKETS, D } from "./layout.ts";

const LOWEST_OCTAVE = -4;
/** Past surprises are forgotten over this time. */
const MEMORY_S = 14 * 86_400;
/** Beyond the second largest of the past the tail is taken to fall with this power. */
const TAIL_POWER = 1.5;
const RESCALE_AT = 1e4;

const asFloat = new Float32Array(1);
const asBits = new Int32Array(asFloat.buffer);
/** The exponent and the first two bits of the fraction: quarter octaves without a logarithm. */
const BITS_AT_ZERO = (127 + LOWEST_OCTAVE) << 2;

export function bucketOf(surprise: number): number {
  asFloat[0] = surprise;
  const bucket = (asBits[0] >> 21) - BITS_AT_ZERO;
  return bucket < 0 ? 0 : bucket >= BUCKETS ? BUCKETS - 1 : bucket;
}

/** Lower end of a bucket. */
export function edgeOf(bucket: number): number {
  asBits[0] = (bucket + BITS_AT_ZERO) << 21;
  return asFloat[0];
}

/**
 * The share of this series' own past surprises that were at least this large. Counted where at least two were, beyond
 * them extrapolated. That is what makes scores of all series comparable, whatever their distribution.
 */
export function tailShare(floats: Float32Array, at: number, total: number, weight: number, surprise: number): number {
  const bucket = bucketOf(surprise);
  let above = 0;
  for (let b = BUCKETS - 1; b > bucket; b--) above += floats[at + b];
  const low = edgeOf(bucket);
  const share = 1 - (surprise - low) / (edgeOf(bucket + 1) - low);
  const here = above + floats[at + bucket] * (share < 0 ? 0 : share > 1 ? 1 : share);
  const two = 2 * weight;
  if (here >= two) return here / total;
  // Down to the bucket that holds the second largest.
  let b = bucket;
  let sum = above + floats[at + bucket];
  while (sum < two && b > 0) sum += floats[at + --b];
  const reference = edgeOf(b + 1);
  const fall = surprise > reference ? (reference / surprise) ** TAIL_POWER : 1;
  return (Math.max(here, two * fall)) / Math.max(total, two);
}

/** Remembers a surprise. Newer ones get a growing weight instead of all older ones a shrinking one. */
export function learnSurprise(doubles: Float64Array, d: number, floats: Float32Array, at: number, surprise: number, seconds: number): void {
  let weight = doubles[d + D.weight] * (1 + seconds / MEMORY_S);
  if (weight > RESCALE_AT) {
    for (let b = 0; b < BUCKETS; b++) floats[at + b] /= weight;
    doubles[d + D.total] /= weight;
    weight = 1;
  }
  floats[at + bucketOf(surprise)] += weight;
  doubles[d + D.total] += weight;
  doubles[d + D.weight] = weight;
}
