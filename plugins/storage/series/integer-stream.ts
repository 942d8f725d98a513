import { afterOne, afterZero, FRESH, RANGE_MIN, RangeEncoder } from "./range-coder.ts";

/**
 * Streams of integers (|m| <= 2^50) of one or several columns: each is predicted, and what the prediction missed is coded.
 * A column's first value is predicted by the first value of the column before it.
 *
 * A residual is: zero? (by whether the last three were) · sign (by the last sign) · bit length (by the mean of recent bit
 * lengths: 0..6 directly, 7 escapes to the whole six bits) · the three bits below the leading one (by bit length) · the rest.
 */

export const PREDICTOR_COUNT = 6;

const LAST = 1;
const LINEAR = 2;
const MEAN_8 = 3;
const MEAN_32 = 4;
const SLOPE = 5;

const ZERO = 0;
const SIGN = ZERO + 8 * 2;
const LENGTH = SIGN + 3 * 2;
const ESCAPE = LENGTH + 16 * 8;
const MANTISSA = ESCAPE + 16 * 64;
const STATES = MANTISSA + 54 * 8;

/** Residuals fit 53 bits; a decoder that meets damaged bytes may see more and must not run on. */
const BITS_MAX = 53;

const states = new Int32Array(STATES);
const encoder = new RangeEncoder();

function bitLength(magnitude: number): number {
  return magnitude < 4294967296 ? 32 - Math.clz32(magnitude) : 64 - Math.clz32(Math.floor(magnitude / 4294967296));
}

/**
 * Residuals of `values` under a predictor. `ends[c]` is where column c ends.
 */
export function residuals(values: Float64Array, ends: ArrayLike<number>, predictor: number, out: Float64Array): void {
  let first = 0;
  let at = 0;
  for (let c = 0; c < ends.length; c++) {
    const end = ends[c];
    let last = 0;
    let before = 0;
    let mean = 0;
    let slope = 0;
    for (let i = at; i < end; i++) {
      const x = values[i];
      let expected: number;
      if (i === at) expected = first;
      else if (predictor === LAST) expected = last;
      else if (predictor === LINEAR) expected = 2 * last - before;
      else if (predictor === MEAN_8 || predictor === MEAN_32) expected = Math.round(mean);
      else if (predictor === SLOPE) expected = last + Math.round(slope);
      else expected = 0;
      out[i] = x - expected;
      if (i === at) {
        first = x;
        last = x;
        mean = x;
      }
      if (predictor === MEAN_8) mean += (x - mean) * 0.125;
      else if (predictor === MEAN_32) mean += (x - mean) * 0.03125;
      else if (predictor === SLOPE) slope += (x - last - slope) * 0.125;
      before = last;
      last = x;
    }
    at = end;
  }
}

/** A quick estimate, in bits, of what coding the residuals would take; for choosing among predictors. */
export function estimateBits(residual: Float64Array, from: number, to: number): number {
  let bits = 0;
  for (let i = from; i < to; i++) {
    const r = residual[i];
    if (r !== 0) bits += 2 + bitLength(r < 0 ? -r : r);
  }
  return bits;
}

/** The coded residuals; empty when all are zero. */
export function encodeResiduals(residual: Float64Array, count: number): Uint8Array {
  states.fill(FRESH);
  encoder.reset();
  let zeros = 7;
  let sign = 0;
  let mean = 0;
  for (let i = 0; i < count; i++) {
    const r = residual[i];
    if (r === 0) {
      encoder.bit(states, ZERO + zeros * 2 + 1, 0);
      zeros = ((zeros << 1) | 1) & 7;
      mean -= mean >> 2;
      continue;
    }
    encoder.bit(states, ZERO + zeros * 2 + 1, 1);
    zeros = (zeros << 1) & 7;
    const negative = r < 0 ? 1 : 0;
    encoder.bit(states, SIGN + sign * 2 + 1, negative);
    sign = 1 + negative;
    const magnitude = negative ? -r : r;
    const bits = bitLength(magnitude);
    const context = mean >> 4 > 15 ? 15 : mean >> 4;
    const short = bits <= 7 ? bits - 1 : 7;
    encoder.tree(states, LENGTH + context * 8, 3, short);
    if (short === 7) encoder.tree(states, ESCAPE + context * 64, 6, bits);
    mean += ((bits << 4) - mean) >> 2;
    if (bits === 1) continue;
    const top = bits > 4 ? 3 : bits - 1;
    let rest = bits - 1 - top;
    // The bits below the leading one; every division is by a power of two and therefore exact.
    const tail = magnitude - 2 ** (bits - 1);
    encoder.tree(states, MANTISSA + bits * 8, top, Math.floor(tail / 2 ** rest));
    let low = tail % 2 ** rest;
    while (rest > 0) {
      const take = rest > 16 ? 16 : rest;
      rest -= take;
      const unit = 2 ** rest;
      encoder.direct(Math.floor(low / unit), take);
      low %= unit;
    }
  }
  return encoder.finish();
}

const AT_ZERO = 0;
const AT_SIGN = 1;
const AT_LENGTH = 2;
const AT_ESCAPE = 3;
const AT_MANTISSA = 4;

/**
 * Fills `out[0 .. ends.at(-1))` with the values whose coded residuals are `bytes[start .. end)`. Damaged bytes give wrong
 * values, never an exception or an endless loop: the caller checks a checksum first.
 *
 * One function with one copy of the bit decoder: calls for each bit cost more than twice the time.
 */
export function decodeIntegers(
  bytes: Uint8Array,
  start: number,
  end: number,
  ends: ArrayLike<number>,
  predictor: number,
  out: Float64Array,
): void {
  states.fill(FRESH);
  let at = start;
  let code = 0;
  for (let i = 0; i < 4; i++) code = ((code << 8) | (at < end ? bytes[at++] : 0)) >>> 0;
  let range = 0xffffffff;
  let zeros = 7;
  let sign = 0;
  let mean = 0;
  let first = 0;
  let position = 0;
  for (let c = 0; c < ends.length; c++) {
    const columnStart = position;
    const columnEnd = ends[c];
    let last = 0;
    let before = 0;
    let average = 0;
    let slope = 0;
    for (; position < columnEnd; position++) {
      let phase = AT_ZERO;
      let base = ZERO + zeros * 2;
      let node = 1;
      let full = 2;
      let bits = 0;
      let residual = 0;
      for (;;) {
        const state = states[base + node];
        const bound = Math.imul(range >>> 16, state >> 8) >>> 0;
        if (code < bound) {
          range = bound;
          states[base + node] = afterZero(state);
          node <<= 1;
        } else {
          code = (code - bound) >>> 0;
          range = (range - bound) >>> 0;
          states[base + node] = afterOne(state);
          node = (node << 1) | 1;
        }
        while (range < RANGE_MIN) {
          code = ((code << 8) | (at < end ? bytes[at++] : 0)) >>> 0;
          range = (range << 8) >>> 0;
        }
        if (node < full) continue;
        const symbol = node - full;
        node = 1;
        if (phase === AT_ZERO) {
          if (symbol === 0) {
            zeros = ((zeros << 1) | 1) & 7;
            mean -= mean >> 2;
            break;
          }
          zeros = (zeros << 1) & 7;
          phase = AT_SIGN;
          base = SIGN + sign * 2;
          continue;
        }
        if (phase === AT_SIGN) {
          sign = 1 + symbol;
          phase = AT_LENGTH;
          base = LENGTH + (mean >> 4 > 15 ? 15 : mean >> 4) * 8;
          full = 8;
          continue;
        }
        if (phase === AT_LENGTH && symbol === 7) {
          phase = AT_ESCAPE;
          base = ESCAPE + (mean >> 4 > 15 ? 15 : mean >> 4) * 64;
          full = 64;
          continue;
        }
        if (phase !== AT_MANTISSA) {
          bits = phase === AT_LENGTH ? symbol + 1 : symbol < 1 ? 1 : symbol > BITS_MAX ? BITS_MAX : symbol;
          mean += ((bits << 4) - mean) >> 2;
          if (bits === 1) {
            residual = sign === 2 ? -1 : 1;
            break;
          }
          phase = AT_MANTISSA;
          base = MANTISSA + bits * 8;
          full = bits > 4 ? 8 : 1 << (bits - 1);
          continue;
        }
        let magnitude = full + symbol;
        let rest = bits > 4 ? bits - 4 : 0;
        while (rest > 0) {
          const take = rest > 16 ? 16 : rest;
          rest -= take;
          range >>>= take;
          let piece = Math.floor(code / range);
          if (piece >= 1 << take) piece = (1 << take) - 1;
          code = (code - Math.imul(piece, range)) >>> 0;
          while (range < RANGE_MIN) {
            code = ((code << 8) | (at < end ? bytes[at++] : 0)) >>> 0;
            range = (range << 8) >>> 0;
          }
          magnitude = magnitude * (1 << take) + piece;
        }
        residual = sign === 2 ? -magnitude : magnitude;
        break;
      }
      let x = residual;
      if (position === columnStart) {
        x += first;
        first = x;
        last = x;
        average = x;
      } else if (predictor === LAST) x += last;
      else if (predictor === LINEAR) x += 2 * last - before;
      else if (predictor === MEAN_8 || predictor === MEAN_32) x += Math.round(average);
      else if (predictor === SLOPE) x += last + Math.round(slope);
      out[position] = x;
      if (predictor === MEAN_8) average += (x - average) * 0.125;
      else if (predictor === MEAN_32) average += (x - average) * 0.03125;
      else if (predictor === SLOPE) slope += (x - last - slope) * 0.125;
      before = last;
      last = x;
    }
  }
}
