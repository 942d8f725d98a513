import { quantileOf } from "../quantile.ts";
import type { FunctionSpec } from "./spec.ts";
import { rangeFunction, type Window, type WindowFunction } from "./window.ts";

/** Compensated (Neumaier) summation: exact also when large values cancel each other. */
export function sumWindow(values: Float64Array, lo: number, hi: number): number {
  let sum = 0;
  let lost = 0;
  for (let i = lo; i < hi; i++) {
    const value = values[i];
    const next = sum + value;
    if (next === Number.POSITIVE_INFINITY || next === Number.NEGATIVE_INFINITY) lost = 0;
    else if (Math.abs(sum) >= Math.abs(value)) lost += sum - next + value;
    else lost += value - next + sum;
    sum = next;
  }
  return sum + lost;
}

function average({ values, lo, hi }: Window): number {
  const count = hi - lo;
  let sum = 0;
  let lost = 0;
  let i = lo;
  for (; i < hi; i++) {
    const value = values[i];
    const next = sum + value;
    if (next === Number.POSITIVE_INFINITY || next === Number.NEGATIVE_INFINITY) break;
    if (Math.abs(sum) >= Math.abs(value)) lost += sum - next + value;
    else lost += value - next + sum;
    sum = next;
  }
  if (i === hi) return sum / count + lost / count;
  return averageOverflowing(values, lo, hi, i, sum, lost);
}

/** Goes on with a running mean from sample `from`, where the sum would overflow (or an infinity came). */
function averageOverflowing(values: Float64Array, lo: number, hi: number, from: number, sum: number, lost: number): number {
  const before = from - lo;
  let mean = before === 0 ? 0 : sum / before;
  let error = before === 0 ? 0 : lost / before;
  for (let i = from; i < hi; i++) {
    const value = values[i];
    const count = i - lo + 1;
    if (mean === Number.POSITIVE_INFINITY || mean === Number.NEGATIVE_INFINITY) {
      if (value === mean) continue;
      if (value !== Number.POSITIVE_INFINITY && value !== Number.NEGATIVE_INFINITY && value === value) continue;
    }
    const share = (count - 1) / count;
    const kept = share * mean;
    const part = value / count;
    const next = kept + part;
    error *= share;
    if (next === Number.POSITIVE_INFINITY || next === Number.NEGATIVE_INFINITY) error = 0;
    else if (Math.abs(kept) >= Math.abs(part)) error += kept - next + part;
    else error += part - next + kept;
    mean = next;
  }
  return mean + error;
}

/** Index of the extreme value: of the first or the last of equals. NaN only when all are. */
function extreme({ values, lo, hi }: Window, better: (value: number, best: number) => boolean): number {
  let best = lo;
  for (let i = lo + 1; i < hi; i++) {
    const value = values[i];
    const current = values[best];
    if (better(value, current) || current !== current) best = i;
  }
  return best;
}

const maximum: WindowFunction = ({ values, lo, hi }) => {
  let best = values[lo];
  for (let i = lo + 1; i < hi; i++) {
    const value = values[i];
    if (value > best || best !== best) best = value;
  }
  return best;
};

const minimum: WindowFunction = ({ values, lo, hi }) => {
  let best = values[lo];
  for (let i = lo + 1; i < hi; i++) {
    const value = values[i];
    if (value < best || best !== best) best = value;
  }
  return best;
};

/** Welford's running variance with compensation; of the population. */
function variance({ values, lo, hi }: Window): number {
  let mean = 0;
  let meanLost = 0;
  let squares = 0;
  let squaresLost = 0;
  for (let i = lo; i < hi; i++) {
    const delta = values[i] - (mean + meanLost);
    const part = delta / (i - lo + 1);
    let next = mean + part;
    meanLost += Math.abs(mean) >= Math.abs(part) ? mean - next + part : part - next + mean;
    mean = next;
    const square = delta * (values[i] - (mean + meanLost));
    next = squares + square;
    squaresLost += Math.abs(squares) >= Math.abs(square) ? squares - next + square : square - next + squares;
    squares = next;
  }
  return (squares + squaresLost) / (hi - lo);
}

let scratch = new Float64Array(1_024);

/** The window's values in ascending order, NaN last; good until the next call. A fresh array a window would drown the collector. */
function sorted(values: Float64Array, lo: number, hi: number): Float64Array {
  const count = hi - lo;
  if (scratch.length < count) scratch = new Float64Array(count * 2);
  const part = scratch.subarray(0, count);
  for (let i = 0; i < count; i++) part[i] = values[lo + i];
  return part.sort();
}

function medianDeviation(window: Window): number {
  const sortedValues = sorted(window.values, window.lo, window.hi);
  const median = quantileOf(0.5, sortedValues);
  for (let i = 0; i < sortedValues.length; i++) sortedValues[i] = Math.abs(sortedValues[i] - median);
  return quantileOf(0.5, sortedValues.sort());
}

const timeOf =
  (pick: (window: Window) => number): WindowFunction =>
  (window) =>
    window.timestamps[pick(window)] / 1000;

export const overTimeFunctions: readonly FunctionSpec[] = [
  rangeFunction("sum_over_time", ({ values, lo, hi }) => sumWindow(values, lo, hi)),
  rangeFunction("avg_over_time", average),
  rangeFunction("count_over_time", ({ lo, hi }) => hi - lo),
  rangeFunction("max_over_time", maximum),
  rangeFunction("min_over_time", minimum),
  rangeFunction("last_over_time", ({ values, hi }) => values[hi - 1], { keepName: true }),
  rangeFunction("first_over_time", ({ values, lo }) => values[lo], { keepName: true }),
  rangeFunction("present_over_time", () => 1),
  rangeFunction("stdvar_over_time", variance),
  rangeFunction("stddev_over_time", (window) => Math.sqrt(variance(window))),
  rangeFunction("mad_over_time", medianDeviation),
  rangeFunction("quantile_over_time", ({ values, lo, hi, first }) => quantileOf(first, sorted(values, lo, hi)), {
    args: ["scalar", "matrix"],
    inspect(call, matrix, scalars) {
      if (matrix.columns.length > 0) warnQuantile(call.run.notes, scalars[0], call.node.args[0].from);
    },
  }),
  rangeFunction(
    "ts_of_first_over_time",
    timeOf(({ lo }) => lo),
  ),
  rangeFunction(
    "ts_of_last_over_time",
    timeOf(({ hi }) => hi - 1),
  ),
  rangeFunction(
    "ts_of_max_over_time",
    timeOf((window) => extreme(window, (value, best) => value >= best)),
  ),
  rangeFunction(
    "ts_of_min_over_time",
    timeOf((window) => extreme(window, (value, best) => value <= best)),
  ),
];

/** Warns once of quantiles outside 0..1. */
export function warnQuantile(
  notes: { warn(message: string, offset: number): void },
  quantiles: Float64Array,
  offset: number,
): void {
  for (const quantile of quantiles) {
    if (quantile >= 0 && quantile <= 1) continue;
    notes.warn(
      `quantile value should be between 0 and 1, got ${Number.isNaN(quantile) ? "NaN" : quantile === Infinity ? "+Inf" : quantile}`,
      offset,
    );
    return;
  }
}
