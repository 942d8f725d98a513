import { type AdviceView, type Labels, type SeriesData, seriesKey } from "all-use-agent/sdk";
import { type Fall, steadyFall } from "./trend.ts";

/** How far back is looked, how often, and how far ahead that may say something. */
export interface Window {
  readonly spanMs: number;
  readonly stepMs: number;
  readonly everyMs: number;
  /** Longest time to exhaustion that is told. */
  readonly horizonS: number;
  readonly fitMin: number;
}

/** When a quantity that falls will be used up. Seconds from now; `earliest` and `latest` hold it with the stated level. */
export interface Exhaustion {
  readonly window: Window;
  readonly fall: Fall;
  readonly inS: number;
  readonly earliestS: number;
  readonly latestS: number;
  readonly level: number;
  readonly method: string;
  readonly confidence: number;
}

export const LEVEL = 0.9;
const FORECAST_STEPS = 120;
/** A forecast that does not see the end within this many times what the line says contradicts it. */
const AGREES_WITHIN = 3;

/** Two windows that differ by less than this factor say the same. */
const ALIKE = 1.3;

interface Memory {
  readonly atMs: number;
  readonly found: Map<string, Exhaustion>;
}

/** Looks for steady falls of one metric over several windows. Longer windows are looked at less often; their answers are kept meanwhile. */
export class ExhaustionWatch {
  private readonly metric: string;
  private readonly windows: readonly Window[];
  private readonly memory = new Map<Window, Memory>();

  constructor(metric: string, windows: readonly Window[]) {
    this.metric = metric;
    this.windows = windows;
  }

  /** The nearest exhaustion of each series, by `keyOf` its labels. `least` is the smallest fall of interest for a series. */
  async look(
    view: AdviceView,
    keyOf: (labels: Labels) => string | null,
    least: (key: string) => number,
  ): Promise<Map<string, Exhaustion>> {
    const nearest = new Map<string, Exhaustion>();
    for (const window of this.windows) {
      let memory = this.memory.get(window);
      const age = memory ? view.nowMs - memory.atMs : Infinity;
      if (!memory || age >= window.everyMs || age < 0) {
        memory = { atMs: view.nowMs, found: await this.search(view, window, keyOf, least) };
        this.memory.set(window, memory);
      }
      for (const [key, found] of memory.found) {
        const passedS = (view.nowMs - memory.atMs) / 1000;
        const now =
          passedS === 0
            ? found
            : {
                ...found,
                inS: later(found.inS, passedS),
                earliestS: later(found.earliestS, passedS),
                latestS: later(found.latestS, passedS),
              };
        const other = nearest.get(key);
        if (!other || preferred(now, other)) nearest.set(key, now);
      }
    }
    return nearest;
  }

  private async search(
    view: AdviceView,
    window: Window,
    keyOf: (labels: Labels) => string | null,
    least: (key: string) => number,
  ): Promise<Map<string, Exhaustion>> {
    const found = new Map<string, Exhaustion>();
    for (const series of await view.queryRange(this.metric, view.nowMs - window.spanMs, view.nowMs, window.stepMs)) {
      const key = keyOf(series.labels);
      if (key === null) continue;
      const exhaustion = await this.judge(view, window, series, least(key));
      if (exhaustion) found.set(key, exhaustion);
    }
    return found;
  }

  private async judge(view: AdviceView, window: Window, series: SeriesData, least: number): Promise<Exhaustion | null> {
    const { timestamps, values } = series;
    const n = values.length;
    // A window mostly without data says nothing about its span.
    if (n === 0 || timestamps[n - 1] - timestamps[0] < 0.6 * window.spanMs) return null;
    const fall = steadyFall(timestamps, values, window.fitMin);
    if (!fall || fall.drop < least) return null;
    const left = values[n - 1];
    const inS = left / -fall.slopePerSecond;
    if (inS > window.horizonS) return null;
    const stepMs = Math.max(1000, Math.ceil((inS * AGREES_WITHIN * 1000) / FORECAST_STEPS));
    const told = await view.forecast({ timestamps, values }, stepMs, FORECAST_STEPS, LEVEL);
    const steepest = left / (-fall.slopePerSecond + 2 * fall.slopeError);
    const shallowest =
      fall.slopePerSecond + 2 * fall.slopeError < 0 ? left / -(fall.slopePerSecond + 2 * fall.slopeError) : Infinity;
    if (!told) {
      return {
        window,
        fall,
        inS,
        earliestS: steepest,
        latestS: shallowest,
        level: LEVEL,
        method: "least squares",
        confidence: 0.5 * fall.fit,
      };
    }
    const expected = crossing(told.forecast.expected, stepMs);
    if (expected === Infinity) return null;
    const earliestS = Math.min(steepest, crossing(told.forecast.low, stepMs));
    const latestS = Math.max(shallowest, crossing(told.forecast.high, stepMs));
    // A narrow interval that both methods agree on is worth more than the fit alone.
    const agreement = Math.min(expected, inS) / Math.max(expected, inS);
    const width = Math.min(1, (Math.min(latestS, AGREES_WITHIN * inS) - earliestS) / (AGREES_WITHIN * inS));
    return {
      window,
      fall,
      inS,
      earliestS,
      latestS,
      level: LEVEL,
      method: `least squares; interval by ${told.forecast.method}`,
      confidence: Math.min(0.97, fall.fit * (0.55 + 0.25 * agreement + 0.2 * (1 - width))),
    };
  }
}

/** The surer one of two that say about the same, else the nearer one. */
function preferred(one: Exhaustion, other: Exhaustion): boolean {
  const alike = Math.max(one.inS, other.inS) <= ALIKE * Math.min(one.inS, other.inS);
  return alike ? one.confidence > other.confidence : one.inS < other.inS;
}

function later(seconds: number, passed: number): number {
  return Math.max(0, seconds - passed);
}

/** Seconds until a forecast first reaches zero; Infinity when it does not. */
function crossing(values: Float64Array, stepMs: number): number {
  for (let i = 0; i < values.length; i++) if (values[i] <= 0) return ((i + 1) * stepMs) / 1000;
  return Infinity;
}

/** PromQL for exactly this series. */
export function exprOf(metric: string, labels: Labels): string {
  const { __name__: _name, ...rest } = labels;
  return seriesKey(metric, rest);
}
