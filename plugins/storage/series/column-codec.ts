import { decodeIntegers, encodeResiduals, estimateBits, PREDICTOR_COUNT, residuals } from "./integer-stream.ts";
import { decodeRaw, encodeRaw } from "./raw-stream.ts";
import { wordsOf } from "./samples.ts";

/**
 * What a stream's integers n stand for. A form is used only when every value comes back bit for bit, apart from listed
 * exceptions. Numbers on disk: never reuse one. `s` is the clock's own step in seconds, `(t - t before) / 1000`.
 */
export const FORM = {
  /** 64-bit patterns, no integers. */
  raw: 0,
  /** n / 10^k */
  decimal: 1,
  /** n * 1e-k: a multiplication, not the same doubles as a division */
  product: 2,
  /** n / 1e3 / 1e3 */
  thousands: 3,
  /** n * 2^-k */
  binary: 4,
  /** n / 10^k / s, as collectors make rates */
  rate: 5,
  /** n * 1e-k / s */
  rateProduct: 6,
} as const;

export const FORM_COUNT = 7;

const K_MAX = 9;
const BINARY_K_MAX = 40;
/** Integers span at most this, so that predictions and residuals stay exact in doubles. */
const SPAN_MAX = 2 ** 50;
/** Samples looked at to choose a predictor: three stretches of this length. */
const PROBE = 128;

const POWERS = Float64Array.from({ length: K_MAX + 1 }, (_, k) => Number(`1e${k}`));
const FRACTIONS = Float64Array.from({ length: K_MAX + 1 }, (_, k) => Number(`1e-${k}`));

export interface StreamHead {
  readonly form: number;
  readonly k: number;
  readonly predictor: number;
  /** n = offset + factor * m, m being what is coded. */
  readonly offset: number;
  readonly factor: number;
  /** How many samples are stored as they are, before the coded bytes. */
  readonly exceptions: number;
}

export interface EncodedStream extends StreamHead {
  /** Exceptions, then coded residuals. */
  readonly bytes: Uint8Array;
}

/** Bytes of one exception: position (u32), then the double. */
export const EXCEPTION_BYTES = 12;

function fromInteger(n: number, form: number, k: number, stepMs: number): number {
  switch (form) {
    case FORM.decimal:
      return n / POWERS[k];
    case FORM.product:
      return n * FRACTIONS[k];
    case FORM.thousands:
      return n / 1e3 / 1e3;
    case FORM.binary:
      return n * 2 ** -k;
    case FORM.rate:
      return n / POWERS[k] / (stepMs / 1000);
    default:
      return (n * FRACTIONS[k]) / (stepMs / 1000);
  }
}

function toInteger(value: number, form: number, k: number, stepMs: number): number {
  switch (form) {
    case FORM.decimal:
    case FORM.product:
      return Math.round(value * POWERS[k]);
    case FORM.thousands:
      return Math.round(value * 1e6);
    case FORM.binary:
      return Math.round(value * 2 ** k);
    default:
      return Math.round(value * (stepMs / 1000) * POWERS[k]);
  }
}

/** Can this sample never be an integer of the form? It is stored as it is instead. */
function exceptional(value: number, form: number, stepMs: number): boolean {
  if (form >= FORM.rate && !(stepMs > 0)) return true;
  return value === 0 ? Object.is(value, -0) : !Number.isFinite(value);
}

interface Fit {
  readonly form: number;
  readonly k: number;
}

/** Index of the first value from `from` on that the form does not give back exactly; `count` when all fit. Fills `integers`. */
function fitUntil(
  values: Float64Array,
  steps: Float64Array | null,
  from: number,
  count: number,
  form: number,
  k: number,
  integers: Float64Array,
): number {
  for (let i = from; i < count; i++) {
    const value = values[i];
    const stepMs = steps === null ? 0 : steps[i];
    if (exceptional(value, form, stepMs)) {
      integers[i] = NaN;
      continue;
    }
    const n = toInteger(value, form, k, stepMs);
    if (fromInteger(n, form, k, stepMs) !== value || n > Number.MAX_SAFE_INTEGER || n < -Number.MAX_SAFE_INTEGER) return i;
    integers[i] = n === 0 ? 0 : n;
  }
  return count;
}

/** The smallest k that fits; what fits a k also fits the next, so only the first failure is tried again. */
function fitGrowing(
  values: Float64Array,
  steps: Float64Array | null,
  count: number,
  form: number,
  kMax: number,
  integers: Float64Array,
): Fit | null {
  let k = 0;
  let at = 0;
  while (k <= kMax) {
    at = fitUntil(values, steps, at, count, form, k, integers);
    if (at === count) break;
    k++;
  }
  if (k > kMax) return null;
  return k === 0 || fitUntil(values, steps, 0, count, form, k, integers) === count ? { form, k } : null;
}

function fitEach(
  values: Float64Array,
  steps: Float64Array | null,
  count: number,
  form: number,
  kMax: number,
  integers: Float64Array,
): Fit | null {
  for (let k = 1; k <= kMax; k++) if (fitUntil(values, steps, 0, count, form, k, integers) === count) return { form, k };
  return null;
}

/** The first form that gives every value back; null when only raw does. Fills `integers`, NaN at exceptions. */
export function fitForm(values: Float64Array, steps: Float64Array | null, count: number, integers: Float64Array): Fit | null {
  return (
    fitGrowing(values, steps, count, FORM.decimal, K_MAX, integers) ??
    fitEach(values, steps, count, FORM.product, K_MAX, integers) ??
    (fitUntil(values, steps, 0, count, FORM.thousands, 0, integers) === count ? { form: FORM.thousands, k: 0 } : null) ??
    (steps === null
      ? null
      : (fitGrowing(values, steps, count, FORM.rate, 3, integers) ??
        fitEach(values, steps, count, FORM.rateProduct, 3, integers))) ??
    fitGrowing(values, steps, count, FORM.binary, BINARY_K_MAX, integers)
  );
}

function greatestCommonDivisor(a: number, b: number): number {
  while (b !== 0) {
    const rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

/** Subtracts the first integer and divides by the steps' common factor, in place. Null when they span too much. */
function reduce(integers: Float64Array, count: number): { offset: number; factor: number } | null {
  const offset = integers[0];
  let factor = 0;
  let low = offset;
  let high = offset;
  for (let i = 1; i < count; i++) {
    const n = integers[i];
    if (n < low) low = n;
    else if (n > high) high = n;
  }
  if (high - low > SPAN_MAX) return null;
  for (let i = 1; i < count && factor !== 1; i++) {
    const step = Math.abs(integers[i] - offset);
    if (step !== 0) factor = greatestCommonDivisor(factor, step);
  }
  if (factor === 0) factor = 1;
  for (let i = 0; i < count; i++) integers[i] = (integers[i] - offset) / factor;
  return { offset, factor };
}

/** Predictors in order of a quick estimate, best first. */
function rankPredictors(integers: Float64Array, ends: ArrayLike<number>, count: number, scratch: Float64Array): number[] {
  const cost: number[] = [];
  const far = count > PROBE * 4;
  for (let predictor = 0; predictor < PREDICTOR_COUNT; predictor++) {
    if (far && ends.length === 1) {
      // Three stretches, each as a column of its own.
      let bits = 0;
      for (const from of [0, (count - PROBE) >> 1, count - PROBE]) {
        const probe = integers.subarray(from, from + PROBE);
        residuals(probe, [PROBE], predictor, scratch);
        bits += estimateBits(scratch, 8, PROBE);
      }
      cost.push(bits);
    } else {
      residuals(integers, ends, predictor, scratch);
      cost.push(estimateBits(scratch, 0, count));
    }
  }
  return [...cost.keys()].sort((a, b) => cost[a] - cost[b]);
}

/** Codes integers of |m| <= 2^50 by the best predictor: by estimate, or, when `thorough`, by trying the three likeliest. */
export function encodeIntegers(
  integers: Float64Array,
  ends: ArrayLike<number>,
  count: number,
  thorough: boolean,
): { predictor: number; bytes: Uint8Array } {
  const scratch = new Float64Array(count);
  const ranked = rankPredictors(integers, ends, count, scratch);
  let best: { predictor: number; bytes: Uint8Array } | null = null;
  for (const predictor of ranked.slice(0, thorough ? 3 : 1)) {
    residuals(integers, ends, predictor, scratch);
    const bytes = encodeResiduals(scratch, count);
    if (best === null || bytes.length < best.bytes.length) best = { predictor, bytes };
    if (best.bytes.length === 0) break;
  }
  return best as { predictor: number; bytes: Uint8Array };
}

function encodeAsRaw(values: Float64Array, count: number): EncodedStream {
  const bytes = encodeRaw(wordsOf(values), count);
  return { form: FORM.raw, k: 0, predictor: 0, offset: 0, factor: 1, exceptions: 0, bytes };
}

/** Exceptions as bytes; puts each one's predecessor in its place so that it costs the integers nothing. */
function takeExceptions(values: Float64Array, integers: Float64Array, count: number): Uint8Array | null {
  let exceptions = 0;
  let first = NaN;
  for (let i = count - 1; i >= 0; i--) {
    if (Number.isNaN(integers[i])) exceptions++;
    else first = integers[i];
  }
  if (exceptions === 0) return new Uint8Array(0);
  if (exceptions > 1 + count / 8 || Number.isNaN(first)) return null;
  const bytes = new Uint8Array(exceptions * EXCEPTION_BYTES);
  const view = new DataView(bytes.buffer);
  const words = wordsOf(values);
  let at = 0;
  let before = first;
  for (let i = 0; i < count; i++) {
    if (Number.isNaN(integers[i])) {
      view.setUint32(at, i, true);
      view.setUint32(at + 4, words[2 * i], true);
      view.setUint32(at + 8, words[2 * i + 1], true);
      at += EXCEPTION_BYTES;
      integers[i] = before;
    } else before = integers[i];
  }
  return bytes;
}

function encodeAsIntegers(
  values: Float64Array,
  ends: ArrayLike<number>,
  steps: Float64Array | null,
  count: number,
  thorough: boolean,
): EncodedStream | null {
  const integers = new Float64Array(count);
  const fit = fitForm(values, steps, count, integers);
  if (fit === null) return null;
  const exceptions = takeExceptions(values, integers, count);
  if (exceptions === null) return null;
  const reduced = reduce(integers, count);
  if (reduced === null) return null;
  const coded = encodeIntegers(integers, ends, count, thorough);
  const bytes = new Uint8Array(exceptions.length + coded.bytes.length);
  bytes.set(exceptions);
  bytes.set(coded.bytes, exceptions.length);
  return { ...fit, ...reduced, predictor: coded.predictor, exceptions: exceptions.length / EXCEPTION_BYTES, bytes };
}

function givesBack(encoded: EncodedStream, values: Float64Array, ends: ArrayLike<number>, steps: Float64Array | null): boolean {
  const count = values.length;
  const back = new Float64Array(count);
  decodeStream(encoded, encoded.bytes, 0, encoded.bytes.length, ends, steps, back);
  const wanted = wordsOf(values);
  const got = wordsOf(back);
  for (let i = 0; i < wanted.length; i++) if (wanted[i] !== got[i]) return false;
  return true;
}

/**
 * Encodes one or several columns of one metric, one after the other in `values`, column c ending at `ends[c]`. `steps` holds
 * each sample's clock step in ms (0: unknown). What is returned has been decoded and compared bit for bit.
 */
export function encodeStream(
  values: Float64Array,
  ends: ArrayLike<number>,
  steps: Float64Array | null,
  thorough: boolean,
): EncodedStream {
  const count = values.length;
  const encoded = encodeAsIntegers(values, ends, steps, count, thorough);
  if (encoded !== null && givesBack(encoded, values, ends, steps)) return encoded;
  const raw = encodeAsRaw(values, count);
  if (!givesBack(raw, values, ends, steps)) throw new Error("a column could not be encoded so that it comes back bit for bit");
  return raw;
}

/** Fills `out` (its length is the number of samples) from `bytes[start .. end)`, whose checksum the caller has checked. */
export function decodeStream(
  head: StreamHead,
  bytes: Uint8Array,
  start: number,
  end: number,
  ends: ArrayLike<number>,
  steps: Float64Array | null,
  out: Float64Array,
): void {
  const count = out.length;
  if (head.form === FORM.raw) return decodeRaw(bytes, start, end, count, wordsOf(out));
  const { form, k, offset, factor } = head;
  const coded = start + head.exceptions * EXCEPTION_BYTES;
  if (coded === end && form < FORM.rate) out.fill(fromInteger(offset, form, k, 0));
  else {
    if (coded === end) out.fill(0);
    else decodeIntegers(bytes, coded, end, ends, head.predictor, out);
    if (form === FORM.decimal) {
      const divisor = POWERS[k];
      if (k === 0) for (let i = 0; i < count; i++) out[i] = offset + factor * out[i];
      else for (let i = 0; i < count; i++) out[i] = (offset + factor * out[i]) / divisor;
    } else for (let i = 0; i < count; i++) out[i] = fromInteger(offset + factor * out[i], form, k, steps === null ? 0 : steps[i]);
  }
  if (head.exceptions === 0) return;
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, head.exceptions * EXCEPTION_BYTES);
  const words = wordsOf(out);
  for (let at = 0; at < view.byteLength; at += EXCEPTION_BYTES) {
    const i = view.getUint32(at, true);
    if (i >= count) throw new RangeError(`an exception at sample ${i} of ${count}`);
    words[2 * i] = view.getUint32(at + 4, true);
    words[2 * i + 1] = view.getUint32(at + 8, true);
  }
}
