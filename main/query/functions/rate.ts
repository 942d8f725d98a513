import type { Matrix } from "../value.ts";
import type { Call, FunctionSpec } from "./spec.ts";
import { rangeFunction, type Window, type WindowFunction } from "./window.ts";

/** The sum of the values that a counter lost by resets among the samples after `lo` up to `last`. */
function lostByResets(window: Window): number {
  const { resets, values, lo, hi } = window;
  let lost = 0;
  if (resets.length === 0) return 0;
  let low = 0;
  let high = resets.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (resets[middle] <= lo) low = middle + 1;
    else high = middle;
  }
  for (let i = low; i < resets.length && resets[i] < hi; i++) lost += values[resets[i] - 1];
  return lost;
}

/**
 * Prometheus' extrapolation: the increase between the first and the last sample, stretched to the window's ends when
 * samples come close to them (within 1.1 times their average distance), else by half that distance; a counter never to
 * before it was zero.
 */
function extrapolated(isCounter: boolean, isRate: boolean): WindowFunction {
  return (window) => {
    if (window.reach !== "plain") return extended(window, isCounter, isRate);
    const { timestamps, values, lo, hi } = window;
    const last = hi - 1;
    if (last <= lo) {
      window.none = true;
      return 0;
    }
    const firstMs = timestamps[lo];
    const lastMs = timestamps[last];
    const firstValue = values[lo];
    let result = values[last] - firstValue;
    if (isCounter) result += lostByResets(window);
    let toStart = (firstMs - window.startMs) / 1000;
    let toEnd = (window.endMs - lastMs) / 1000;
    const sampled = (lastMs - firstMs) / 1000;
    const average = sampled / (last - lo);
    const threshold = average * 1.1;
    if (toStart >= threshold) toStart = average / 2;
    if (isCounter && result > 0 && firstValue >= 0) {
      const toZero = sampled * (firstValue / result);
      if (toZero < toStart) toStart = toZero;
    }
    if (toEnd >= threshold) toEnd = average / 2;
    let factor = (sampled + toStart + toEnd) / sampled;
    if (isRate) factor /= window.rangeMs / 1000;
    return result * factor;
  };
}

/** The value of the line through samples i and i + 1; a counter that fell between them rose from zero. */
function interpolate(window: Window, i: number, timeMs: number, isCounter: boolean): number {
  const { timestamps, values } = window;
  const after = values[i + 1];
  const before = isCounter && after < values[i] ? 0 : values[i];
  return before + ((after - before) * (timeMs - timestamps[i])) / (timestamps[i + 1] - timestamps[i]);
}

/** `anchored` and `smoothed`: the difference between the values at the window's very ends, without extrapolation. */
function extended(window: Window, isCounter: boolean, isRate: boolean): number {
  const { timestamps, values, lo, hi, startMs, endMs } = window;
  const smoothed = window.reach === "smoothed";
  const last = hi - 1;
  if (timestamps[last] <= startMs || (smoothed && timestamps[lo] > endMs)) {
    window.none = true;
    return 0;
  }
  const left = smoothed && timestamps[lo] < startMs ? interpolate(window, lo, startMs, isCounter) : values[lo];
  const right =
    smoothed && last > lo && timestamps[last] > endMs ? interpolate(window, last - 1, endMs, isCounter) : values[last];
  let result = right - left;
  if (isCounter) {
    const from = timestamps[lo] <= startMs ? lo + 1 : lo;
    const to = timestamps[last] >= endMs ? last - 1 : last;
    let previous = left;
    for (let i = from; i <= to; i++) {
      if (values[i] < previous) result += previous;
      previous = values[i]!;
    }
    if (right < previous) result += previous;
  }
  return isRate ? result / (window.rangeMs / 1000) : result;
}

/** From the last two samples only. */
function instantaneous(isRate: boolean): WindowFunction {
  return (window) => {
    const { timestamps, values, lo, hi } = window;
    if (hi - lo < 2) {
      window.none = true;
      return 0;
    }
    const last = values[hi - 1];
    const previous = values[hi - 2];
    if (!isRate) return last - previous;
    const seconds = (timestamps[hi - 1] - timestamps[hi - 2]) / 1000;
    return (last < previous ? last : last - previous) / seconds;
  };
}

function countPairs(test: (value: number, previous: number) => boolean): WindowFunction {
  return ({ values, lo, hi }) => {
    let count = 0;
    for (let i = lo + 1; i < hi; i++) if (test(values[i], values[i - 1])) count++;
    return count;
  };
}

/** An anchored window whose only sample is the one before it has nothing inside. */
function within(compute: WindowFunction): WindowFunction {
  return (window) => {
    if (window.reach !== "plain" && window.timestamps[window.hi - 1] <= window.startMs) {
      window.none = true;
      return 0;
    }
    return compute(window);
  };
}

/** Names that a counter may have. Others earn an info, since `rate` of a gauge means nothing. */
const COUNTER_NAME = /_(?:total|sum|count|bucket)$/;

function inspectName(call: Call, matrix: Matrix): void {
  for (const set of matrix.sets) {
    const type = set.get("__type__");
    const offset = call.node.args[0].from;
    if (type !== "") {
      if (type === "counter" || type === "histogram") continue;
      call.run.notes.info(
        `metric might not be a counter, __type__ label is not set to "counter" or "histogram", got ${JSON.stringify(type)}: ${JSON.stringify(set.name)}`,
        offset,
      );
    } else if (set.name !== "" && !COUNTER_NAME.test(set.name)) {
      call.run.notes.info(
        `metric might not be a counter, name does not end in _total/_sum/_count/_bucket: ${JSON.stringify(set.name)}`,
        offset,
      );
    }
  }
}

const counter = { needsResets: true, inspect: inspectName };

export const rateFunctions: readonly FunctionSpec[] = [
  rangeFunction("rate", extrapolated(true, true), counter),
  rangeFunction("increase", extrapolated(true, false), counter),
  rangeFunction("delta", extrapolated(false, false)),
  rangeFunction("irate", instantaneous(true), { inspect: inspectName }),
  rangeFunction("idelta", instantaneous(false)),
  rangeFunction("resets", within(countPairs((value, previous) => value < previous))),
  rangeFunction(
    "changes",
    within(countPairs((value, previous) => value !== previous && !(value !== value && previous !== previous))),
  ),
];
