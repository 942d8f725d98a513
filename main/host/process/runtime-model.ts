import { AgentError, type FittedForecast, type ForecastDataset, type Model, type ModelCard } from "all-use-agent/sdk";

/** Fitted series that are kept; the one not used for longest is forgotten first. */
const FITTED_MAX = 256;

/** A forecast as it travels: columns of times, expected, low and high values. */
export class ForecastAnswer {
  readonly about: { readonly method: string; readonly level: number };
  readonly columns: Uint8Array;

  constructor(about: ForecastAnswer["about"], columns: Uint8Array) {
    this.about = about;
    this.columns = columns;
  }
}

/** What the model in this process has fitted, by the numbers that the agent holds. */
export class FittedModels {
  private readonly fitted = new Map<number, FittedForecast>();
  private last = 0;

  async fit(plugin: Model, dataset: ForecastDataset, signal: AbortSignal): Promise<{ handle: number; card: ModelCard }> {
    const fitted = await plugin.fit(dataset, signal);
    if (typeof (fitted as Partial<FittedForecast> | null)?.predict !== "function")
      throw new AgentError("forecast_invalid", "fit() must answer with a card and predict()");
    const handle = ++this.last;
    this.fitted.set(handle, fitted);
    if (this.fitted.size > FITTED_MAX) this.fitted.delete(this.fitted.keys().next().value!);
    return { handle, card: fitted.card };
  }

  /** Throws `model_forgotten`. */
  async predict(handle: number, stepMs: number, count: number, level: number): Promise<ForecastAnswer> {
    const fitted = this.fitted.get(handle);
    if (!fitted)
      throw new AgentError("model_forgotten", `this series was fitted too long ago: only ${FITTED_MAX} are kept; fit it again`);
    this.fitted.delete(handle);
    this.fitted.set(handle, fitted);
    const forecast = await fitted.predict(stepMs, count, level);
    const columns = [forecast.timestampsMs, forecast.expected, forecast.low, forecast.high];
    const wrong = columns.find((column) => column.length !== count);
    if (wrong) throw new AgentError("forecast_invalid", `predict() answered with ${wrong.length} steps; ${count} were asked for`);
    const all = new Float64Array(count * columns.length);
    columns.forEach((column, i) => all.set(column, i * count));
    return new ForecastAnswer({ method: forecast.method, level: forecast.level }, new Uint8Array(all.buffer));
  }
}
