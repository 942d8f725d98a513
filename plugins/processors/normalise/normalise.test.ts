import { readFileSync } from "node:fs";
import {
  createBatch,
  fillConfig,
  type Labels,
  type Manifest,
  type MetricType,
  type Processor,
  seriesKey,
} from "all-use-agent/sdk";
import { TestContext } from "all-use-agent/sdk/testing";
import { beforeEach, expect, test } from "vitest";
import plugin, { type NormaliseConfig } from "./index.ts";

const manifest = JSON.parse(readFileSync(new URL("plugin.json", import.meta.url), "utf8")) as Manifest;

let ctx: TestContext;

beforeEach(() => {
  ctx = new TestContext(manifest);
});

const start = (config: object = {}): Processor =>
  plugin(ctx, fillConfig(manifest.config!, { ...config }) as unknown as NormaliseConfig);

function through(
  processor: Processor,
  name: string,
  unit: string | undefined,
  value: number,
  labels: Labels = {},
  type: MetricType = "gauge",
): [key: string, value: number, unit: string | undefined] {
  const batch = createBatch(1);
  batch.series[0] = ctx.foreignSeries({ name, labels, type, help: "of the test", ...(unit === undefined ? {} : { unit }) });
  batch.values[0] = value;
  batch.length = 1;
  processor.process(batch);
  const info = ctx.seriesInfo(batch.series[0]);
  return [seriesKey(info.name, info.labels), batch.values[0], info.unit];
}

test.each([
  ["request_ms", "ms", 250, "request_seconds", 0.25, "seconds"],
  ["request_ms_total", "milliseconds", 1000, "request_seconds_total", 1, "seconds"],
  ["memory_used", "KiB", 2, "memory_used_bytes", 2048, "bytes"],
  ["cpu_percent", "percent", 50, "cpu_ratio", 0.5, "ratio"],
  ["cpu_ratio", "percent", 50, "cpu_ratio", 0.5, "percent"],
  ["room_fahrenheit", "fahrenheit", 212, "room_celsius", 100, "celsius"],
  ["line_bits_total", "bits", 80, "line_bytes_total", 10, "bytes"],
  ["uptime_hours", "hours", 2, "uptime_seconds", 7200, "seconds"],
  ["clock_mhz", "MHz", 3, "clock_hertz", 3e6, "hertz"],
  ["odd_ms", "KiB", 1, "odd_ms_bytes", 1024, "bytes"],
  ["plain_seconds", "seconds", 3, "plain_seconds", 3, "seconds"],
  ["no_unit_ms", undefined, 3, "no_unit_ms", 3, undefined],
  ["beauty_millihelens", "millihelens", 3, "beauty_millihelens", 3, "millihelens"],
  ["alluse_own_ms", "ms", 3, "alluse_own_ms", 3, "ms"],
])("%s in %s", (name, unit, value, newName, newValue, newUnit) => {
  const [key, got, gotUnit] = through(start(), name, unit, value);
  expect([key, gotUnit]).toEqual([newName, newUnit]);
  expect(got).toBeCloseTo(newValue, 9);
});

test("of a histogram the sum and the bounds are converted, counts are not", () => {
  const processor = start();
  const of = (name: string, labels: Labels = {}): [string, number, string | undefined] =>
    through(processor, name, "ms", 100, labels, "histogram");
  expect(of("wait_ms_bucket", { le: "300" })).toEqual(['wait_seconds_bucket{le="0.3"}', 100, "seconds"]);
  expect(of("wait_ms_bucket", { le: "+Inf" })).toEqual(['wait_seconds_bucket{le="+Inf"}', 100, "seconds"]);
  expect(of("wait_ms_sum")).toEqual(["wait_seconds_sum", 0.1, "seconds"]);
  expect(of("wait_ms_count")).toEqual(["wait_seconds_count", 100, "seconds"]);
});

test("without renaming only values change; without units nothing does", () => {
  expect(through(start({ rename: false }), "a_ms", "ms", 5)).toEqual(["a_ms", 0.005, "ms"]);
  expect(through(start({ units: "" }), "b_ms", "ms", 5)).toEqual(["b_ms", 5, "ms"]);
});

test("a declared range is brought to 0 to 1, a declared distribution to standard deviations", () => {
  const processor = start({
    ranges: [
      { series: "level", min: 10, max: 30 },
      { series: "height", method: "z_score", mean: 100, stddev: 5, suffix: "_z" },
    ],
  });
  expect(through(processor, "level", "ms", 15)).toEqual(["level_normalised", 0.25, undefined]);
  expect(through(processor, "height", undefined, 110)).toEqual(["height_z", 2, undefined]);
});

test.each([[{ series: "a" }], [{ series: "a", min: 1, max: 1 }], [{ series: "a", method: "z_score", mean: 1 }]])(
  "a range of %j is refused",
  (range) => {
    expect(() => start({ ranges: [range] })).toThrow(expect.objectContaining({ code: "plugin_config_invalid" }));
  },
);

test("the end of a series stays what it is, bit for bit", () => {
  const batch = createBatch(1);
  batch.series[0] = ctx.foreignSeries({ name: "a_ms", labels: {}, type: "gauge", unit: "ms", help: "of the test" });
  batch.length = 1;
  const words = new BigUint64Array(batch.values.buffer);
  words[0] = 0x7ff0000000000002n;
  start().process(batch);
  expect(words[0]).toBe(0x7ff0000000000002n);
});

test("a series for which there is no room stays as it is, and that is said once", () => {
  ctx.series = () => {
    throw new Error("no room");
  };
  const processor = start();
  expect(through(processor, "a_ms", "ms", 5)).toEqual(["a_ms", 5, "ms"]);
  expect(through(processor, "b_ms", "ms", 5)).toEqual(["b_ms", 5, "ms"]);
  expect(ctx.logs.length).toBe(1);
});
