import {
  AgentError,
  type Forecast,
  type ForecastDataset,
  type ForecastReport,
  type Model,
  type ModelCard,
  type SeriesData,
} from "all-use-agent/sdk";

/** Points of history a model is given: enough for two days by the minute, quick enough to fit at once. */
const HISTORY_POINTS = 600;
/** How much longer than the horizon the history is. */
const HISTORY_PER_HORIZON = 6;
const HISTORY_MIN_MS = 5 * 60_000;
const STEPS_MAX = 2000;
const SERIES_MAX = 24;
const LEVEL = 0.9;

export interface ForecastModel {
  /** Fits in the plugin's name: metered and attributed. */
  fit(dataset: ForecastDataset, signal: AbortSignal): ReturnType<Model["fit"]>;
}

export interface ForecastSource {
  queryRange(expr: string, fromMs: number, toMs: number, stepMs: number, signal: AbortSignal): Promise<SeriesData[]>;
  /** The running forecast models, the one to ask first. The next is asked when one fails. */
  models(): readonly ForecastModel[];
  now(): number;
}

interface Steps {
  readonly stepMs: number;
  readonly count: number;
  readonly level: number;
}

interface Answer {
  readonly forecast: Forecast;
  readonly card: ModelCard;
}

/** Forecasts of any expression by the live forecast models. */
export class Forecasts {
  private readonly source: ForecastSource;

  constructor(source: ForecastSource) {
    this.source = source;
  }

  /** One series; null when there is too little data or no model. Throws what the first model threw when all failed. */
  series(data: ForecastDataset, stepMs: number, count: number, level: number, signal: AbortSignal): Promise<Answer | null> {
    return this.forecast([...this.source.models()], data, { stepMs, count, level }, signal);
  }

  /** A model that fails is taken off the list: it is not asked again for the next series. */
  private async forecast(
    models: ForecastModel[],
    data: ForecastDataset,
    steps: Steps,
    signal: AbortSignal,
  ): Promise<Answer | null> {
    if (data.timestamps.length === 0) return null;
    let first: unknown;
    for (let model = models[0]; model; model = models[0]) {
      try {
        const fitted = await model.fit(data, signal);
        return { forecast: await fitted.predict(steps.stepMs, steps.count, steps.level), card: fitted.card };
      } catch (error) {
        if (error instanceof AgentError && error.code === "model_not_enough_data") return null;
        signal.throwIfAborted();
        if (models.length === 1) throw first ?? error;
        first ??= error;
        models.shift();
      }
    }
    return null;
  }

  /** Throws `forecast_steps`, `forecast_unavailable`, and what the query throws. */
  async report(expr: string, horizonMs: number, stepMs: number, signal: AbortSignal): Promise<ForecastReport> {
    const count = Math.ceil(horizonMs / stepMs);
    if (!(count >= 1) || count > STEPS_MAX) {
      throw new AgentError(
        "forecast_steps",
        `the horizon must hold 1 to ${STEPS_MAX} steps, not ${count}: ask for a longer step`,
        { where: "step_ms" },
      );
    }
    const models = [...this.source.models()];
    if (models.length === 0)
      throw new AgentError("forecast_unavailable", "no forecast model runs; see the plugins for the reason");
    const toMs = this.source.now();
    const historyMs = Math.max(HISTORY_MIN_MS, horizonMs * HISTORY_PER_HORIZON);
    const historyStepMs = Math.max(1000, Math.ceil(historyMs / HISTORY_POINTS / 1000) * 1000);
    const found = await this.source.queryRange(expr, toMs - historyMs, toMs, historyStepMs, signal);
    const series: ForecastReport["series"][number][] = [];
    for (const data of found.slice(0, SERIES_MAX)) {
      const answer = await this.forecast(models, data, { stepMs, count, level: LEVEL }, signal);
      if (!answer) continue;
      const { forecast } = answer;
      series.push({
        labels: data.labels,
        stepMs,
        firstMs: forecast.timestampsMs[0],
        expected: [...forecast.expected],
        low: [...forecast.low],
        high: [...forecast.high],
        level: forecast.level,
        method: forecast.method,
      });
    }
    return { series };
  }
}
