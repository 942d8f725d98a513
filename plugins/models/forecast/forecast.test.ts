import type { Forecast, ForecastDataset } from "all-use-agent/sdk";
import { seededRandom, TestContext } from "all-use-agent/sdk/testing";
import { describe, expect, it } from "vitest";
import factory from "./index.ts";
import manifest from "./plugin.json" with { type: "json" };

const START_MS = Date.UTC(2026, 0, 5, 12);
const ctx = new TestContext(manifest);
const model = factory(ctx, {});
const signal = new AbortController().signal;

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

function series(count: number, value: (i: number) => number, stepMs = 1000): ForecastDataset {
  const timestamps = Float64Array.from({ length: count }, (_, i) => START_MS + i * stepMs);
  return { timestamps, values: Float64Array.from({ length: count }, (_, i) => value(i)) };
}

async function fit(data: ForecastDataset) {
  const fitted = await model.fit(data, signal);
  // This model answers at once.
  const predict = (...steps: Parameters<typeof fitted.predict>): Forecast => fitted.predict(...steps) as Forecast;
  return { card: fitted.card, predict };
}

describe("a forecast", () => {
  it("follows a steady fall: the moment of reaching zero is within 2 %", async () => {
    const random = seededRandom(3);
    const fitted = await fit(series(300, (i) => 1e9 - 2e6 * i + 1e5 * normal(random)));
    const forecast = fitted.predict(1000, 400, 0.9);
    const zero = forecast.expected.findIndex((value) => value <= 0);
    expect(zero).toBeGreaterThan(196);
    expect(zero).toBeLessThan(204);
    expect(forecast.timestampsMs[0]).toBe(START_MS + 300_000);
    expect(fitted.card.parameters.slope_per_second).toBeCloseTo(-2e6, -4.5);
    expect(fitted.card.metrics.mae).toBeLessThan(fitted.card.metrics.mae_naive / 5);
  });

  it("sees no trend in noise: the last value or a level, and an interval that holds it", async () => {
    const random = seededRandom(5);
    const fitted = await fit(series(400, () => 50 + normal(random)));
    const forecast = fitted.predict(1000, 200, 0.95);
    expect(forecast.expected[199]).toBeGreaterThan(48.5);
    expect(forecast.expected[199]).toBeLessThan(51.5);
    expect(forecast.low[199]).toBeLessThan(49);
    expect(forecast.high[199]).toBeGreaterThan(51);
  });

  it("repeats a season after two of them", async () => {
    const random = seededRandom(7);
    const wave = (i: number) => 100 + 40 * Math.sin((2 * Math.PI * i) / 48);
    const fitted = await fit(series(240, (i) => wave(i) + 2 * normal(random), 1_800_000));
    const forecast = fitted.predict(1_800_000, 48, 0.9);
    let error = 0;
    for (let i = 0; i < 48; i++) error += Math.abs(forecast.expected[i] - wave(240 + i)) / 48;
    expect(error).toBeLessThan(3);
    expect(forecast.method).toContain("season before");
  });

  it("is not bent by outliers", async () => {
    const random = seededRandom(11);
    const fitted = await fit(series(200, (i) => (i % 23 === 7 ? 5000 : 1000 + 3 * i + normal(random))));
    expect(fitted.predict(1000, 100, 0.9).expected[99]).toBeGreaterThan(1000 + 3 * 299 - 60);
    expect(fitted.predict(1000, 100, 0.9).expected[99]).toBeLessThan(1000 + 3 * 299 + 60);
  });

  it("keeps its promise: 90 % intervals hold about 90 % of what came, over noise, walks and ramps", async () => {
    const random = seededRandom(13);
    let inside = 0;
    let total = 0;
    for (let round = 0; round < 60; round++) {
      let walk = 1000;
      const slope = round % 3 === 0 ? 0 : 2;
      const values = Array.from({ length: 260 }, (_, i) => {
        walk += normal(random);
        return round % 3 === 1 ? 1000 + slope * i + 5 * normal(random) : walk + (round % 3 === 2 ? slope * i : 0);
      });
      const fitted = await fit(series(200, (i) => values[i]));
      const forecast = fitted.predict(1000, 60, 0.9);
      for (let i = 0; i < 60; i++) {
        if (values[200 + i] >= forecast.low[i] && values[200 + i] <= forecast.high[i]) inside++;
        total++;
      }
    }
    expect(inside / total).toBeGreaterThan(0.82);
    expect(inside / total).toBeLessThan(0.98);
  });

  it("never goes below zero for what never was, and widens with the horizon", async () => {
    const random = seededRandom(17);
    let walk = 100;
    const forecast = (await fit(series(200, () => (walk = Math.abs(walk + normal(random)))))).predict(1000, 1000, 0.9);
    expect(Math.min(...forecast.low)).toBeGreaterThanOrEqual(0);
    expect(forecast.high[500] - forecast.expected[500]).toBeGreaterThan(forecast.high[5] - forecast.expected[5]);
    for (let i = 0; i < 1000; i++) {
      expect(forecast.low[i]).toBeLessThanOrEqual(forecast.expected[i]);
      expect(forecast.high[i]).toBeGreaterThanOrEqual(forecast.expected[i]);
    }
  });

  it("is the same each time, and takes gaps, irregular times, NaN and repeated timestamps", async () => {
    const random = seededRandom(19);
    const times: number[] = [];
    const values: number[] = [];
    for (let i = 0, t = 0; i < 300; i++) {
      t += i === 150 ? 90_000 : 1000 + Math.round(random() * 400 - 200);
      times.push(START_MS + t, ...(i % 40 === 0 ? [START_MS + t] : []));
      values.push(i % 31 === 0 ? NaN : 500 - t / 1000, ...(i % 40 === 0 ? [99_999] : []));
    }
    const data = { timestamps: Float64Array.from(times), values: Float64Array.from(values) };
    const first = (await fit(data)).predict(1000, 50, 0.9);
    const second = (await fit(data)).predict(1000, 50, 0.9);
    expect(second).toEqual(first);
    expect(first.expected[9]).toBeGreaterThan(values.at(-1)! - 25);
    expect(first.expected[9]).toBeLessThan(values.at(-1)! + 5);
  });

  it("of a constant is that constant", async () => {
    const forecast = (await fit(series(30, () => 7))).predict(60_000, 10, 0.95);
    expect([...forecast.expected, ...forecast.low, ...forecast.high].every((value) => value === 7)).toBe(true);
  });

  it("needs at least 20 samples, and says so", async () => {
    await expect(async () => fit(series(19, (i) => i))).rejects.toMatchObject({ code: "model_not_enough_data" });
    await expect(async () => fit(series(0, (i) => i))).rejects.toMatchObject({ code: "model_not_enough_data" });
    expect((await fit(series(20, (i) => 100 - i))).predict(1000, 5, 0.9).expected[4]).toBeCloseTo(76, 6);
    const fitted = await fit(series(30, (i) => i));
    expect(() => fitted.predict(0, 5, 0.9)).toThrow(/positive step/);
    expect(() => fitted.predict(1000, 5, 1)).toThrow(/level/);
  });

  it("notices a fill that began lately", async () => {
    const random = seededRandom(23);
    const data = series(300, (i) => 1e9 + 1e4 * normal(random) - (i > 255 ? (i - 255) * 1e7 : 0));
    const forecast = (await fit(data)).predict(1000, 120, 0.9);
    const zero = forecast.expected.findIndex((value) => value <= 0);
    expect(zero).toBeGreaterThan(40);
    expect(zero).toBeLessThan(80);
  });

  it("stops when told", async () => {
    await expect(async () =>
      model.fit(
        series(500, (i) => i),
        AbortSignal.abort(),
      ),
    ).rejects.toThrow();
  });
});
