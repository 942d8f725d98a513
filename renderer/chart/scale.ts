/** Ends and ticks of axes. */

/** The smallest step out of 1, 2, 5 × 10ⁿ, and 25, 250…, that is not less than `atLeast`. 2.5 would need a decimal more than it is worth. */
export function niceStep(atLeast: number): number {
  const power = 10 ** Math.floor(Math.log10(atLeast) + 1e-9);
  for (const nice of power >= 10 ? [1, 2, 2.5, 5] : [1, 2, 5]) if (nice * power >= atLeast * (1 - 1e-9)) return nice * power;
  return 10 * power;
}

export interface ValueScale {
  readonly low: number;
  readonly high: number;
  readonly step: number;
}

/** An axis starts at nought when what is shown reaches down to this share of its height, and nothing is below. */
const NEAR_ZERO = 0.5;
/** An axis spans at least this share of its values. */
const LEAST_SHARE = 0.1;

/**
 * A value axis that fits min..max in about `parts` parts, ends on ticks. Starts at nought when nought is not far.
 * `limit` is the quantity's hard end: the axis does not go beyond it unless the data does.
 */
export function valueScale(min: number, max: number, parts: number, limit?: number): ValueScale {
  if (!(max >= min)) return { low: 0, high: limit ?? 1, step: (limit ?? 1) / 2 };
  let low = min >= 0 && min <= max * NEAR_ZERO ? 0 : min;
  let high = max;
  const least = Math.max(Math.abs(high), Math.abs(low)) * LEAST_SHARE || 1;
  if (high - low < least) {
    // A line that hardly moves is shown hardly moving: its noise is not made to fill the chart.
    const middle = (high + low) / 2;
    low = min >= 0 ? Math.max(0, middle - least / 2) : middle - least / 2;
    high = low + least;
    if (limit !== undefined && max <= limit && high > limit) [low, high] = [limit - least, limit];
  }
  const coarse = snapped(low, high, parts);
  const fine = snapped(low, high, parts + 1);
  const scale = fine.high - fine.low < coarse.high - coarse.low ? fine : coarse;
  if (limit !== undefined && scale.high > limit && max <= limit) return { ...scale, high: limit };
  return scale;
}

/** Room above the highest value, as a share of the axis: a line on the edge looks cut off. */
const ROOM = 0.02;

function snapped(low: number, high: number, parts: number): ValueScale {
  const step = niceStep(((high - low) * (1 + ROOM)) / parts);
  const from = Math.floor(low / step + 1e-9) * step;
  const to = Math.ceil((high + (high - from) * ROOM) / step - 1e-9) * step;
  // Two ends and nothing between them is hard to read from.
  return { low: from, high: to, step: to - from < 1.5 * step ? step / 2 : step };
}

/** Whether an axis may stay as it is: what is shown fits in and fills enough of it. Keeps the picture still while data moves. */
export function stillFits(scale: ValueScale, min: number, max: number): boolean {
  if (min < scale.low || max > scale.high) return false;
  const span = scale.high - scale.low;
  // The least span is nothing to grow out of.
  return max - (scale.low === 0 ? 0 : min) > span * 0.3 || span <= Math.abs(max) * LEAST_SHARE * 2;
}

export function valueTicks(scale: ValueScale): number[] {
  const ticks: number[] = [];
  // Counted, not summed up, so that 0.1 + 0.2 is 0.3 on the axis.
  const first = Math.ceil(scale.low / scale.step - 1e-9);
  for (let i = first; i * scale.step <= scale.high + scale.step * 1e-6; i++) ticks.push(i * scale.step);
  return ticks;
}

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const TIME_STEPS_MS = [
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND_MS),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE_MS),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR_MS),
  ...[1, 2, 7, 14, 28, 91, 182, 364].map((n) => n * DAY_MS),
];

/** Distance of time ticks such that at most `parts` fit. */
export function timeStep(fromMs: number, toMs: number, parts: number): number {
  const wanted = (toMs - fromMs) / Math.max(1, parts);
  return TIME_STEPS_MS.find((step) => step >= wanted) ?? TIME_STEPS_MS[TIME_STEPS_MS.length - 1];
}

/** Ticks on the local clock's round times, over changes of the clock too. */
export function timeTicks(fromMs: number, toMs: number, stepMs: number): number[] {
  const ticks: number[] = [];
  const offset = (ms: number): number => new Date(ms).getTimezoneOffset() * MINUTE_MS;
  let at = Math.ceil((fromMs - offset(fromMs)) / stepMs) * stepMs + offset(fromMs);
  for (let guard = 0; at <= toMs && guard < 1000; guard++) {
    ticks.push(at);
    const next = at + stepMs;
    at = next + offset(next) - offset(at);
  }
  return ticks;
}

const QUERY_STEPS_S = [
  1, 2, 3, 5, 10, 15, 20, 30, 60, 120, 180, 300, 600, 900, 1200, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400,
];

/** Resolution of a query: about a row a pixel, a round number of seconds, never under one. */
export function queryStepMs(spanMs: number, widthPx: number): number {
  const wanted = spanMs / 1000 / Math.max(50, widthPx);
  const seconds = QUERY_STEPS_S.find((step) => step >= wanted * 0.9) ?? 86_400;
  return seconds * 1000;
}
