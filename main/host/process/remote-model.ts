import { AgentError, type FittedForecast, type Forecast, type ForecastDataset, type ModelCard } from "all-use-agent/sdk";
import { callWithin, faultless } from "./call-within.ts";
import type { ProxyParts } from "./proxy.ts";

const FIT_WITHIN_MS = 3000;
const PREDICT_WITHIN_MS = 1000;
/** Four columns of doubles must fit a frame. */
const STEPS_MAX = 30_000;
const TEXT_MAX_CHARACTERS = 200;
const FIGURES_MAX = 50;

const FAULTS = ["model_late", "forecast_invalid"];

type Fit = (dataset: ForecastDataset, signal: AbortSignal) => Promise<FittedForecast>;

/** A model in its process. What it answers is checked; what it does not answer in time is an error here, soon. */
export function remoteFit(parts: ProxyParts): Fit {
  const { channel, id } = parts;
  const guarded = <T>(task: () => Promise<T>): Promise<T> => faultless(parts, FAULTS, task);
  const predict = async (handle: number, stepMs: number, count: number, level: number): Promise<Forecast> => {
    if (!(count <= STEPS_MAX))
      throw new AgentError("forecast_steps", `${count} steps; ${id} can be asked for ${STEPS_MAX} at once`);
    const within = { ms: PREDICT_WITHIN_MS, code: "model_late", what: `a prediction of ${id}` };
    const { value, bytes } = await callWithin(channel, "predict", [handle, stepMs, count, level], within);
    return checkedForecast(value, bytes, count, level);
  };
  return (dataset, signal) =>
    guarded(async () => {
      if (channel.congested) throw new AgentError("model_late", `${id} reads more slowly than it is asked`);
      const within = { ms: FIT_WITHIN_MS, code: "model_late", what: `fitting ${id}`, signal };
      const { value } = await callWithin(channel, "fit", [dataset], within);
      const { handle, card } = (value ?? {}) as { handle?: unknown; card?: unknown };
      if (!Number.isInteger(handle)) throw invalid("fit() gave nothing to predict with");
      return {
        card: checkedCard(card),
        predict: (stepMs, count, level) => guarded(() => predict(handle as number, stepMs, count, level)),
      };
    });
}

/** Columns of times, expected, low and high values, `count` each. Throws `forecast_invalid`. */
export function checkedForecast(value: unknown, bytes: Uint8Array, count: number, level: number): Forecast {
  const { method, level: answeredLevel } = (value ?? {}) as { method?: unknown; level?: unknown };
  if (bytes.length !== count * 4 * 8) throw invalid(`a forecast of ${bytes.length / 32} steps; ${count} were asked for`);
  const all = new Float64Array(bytes.slice().buffer);
  const column = (index: number): Float64Array => all.subarray(index * count, (index + 1) * count);
  const [timestampsMs, expected, low, high] = [column(0), column(1), column(2), column(3)];
  for (let i = 0; i < count; i++) {
    if (!Number.isFinite(timestampsMs[i]) || (i > 0 && timestampsMs[i] <= timestampsMs[i - 1]))
      throw invalid(`times that do not ascend: ${timestampsMs[i]} at step ${i}`);
    // NaN fails it, too.
    if (!(Number.isFinite(low[i]) && Number.isFinite(high[i]) && low[i] <= expected[i] && expected[i] <= high[i]))
      throw invalid(`an interval of ${low[i]}, ${expected[i]}, ${high[i]} at step ${i}: low ≤ expected ≤ high is needed`);
  }
  if (answeredLevel !== level) throw invalid(`a forecast at the level ${String(answeredLevel)}; ${level} was asked for`);
  return { timestampsMs, expected, low, high, level, method: text(method) ?? "unnamed" };
}

/** What of a card can be shown. Throws `forecast_invalid`. */
function checkedCard(value: unknown): ModelCard {
  const { model, trainedMs, fromMs, toMs, samples, parameters, metrics } = (value ?? {}) as Record<string, unknown>;
  const name = text(model);
  const times = [trainedMs, fromMs, toMs, samples];
  if (name === null || !times.every(Number.isFinite))
    throw invalid("a model card without a name, times or the number of samples");
  const [trained, from, to, count] = times as number[];
  return {
    model: name,
    trainedMs: trained,
    fromMs: from,
    toMs: to,
    samples: count,
    parameters: figures(parameters, (one) => Number.isFinite(one) || text(one) !== null),
    metrics: figures(metrics, Number.isFinite),
  };
}

function figures<T>(value: unknown, isFigure: (one: unknown) => boolean): Record<string, T> {
  const entries = typeof value === "object" && value !== null ? Object.entries(value) : [];
  return Object.fromEntries(entries.filter(([, one]) => isFigure(one)).slice(0, FIGURES_MAX));
}

function text(value: unknown): string | null {
  return typeof value === "string" && value.length > 0 && value.length <= TEXT_MAX_CHARACTERS ? value : null;
}

function invalid(what: string): AgentError {
  return new AgentError("forecast_invalid", `it answered with ${what}`);
}
