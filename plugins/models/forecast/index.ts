import { AgentError, definePlugin, type FittedForecast, type Forecast, type ForecastDataset } from "all-use-agent/sdk";
import { backtest, type Trial } from "./backtest.ts";
import { candidatesFor, LineCache } from "./candidates.ts";
import { toGrid } from "./grid.ts";
import { halfWidthFrom } from "./interval.ts";
import { robustLine } from "./line.ts";
import { seasonLength } from "./season.ts";

interface Config {
  min_samples?: number;
  max_points?: number;
}

const MIN_SAMPLES_DEFAULT = 20;
const MAX_POINTS_DEFAULT = 1024;
const COUNT_MAX = 100_000;
/** The square of anything larger is infinite. */
const VALUE_MAX = 1e150;

function meanError(trial: Trial): number {
  let sum = 0;
  let count = 0;
  for (const error of trial.errors) {
    if (error !== error) continue;
    sum += error;
    count++;
  }
  return count > 0 ? sum / count : NaN;
}

export default definePlugin<"model", Config>("model", (ctx, config) => {
  const minSamples = config.min_samples ?? MIN_SAMPLES_DEFAULT;
  const maxPoints = config.max_points ?? MAX_POINTS_DEFAULT;

  function fit(dataset: ForecastDataset, signal: AbortSignal): FittedForecast {
    const grid = toGrid(dataset, maxPoints);
    if (!grid || grid.samples < minSamples) {
      throw new AgentError(
        "model_not_enough_data",
        `a forecast needs at least ${minSamples} samples, found ${grid?.samples ?? dataset.timestamps.length}; ask for a longer range`,
      );
    }
    const { values, stepMs, lastMs } = grid;
    if (values.some((value) => Math.abs(value) > VALUE_MAX))
      throw new AgentError("model_not_enough_data", `values beyond ${VALUE_MAX} cannot be forecast`);
    const whole = robustLine(values, 0, values.length);
    const season = whole ? seasonLength(values, whole) : 0;
    const test = backtest(values, candidatesFor(values.length, season), signal);
    const { candidate } = test.best;
    const cache = new LineCache();
    const predictor = candidate.at(values, values.length, cache) ?? (() => grid.lastValue);
    const halfWidth = halfWidthFrom(test, grid.resolution);
    const method = candidate.window > 1 ? `${candidate.name} over ${duration(candidate.window * stepMs)}` : candidate.name;
    const slope = cache.line(values, values.length, candidate.window)?.slope;

    return {
      card: {
        model: `${ctx.id}: ${candidate.name}`,
        trainedMs: ctx.clock.now(),
        fromMs: grid.firstMs,
        toMs: lastMs,
        samples: grid.samples,
        parameters: {
          window_points: candidate.window,
          step_ms: stepMs,
          ...(season > 0 && { season_ms: season * stepMs }),
          ...(slope !== undefined && { slope_per_second: (slope / stepMs) * 1000 }),
        },
        metrics: { mae: meanError(test.best), mae_naive: meanError(test.naive), relative_loss: test.best.loss },
      },
      predict(step: number, count: number, level: number): Forecast {
        if (!(step > 0) || !Number.isInteger(count) || count < 1 || count > COUNT_MAX || !(level > 0 && level < 1)) {
          throw new AgentError(
            "forecast_invalid",
            `a forecast needs a positive step, 1 to ${COUNT_MAX} steps and a level between 0 and 1; found step ${step}, count ${count}, level ${level}`,
          );
        }
        const timestampsMs = new Float64Array(count);
        const expected = new Float64Array(count);
        const low = new Float64Array(count);
        const high = new Float64Array(count);
        // What was never below zero is taken to be a quantity that cannot be.
        const floor = grid.nonNegative ? 0 : -Infinity;
        for (let i = 0; i < count; i++) {
          const horizon = ((i + 1) * step) / stepMs;
          const middle = predictor(horizon);
          const half = halfWidth(horizon, level);
          timestampsMs[i] = lastMs + (i + 1) * step;
          expected[i] = Math.max(floor, middle);
          low[i] = Math.max(floor, middle - half);
          high[i] = Math.max(floor, middle + half);
        }
        return { timestampsMs, expected, low, high, level, method };
      },
    };
  }

  return { task: "forecast", fit };
});

function duration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}
