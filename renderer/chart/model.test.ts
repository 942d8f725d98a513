import { describe, expect, test } from "vitest";
import type { LoadedSeries } from "./columns.ts";
import { ChartModel } from "./model.ts";

const line = (part: LoadedSeries["part"], name: string, at: (second: number) => number): LoadedSeries => ({
  part,
  metric: { __name__: "m", panel: "p", ...(name && { device: name }) },
  values: Array.from({ length: 60 }, (_, i) => [100 + i, String(at(i))] as [number, string]),
});

function model(series: readonly LoadedSeries[], unit = "percent"): ChartModel {
  const made = new ChartModel({
    unit,
    max: undefined,
    nameOf: (labels) => labels.device ?? "all",
    learns: true,
    ground: "ground",
  });
  made.columns.load(series, 100_000, 159_000, 1000);
  made.scene(window, 159_000, "now", 2);
  return made;
}
const window = { fromMs: 100_000, toMs: 179_000 };
const one = [line("value", "", (i) => 20 + (i % 5)), line("low", "", () => 18), line("high", "", () => 26)];

describe("the caption", () => {
  test("says how much now and what is usual", () => {
    const chart = model(one);
    chart.read(null);
    expect(chart.reading.value).toMatchObject({ value: "24.0", unit: "%", note: "usual 18.0 to 26.0", outside: false });
  });

  test("says so when the newest values are outside", () => {
    const chart = model([line("value", "", (i) => (i > 50 ? 40 : 20)), ...one.slice(1)]);
    chart.read(null);
    expect(chart.reading.value.outside).toBe(true);
  });

  test("reads what is expected to the right of now", () => {
    const chart = model(one);
    chart.cone = {
      x: Float64Array.of(164_000, 169_000),
      expected: Float64Array.of(22, 23),
      low: Float64Array.of(20, 19),
      high: Float64Array.of(24, 27),
    };
    chart.read(168_500);
    expect(chart.reading.value.value).toBe("23.0");
    expect(chart.reading.value.note).toMatch(/^expected at .*, 19\.0 to 27\.0$/);
  });

  test("has one entry a line, eight at most, and tells of the rest", () => {
    const chart = model(Array.from({ length: 11 }, (_, i) => line("value", `d${i}`, () => i * 10)));
    chart.read(null);
    expect(chart.reading.value.lines.map((entry) => entry.name)).not.toContain("d0");
    expect(chart.reading.value.lines).toHaveLength(8);
    expect(chart.reading.value.more).toBe(3);
    expect(chart.reading.value.value).toBe("");
  });
});

describe("walking", () => {
  test("goes point by point, out into the cone and back", () => {
    const chart = model(one);
    chart.cone = {
      x: Float64Array.of(164_000, 169_000),
      expected: Float64Array.of(22, 23),
      low: Float64Array.of(20, 19),
      high: Float64Array.of(24, 27),
    };
    expect(chart.step(null, -1)).toBe(159_000);
    expect(chart.step(159_000, -1)).toBe(158_000);
    expect(chart.step(159_000, 1)).toBe(164_000);
    expect(chart.step(164_000, 1)).toBe(169_000);
    expect(chart.step(169_000, 1)).toBe(169_000);
    expect(chart.step(164_000, -1)).toBe(159_000);
    expect(chart.step(100_000, -5)).toBe(100_000);
  });

  test("is read as a sentence", () => {
    const chart = model(one);
    chart.read(150_000);
    expect(chart.spoken()).toMatch(/^20\.0 % at \d\d:\d\d:\d\d, usual 18\.0 to 26\.0$/);
  });
});

test("a chart without a band says that it is still learning", () => {
  const chart = model(one.slice(0, 1));
  expect(chart.scene(window, 159_000, "now", 2).note).not.toBe("");
  expect(model(one).scene(window, 159_000, "now", 2).note).toBe("");
});

test("the table has the same figures, newest first", () => {
  const table = model(one).table({ fromMs: 100_000, toMs: 160_000 }, 12);
  expect(table.heads[1]).toContain("%");
  expect(table.rows.length).toBeGreaterThan(5);
  expect(table.rows[0][1]).toMatch(/^\d+\.\d$/);
});

test("the axis fits what is shown, the band included", () => {
  const { scale } = model(one).scene(window, 159_000, "now", 2);
  expect(scale.low).toBeLessThanOrEqual(18);
  expect(scale.high).toBeGreaterThanOrEqual(26);
  expect(scale.high).toBeLessThan(60);
});

test("a value too small for the axis is said in its own unit, not as nought", () => {
  const chart = model([line("value", "a", (i) => (i === 5 ? 38e6 : 198))], "bytes_per_second");
  chart.read(null);
  expect(chart.reading.value).toMatchObject({ value: "198", unit: "B/s" });
});
