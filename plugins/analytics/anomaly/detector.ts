import { learnSurprise, tailShare } from "./calibration.ts";
import { BUCKETS, D, PREVIOUS_AT, TIES_AT, WARM_UP } from "./layout.ts";
import { clearPlaces, visit } from "./places.ts";

/** A score not given, because too little is known yet. */
export const NOT_YET = -1;

const FAST_S = 30;
const FAST_SPREAD_S = 300;
const SLOW_S = 900;
const SLOW_SPREAD_S = 7200;
/** The range of all values shrinks by its share over this time. */
const RANGE_MEMORY_S = 30 * 86_400;
/** Steps of level and spread are clipped here, in spreads, so that an outlier moves neither far. */
const CLIP = 6;
/** Each end of the band is passed by this share of normal values. */
const TAIL = 0.005;
/**
 * What stays outside is taken in, the quicker the longer it stays: half of it after sqrt(1.4 / rate) seconds, which is 6 min in a
 * series' first hour and 20 min for one known for a day.
 */
const ABSORB_OLD = 1e-6;
const ABSORB_YOUNG = 9e-6;
const YOUNG_SAMPLES = 7200;
/** Seconds outside in a row after which a further one is worth half of the first: they are one event, not many. */
const RUN_HALF_S = 10;
/** Surprise of a place visited before counts this much of a new place's. */
const KNOWN_PLACE = 0.4;
/** This far from every place visited (in ranges) is wholly new. */
const NEW_PLACE = 0.05;
const TIE_RATE = 1 / 64;
/** Beyond the knee only the order of magnitude counts, so that the histogram's 64 buckets reach. */
const SURPRISE_KNEE = 16;
const SURPRISE_MAX = 4000;

/** Below this, differences are rounding: a share of the range, of the level, and of nothing. */
function resolution(doubles: Float64Array, d: number): number {
  return 1e-3 * (doubles[d + D.max] - doubles[d + D.min]) + 1e-5 * Math.abs(doubles[d + D.slow]) + 1e-9;
}

const sorted = new Float64Array(WARM_UP);

/** About the 10 % and 90 % points of the first values, and how far beyond them the usual reaches, in their distances from the middle. */
const RIM = 6;
const BEYOND = 2.2;

/** Begins with robust statistics of the first values: some wild ones among them (a program that starts) do no harm. */
function begin(doubles: Float64Array, d: number, floats: Float32Array, f: number): void {
  const values = floats.slice(f, f + WARM_UP);
  sorted.set(values);
  sorted.sort();
  const middle = sorted[WARM_UP >> 1];
  const low = Math.max(sorted[1], middle - BEYOND * (middle - sorted[RIM]));
  const high = Math.min(sorted[WARM_UP - 2], middle + BEYOND * (sorted[WARM_UP - 1 - RIM] - middle));
  let spread = 0;
  for (const value of sorted) spread += Math.abs(Math.min(Math.max(value, low), high) - middle) / WARM_UP;
  doubles[d + D.fast] = doubles[d + D.slow] = middle;
  doubles[d + D.fastSpread] = doubles[d + D.slowSpread] = spread;
  doubles[d + D.low] = low;
  doubles[d + D.high] = high;
  doubles[d + D.min] = sorted[0];
  doubles[d + D.max] = sorted[WARM_UP - 1];
  doubles[d + D.run] = 0;
  doubles[d + D.total] = 0;
  doubles[d + D.weight] = 1;
  floats.fill(0, f, f + BUCKETS);
  clearPlaces(floats, f);
  const range = doubles[d + D.max] - doubles[d + D.min] + resolution(doubles, d);
  for (let i = 0; i < WARM_UP; i++) visit(floats, f, values[i], range, i + 1);
  for (const value of values) learnSurprise(doubles, d, floats, f, surprise(doubles, d, value), 0);
  let ties = 0;
  for (let i = 1; i < WARM_UP; i++) if (values[i] === values[i - 1]) ties++;
  floats[f + PREVIOUS_AT] = values[WARM_UP - 1];
  floats[f + TIES_AT] = ties / (WARM_UP - 1);
}

/**
 * How far a value is from what is usual, 1 at the rim of it: the largest of its place in the band (each side has its own width) and its
 * distance from the level over seconds and over minutes.
 */
function surprise(doubles: Float64Array, d: number, value: number): number {
  const floor = resolution(doubles, d);
  const low = doubles[d + D.low];
  const high = doubles[d + D.high];
  // Each side of the level has its own width: half of the values of a skewed series are not at the rim.
  let middle = doubles[d + D.slow];
  middle = middle > high ? high : middle < low ? low : middle;
  const band = value > middle ? (value - middle) / (high - middle + floor) : (middle - value) / (middle - low + floor);
  const fast = Math.abs(value - doubles[d + D.fast]) / (4 * doubles[d + D.fastSpread] + floor);
  const slow = Math.abs(value - doubles[d + D.slow]) / (4 * doubles[d + D.slowSpread] + floor);
  const most = Math.max(band, 0.7 * fast, 0.7 * slow);
  if (most <= SURPRISE_KNEE) return most;
  return SURPRISE_KNEE * (1 + Math.log2((most < SURPRISE_MAX ? most : SURPRISE_MAX) / SURPRISE_KNEE) / 3);
}

function follow(
  doubles: Float64Array,
  level: number,
  spread: number,
  value: number,
  levelRate: number,
  spreadRate: number,
  floor: number,
): void {
  const limit = CLIP * doubles[spread] + floor;
  let step = value - doubles[level];
  if (step > limit) step = limit;
  else if (step < -limit) step = -limit;
  doubles[level] += levelRate * step;
  doubles[spread] += spreadRate * (Math.abs(step) - doubles[spread]);
}

function absorbed(count: number, run: number, seconds: number): number {
  const rate = (ABSORB_OLD + (count < 10 * YOUNG_SAMPLES ? ABSORB_YOUNG * Math.exp(-count / YOUNG_SAMPLES) : 0)) * run * seconds;
  return rate < 1 ? rate : 1;
}

/** Moves the ends of the band so that each is passed by `TAIL` of the values; quicker while little is known. */
function moveBand(doubles: Float64Array, d: number, value: number, seconds: number, floor: number): void {
  const low = doubles[d + D.low];
  const high = doubles[d + D.high];
  const count = doubles[d + D.count];
  const step = (0.01 + 2 / (count + 100)) * (high - low + floor);
  let run = doubles[d + D.run];
  if (value > high) {
    run = run > 0 ? run + seconds : seconds;
    const near = Math.min(value, high + (step * RUN_HALF_S) / (RUN_HALF_S + run - seconds));
    doubles[d + D.high] = near + (value - near) * absorbed(count, run, seconds);
    doubles[d + D.low] = low + TAIL * step;
  } else if (value < low) {
    run = run < 0 ? run - seconds : -seconds;
    const near = Math.max(value, low - (step * RUN_HALF_S) / (RUN_HALF_S - run - seconds));
    doubles[d + D.low] = near - (near - value) * absorbed(count, -run, seconds);
    doubles[d + D.high] = high - TAIL * step;
  } else {
    run = 0;
    doubles[d + D.low] = low + TAIL * step;
    doubles[d + D.high] = high - TAIL * step;
  }
  doubles[d + D.run] = run;
}

/**
 * Scores one value against what is known and learns it. `seconds` since the value before. Returns NOT_YET during warm-up, else a
 * score in 0..1 that a normal value of this series exceeds as 1 − p with probability about p.
 */
export function observe(
  doubles: Float64Array,
  d: number,
  floats: Float32Array,
  f: number,
  value: number,
  seconds: number,
): number {
  const count = doubles[d + D.count];
  doubles[d + D.count] = count + 1;
  if (count < WARM_UP) {
    floats[f + count] = value;
    if (count === WARM_UP - 1) begin(doubles, d, floats, f);
    return NOT_YET;
  }
  const floor = resolution(doubles, d);
  let min = doubles[d + D.min];
  let max = doubles[d + D.max];
  const shrink = ((max - min) * seconds) / RANGE_MEMORY_S;
  min = value < min ? value : min + shrink;
  max = value > max ? value : max - shrink;
  doubles[d + D.min] = min;
  doubles[d + D.max] = max;

  let size = surprise(doubles, d, value);
  const distance = visit(floats, f, value, max - min + floor, count);
  if (size > 1) size = 1 + (size - 1) * (distance >= NEW_PLACE ? 1 : KNOWN_PLACE + (1 - KNOWN_PLACE) * (distance / NEW_PLACE));
  const share = tailShare(floats, f, doubles[d + D.total], doubles[d + D.weight], size, floats[f + TIES_AT]);
  floats[f + TIES_AT] += TIE_RATE * ((floats[f + PREVIOUS_AT] === Math.fround(value) ? 1 : 0) - floats[f + TIES_AT]);
  floats[f + PREVIOUS_AT] = value;
  learnSurprise(doubles, d, floats, f, size, seconds);

  const early = 1 / (count + 1);
  follow(
    doubles,
    d + D.fast,
    d + D.fastSpread,
    value,
    seconds / (FAST_S + seconds),
    Math.max(early, seconds / (FAST_SPREAD_S + seconds)),
    floor,
  );
  follow(
    doubles,
    d + D.slow,
    d + D.slowSpread,
    value,
    Math.max(early, seconds / (SLOW_S + seconds)),
    Math.max(early, seconds / (SLOW_SPREAD_S + seconds)),
    floor,
  );
  moveBand(doubles, d, value, seconds, floor);
  return share < 1 ? 1 - share : 0;
}

/** After a gap the level over seconds is not that of before. */
export function afterGap(doubles: Float64Array, d: number, value: number): void {
  if (doubles[d + D.count] < WARM_UP) return;
  doubles[d + D.fast] = value;
  doubles[d + D.run] = 0;
}
