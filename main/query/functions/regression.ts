import { executionError } from "../errors.ts";
import type { FunctionSpec } from "./spec.ts";
import { rangeFunction, type Window } from "./window.ts";

interface Line {
  slope: number;
  intercept: number;
}

const line: Line = { slope: 0, intercept: 0 };

/** Least squares through the window's samples; the intercept is at `interceptMs`, the slope per second. Refills `line`. */
function fit({ timestamps, values, lo, hi }: Window, interceptMs: number): void {
  const initial = values[lo];
  let constant = true;
  let n = 0;
  let sumX = 0;
  let sumXLost = 0;
  let sumY = 0;
  let sumYLost = 0;
  let sumXY = 0;
  let sumXYLost = 0;
  let sumX2 = 0;
  let sumX2Lost = 0;
  for (let i = lo; i < hi; i++) {
    const y = values[i];
    if (y !== initial) constant = false;
    n++;
    const x = (timestamps[i] - interceptMs) / 1000;
    const xy = x * y;
    const x2 = x * x;
    let next = sumX + x;
    sumXLost += Math.abs(sumX) >= Math.abs(x) ? sumX - next + x : x - next + sumX;
    sumX = next;
    next = sumY + y;
    sumYLost += Math.abs(sumY) >= Math.abs(y) ? sumY - next + y : y - next + sumY;
    sumY = next;
    next = sumXY + xy;
    sumXYLost += Math.abs(sumXY) >= Math.abs(xy) ? sumXY - next + xy : xy - next + sumXY;
    sumXY = next;
    next = sumX2 + x2;
    sumX2Lost += Math.abs(sumX2) >= Math.abs(x2) ? sumX2 - next + x2 : x2 - next + sumX2;
    sumX2 = next;
  }
  if (constant) {
    const infinite = initial === Number.POSITIVE_INFINITY || initial === Number.NEGATIVE_INFINITY;
    line.slope = infinite ? Number.NaN : 0;
    line.intercept = infinite ? Number.NaN : initial;
    return;
  }
  sumX += sumXLost;
  sumY += sumYLost;
  sumXY += sumXYLost;
  sumX2 += sumX2Lost;
  const covariance = sumXY - (sumX * sumY) / n;
  const variance = sumX2 - (sumX * sumX) / n;
  line.slope = covariance / variance;
  line.intercept = sumY / n - (line.slope * sumX) / n;
}

function derivative(window: Window): number {
  if (window.hi - window.lo < 2) {
    window.none = true;
    return 0;
  }
  // Relative to the first sample, so that large timestamps cost no precision.
  fit(window, window.timestamps[window.lo]);
  return line.slope;
}

function predict(window: Window): number {
  if (window.hi - window.lo < 2) {
    window.none = true;
    return 0;
  }
  fit(window, window.evalMs);
  return line.slope * window.first + line.intercept;
}

/** Holt's linear method: `first` is the smoothing factor, `second` that of the trend. */
function smooth({ values, lo, hi, first: factor, second: trendFactor }: Window): number {
  let previous = 0;
  let current = values[lo];
  let trend = hi - lo > 1 ? values[lo + 1] - values[lo] : 0;
  for (let i = lo + 1; i < hi; i++) {
    if (i > lo + 1) trend = trendFactor * (current - previous) + (1 - trendFactor) * trend;
    previous = current;
    current = factor * values[i] + (1 - factor) * (current + trend);
  }
  return current;
}

function smoothChecked(window: Window): number {
  const { first, second } = window;
  if (!(first > 0 && first < 1)) throw executionError(`invalid smoothing factor. Expected: 0 < sf < 1, got: ${first}`);
  if (!(second > 0 && second < 1)) throw executionError(`invalid trend factor. Expected: 0 < tf < 1, got: ${second}`);
  if (window.hi - window.lo < 2) {
    window.none = true;
    return 0;
  }
  return smooth(window);
}

export const regressionFunctions: readonly FunctionSpec[] = [
  rangeFunction("deriv", derivative),
  rangeFunction("predict_linear", predict, { args: ["matrix", "scalar"] }),
  rangeFunction("double_exponential_smoothing", smoothChecked, { args: ["matrix", "scalar", "scalar"] }),
];
