import { AgentError, type FittedForecast, type SeriesData } from "all-use-agent/sdk";
import { describe, expect, it } from "vitest";
import { type ForecastModel, Forecasts } from "./forecasts.ts";

const { signal } = new AbortController();
const series = (name: string): SeriesData => ({
  name,
  labels: {},
  timestamps: Float64Array.of(1000),
  values: Float64Array.of(1),
});

function fitted(method: string): FittedForecast {
  const column = Float64Array.of(1);
  return {
    card: { model: method, trainedMs: 0, fromMs: 0, toMs: 0, samples: 1, parameters: {}, metrics: {} },
    predict: (_stepMs, _count, level) =>
      Promise.resolve({ timestampsMs: column, expected: column, low: column, high: column, level, method }),
  };
}

function forecastsBy(...models: ForecastModel["fit"][]): Forecasts {
  return new Forecasts({
    queryRange: () => Promise.resolve([series("a"), series("b")]),
    models: () => models.map((fit) => ({ fit })),
    now: () => 1000,
  });
}

describe("Forecasts", () => {
  it("asks the next model when one fails, and does not ask that one again for the other series", async () => {
    let asked = 0;
    const fails: ForecastModel["fit"] = () => {
      asked++;
      throw new AgentError("crashed", "its process exited");
    };
    const report = await forecastsBy(fails, () => fitted("second")).report("x", 1000, 1000, signal);
    expect(report.series.map(({ method }) => method)).toEqual(["second", "second"]);
    expect(asked).toBe(1);
  });

  it("throws what the first model threw when all fail", async () => {
    const first = forecastsBy(
      () => Promise.reject(new AgentError("crashed", "first")),
      () => Promise.reject(new AgentError("model_late", "second")),
    );
    await expect(first.report("x", 1000, 1000, signal)).rejects.toMatchObject({ code: "crashed" });
    await expect(forecastsBy().report("x", 1000, 1000, signal)).rejects.toMatchObject({ code: "forecast_unavailable" });
  });

  it("takes too little data for an answer", async () => {
    const little = forecastsBy(
      () => Promise.reject(new AgentError("model_not_enough_data", "too little")),
      () => fitted("never asked"),
    );
    expect(await little.series(series("a"), 1000, 1, 0.9, signal)).toBe(null);
  });

  it("asks nobody else once its caller gave up", async () => {
    const abort = new AbortController();
    const gone = forecastsBy(
      () => {
        abort.abort(new Error("gave up"));
        throw new Error("aborted");
      },
      () => fitted("never asked"),
    );
    await expect(gone.series(series("a"), 1000, 1, 0.9, abort.signal)).rejects.toThrow("gave up");
  });
});
