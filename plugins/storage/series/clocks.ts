import type { ByteReader, ByteWriter } from "./bytes.ts";
import { encodeIntegers } from "./column-codec.ts";
import { decodeIntegers } from "./integer-stream.ts";

/**
 * A block's clocks: lists of timestamps that columns share. A column's own timestamps are runs of a clock's ticks, so a
 * process that lived for a minute costs two small numbers, not a list.
 */

/** Clocks tried before a column gets one of its own: with thousands of writers trying all would be quadratic. */
const CLOCKS_TRIED = 32;

export interface RunSet {
  readonly clock: number;
  /** start, length, start, length … of clock ticks. */
  readonly runs: readonly number[];
}

function same(a: Float64Array, b: Float64Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Index of the first element >= wanted. */
export function lowerBound(sorted: Float64Array, wanted: number, length = sorted.length): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The runs of `clock` that are exactly `times`, or null when there are none or too many to be worth it. */
function findRuns(clock: Float64Array, times: Float64Array): number[] | null {
  const most = 2 + times.length / 8;
  const runs: number[] = [];
  let at = 0;
  let i = 0;
  while (i < times.length) {
    if (runs.length / 2 >= most) return null;
    at += lowerBound(clock.subarray(at), times[i]);
    const start = at;
    while (i < times.length && at < clock.length && clock[at] === times[i]) {
      at++;
      i++;
    }
    if (at === start) return null;
    runs.push(start, at - start);
  }
  return runs;
}

/** Finds out which clocks there are. */
export class ClockTable {
  readonly clocks: Float64Array[] = [];
  readonly runSets: RunSet[] = [];
  private readonly byEnds = new Map<string, { times: Float64Array; runSet: number }[]>();
  private readonly byRuns = new Map<string, number>();

  /** Add longer lists first: shorter ones are then found within them. Returns the run set's number. Keeps `times`. */
  add(times: Float64Array): number {
    const endsKey = `${times.length} ${times[0]} ${times[times.length - 1]}`;
    let alike = this.byEnds.get(endsKey);
    if (!alike) this.byEnds.set(endsKey, (alike = []));
    for (const one of alike) if (same(one.times, times)) return one.runSet;
    const runSet = this.runSetOf(times);
    alike.push({ times, runSet });
    return runSet;
  }

  private runSetOf(times: Float64Array): number {
    const tried = Math.min(CLOCKS_TRIED, this.clocks.length);
    for (let clock = 0; clock < tried; clock++) {
      const runs = findRuns(this.clocks[clock], times);
      if (runs !== null) return this.intern(clock, runs);
    }
    this.clocks.push(times);
    return this.intern(this.clocks.length - 1, [0, times.length]);
  }

  private intern(clock: number, runs: number[]): number {
    const key = `${clock}:${runs.join()}`;
    let number = this.byRuns.get(key);
    if (number === undefined) {
      number = this.runSets.length;
      this.runSets.push({ clock, runs });
      this.byRuns.set(key, number);
    }
    return number;
  }
}

/** Timestamps of a run set. */
export function timesOf(clock: Float64Array, runs: readonly number[]): Float64Array {
  if (runs.length === 2 && runs[0] === 0 && runs[1] === clock.length) return clock;
  let count = 0;
  for (let i = 1; i < runs.length; i += 2) count += runs[i];
  const times = new Float64Array(count);
  let at = 0;
  for (let i = 0; i < runs.length; i += 2) {
    times.set(clock.subarray(runs[i], runs[i] + runs[i + 1]), at);
    at += runs[i + 1];
  }
  return times;
}

/** The clock's step before each sample of a run set, ms; 0 at the clock's first tick. */
export function stepsOf(clock: Float64Array, runs: readonly number[], out: Float64Array, offset: number): number {
  let at = offset;
  for (let i = 0; i < runs.length; i += 2) {
    for (let tick = runs[i]; tick < runs[i] + runs[i + 1]; tick++) out[at++] = tick === 0 ? 0 : clock[tick] - clock[tick - 1];
  }
  return at;
}

/** How a clock is kept: times less the first as they are, or as whole steps of a grid and what they miss it by. */
export interface ClockHead {
  readonly count: number;
  readonly first: number;
  /** Grid step in ms, 0: no grid. */
  readonly grid: number;
  readonly predictor: number;
  readonly length: number;
  readonly missPredictor: number;
  readonly missLength: number;
}

export interface EncodedClock extends ClockHead {
  readonly bytes: Uint8Array;
}

/** What is returned has been decoded and compared. */
export function encodeClock(times: Float64Array): EncodedClock {
  const encoded = encodeBest(times);
  if (!same(decodeClock(encoded, encoded.bytes, 0), times)) throw new Error("a clock could not be encoded so that it comes back");
  return encoded;
}

function encodeBest(times: Float64Array): EncodedClock {
  const count = times.length;
  const first = times[0];
  const offsets = times.map((time) => time - first);
  const plain = encodeIntegers(offsets, [count], count, true);
  const head = { count, first, missPredictor: 0, missLength: 0 };
  const plainClock = { ...head, grid: 0, predictor: plain.predictor, length: plain.bytes.length, bytes: plain.bytes };
  if (count < 8) return plainClock;
  const steps = Float64Array.from({ length: count - 1 }, (_, i) => times[i + 1] - times[i]).sort();
  // Collectors tick at multiples of whole seconds, some milliseconds late.
  const median = steps[(count - 1) >> 1];
  const grid = median > 900 ? Math.round(median / 1000) * 1000 : median;
  if (!(grid > 0)) return plainClock;
  const ticks = offsets.map((offset) => Math.round(offset / grid));
  const misses = offsets.map((offset, i) => offset - ticks[i] * grid);
  const coarse = encodeIntegers(ticks, [count], count, true);
  const fine = encodeIntegers(misses, [count], count, true);
  if (coarse.bytes.length + fine.bytes.length >= plain.bytes.length) return plainClock;
  const bytes = new Uint8Array(coarse.bytes.length + fine.bytes.length);
  bytes.set(coarse.bytes);
  bytes.set(fine.bytes, coarse.bytes.length);
  return {
    ...head,
    grid,
    predictor: coarse.predictor,
    length: coarse.bytes.length,
    missPredictor: fine.predictor,
    missLength: fine.bytes.length,
    bytes,
  };
}

export function decodeClock(head: ClockHead, bytes: Uint8Array, start: number): Float64Array {
  const times = new Float64Array(head.count);
  const middle = start + head.length;
  decodeIntegers(bytes, start, middle, [head.count], head.predictor, times);
  if (head.grid === 0) {
    for (let i = 0; i < times.length; i++) times[i] += head.first;
    return times;
  }
  const misses = new Float64Array(head.count);
  decodeIntegers(bytes, middle, middle + head.missLength, [head.count], head.missPredictor, misses);
  for (let i = 0; i < times.length; i++) times[i] = head.first + times[i] * head.grid + misses[i];
  return times;
}

export function writeClockHead(out: ByteWriter, head: ClockHead): void {
  out.varint(head.count);
  out.f64(head.first);
  out.varint(head.grid);
  out.u8(head.predictor);
  out.varint(head.length);
  out.u8(head.missPredictor);
  out.varint(head.missLength);
}

export function readClockHead(input: ByteReader, samplesMax: number): ClockHead {
  return {
    count: input.count(samplesMax),
    first: input.f64(),
    grid: input.varint(),
    predictor: input.u8(),
    length: input.varint(),
    missPredictor: input.u8(),
    missLength: input.varint(),
  };
}
