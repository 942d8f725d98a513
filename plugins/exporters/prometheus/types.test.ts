import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import {
  counter,
  event,
  ExpositionParser,
  gauge,
  histogram,
  infoOfText,
  instruments,
  type Labels,
  type MetricType,
  type SeriesInfo,
  seriesKey,
  state,
  summary,
  type TextSeries,
} from "all-use-agent/sdk";
import { TestContext } from "all-use-agent/sdk/testing";
import { describe, expect, test } from "vitest";
import { Exposition } from "./exposition.ts";
import { parseStrictly } from "./testdata/strict-parser.ts";

const PROMTOOL = "/usr/bin/promtool";
const FORMATS = ["text", "openmetrics"] as const;

/** A context in which a plugin observed something with each of the SDK's instruments. */
async function everyType(): Promise<TestContext> {
  const ctx = new TestContext({
    id: "collectors/demo",
    metrics: {
      demo_temperature_celsius: { type: "gauge", unit: "celsius", help: "How warm it is." },
      demo_requests_total: { type: "counter", help: "Requests." },
      demo_latency_seconds: { type: "histogram", unit: "seconds", help: "How long requests take." },
      demo_delay_seconds: { type: "histogram", unit: "seconds", help: "How long they wait." },
      demo_size_bytes: { type: "summary", unit: "bytes", help: "How large answers are." },
      demo_restarts: { type: "event", help: "Restarts." },
      demo_link: { type: "state", help: "How the link is." },
    },
  });
  gauge(ctx, "demo_temperature_celsius").set(21.5);
  counter(ctx, "demo_requests_total").inc(3, { code: "200" });
  const latency = histogram(ctx, "demo_latency_seconds", { buckets: [0.1, 1, 10] });
  for (const code of ["200", "500"]) for (const value of [0.05, 0.5, 0.7, 30]) latency.observe(value, { code });
  const delay = histogram(ctx, "demo_delay_seconds", { buckets: "exponential" });
  for (const value of [-2, 0, 0.001, 0.5, 0.52, 70]) delay.observe(value);
  const size = summary(ctx, "demo_size_bytes");
  for (let value = 1; value < 100; value++) size.observe(value, { path: "/" });
  event(ctx, "demo_restarts").happened();
  await ctx.advance(1000);
  state(ctx, "demo_link", { states: ["up", "down"] }).set("down", { port: "1" });
  instruments(ctx).emit();
  return ctx;
}

function page(ctx: TestContext, format: "text" | "openmetrics"): string {
  const exposition = new Exposition();
  exposition.begin();
  ctx.latest(300_000, (info, value) => exposition.add(info, value));
  return exposition.write(format);
}

function write(
  format: "text" | "openmetrics",
  rows: readonly [name: string, labels: Labels, type: MetricType, value: number][],
): string {
  const exposition = new Exposition();
  exposition.begin();
  for (const [name, labels, type, value] of rows) exposition.add({ name, labels, type, help: "For the test." }, value);
  return exposition.write(format);
}

describe.each(FORMATS)("every type as %s", (format) => {
  test("is a family of its own with all its parts", async () => {
    const families = parseStrictly(page(await everyType(), format), format);
    const openMetrics = format === "openmetrics";
    expect(families.map(({ name, type, samples }) => [name, type, samples.length])).toEqual([
      ["demo_delay_seconds", "histogram", openMetrics ? 12 : 13],
      ["demo_latency_seconds", "histogram", 12],
      ["demo_link", openMetrics ? "stateset" : "gauge", 2],
      [openMetrics ? "demo_requests" : "demo_requests_total", "counter", 1],
      [openMetrics ? "demo_restarts" : "demo_restarts_total", "counter", 1],
      ["demo_size_bytes", "summary", 5],
      ["demo_temperature_celsius", "gauge", 1],
    ]);
  });

  test("comes back through our own parser as it was, with its type", async () => {
    const ctx = await everyType();
    const given = new Map<string, [number, MetricType]>();
    ctx.latest(300_000, (info: SeriesInfo, value) => {
      const negative = format === "openmetrics" && info.name === "demo_delay_seconds_sum";
      if (info.type !== "event" && !negative) given.set(seriesKey(info.name, info.labels), [value, info.type]);
    });
    const read: TextSeries[] = [];
    const parser = new ExpositionParser({
      format: format === "text" ? "prometheus" : "openmetrics",
      define: (series) => read.push(series) - 1,
    });
    parser.push(page(ctx, format));
    const { batch, faults } = parser.end();
    expect(faults).toEqual([]);
    const back = new Map<string, [number, MetricType]>();
    for (let row = 0; row < batch.length; row++) {
      const series = read[batch.series[row]];
      back.set(seriesKey(series.name, series.labels), [batch.values[row], infoOfText(series).type]);
    }
    // The older format knows no states.
    if (format === "text") for (const [key, [value, type]] of given) if (type === "state") given.set(key, [value, "gauge"]);
    expect(Object.fromEntries(back)).toEqual(Object.fromEntries(given));
  });

  test("a histogram without its last bucket, or without a count, gets the one from the other", () => {
    const text = write(format, [
      ["a_bucket", { le: "10" }, "histogram", 2],
      ["a_bucket", { le: "1" }, "histogram", 1],
      ["a_count", {}, "histogram", 5],
      ["b_bucket", { le: "+Inf" }, "histogram", 7],
    ]);
    const [a, b] = parseStrictly(text, format);
    expect(a.samples.map(({ value }) => value)).toEqual([1, 2, 5, 5]);
    expect(b.samples.map(({ name, value }) => [name, value])).toEqual([
      ["b_bucket", 7],
      ["b_count", 7],
    ]);
  });

  test("parts that make no histogram are given by their own names", () => {
    const text = write(format, [
      ["a_bucket", { le: "10" }, "histogram", 2],
      ["a_sum", {}, "histogram", 9],
      ["b_bucket", { le: "wide" }, "histogram", 3],
      ["c", {}, "histogram", 4],
      ["d", {}, "summary", 5],
    ]);
    const unknown = format === "text" ? "untyped" : "unknown";
    expect(parseStrictly(text, format).map(({ name, type }) => [name, type])).toEqual(
      ["a_bucket", "a_sum", "b_bucket", "c", "d"].map((name) => [name, unknown]),
    );
  });

  test("a summary that ended is gone, one without observations is there", () => {
    const ended = { name: "a_count", labels: {}, type: "summary", help: "." } as const;
    const exposition = new Exposition();
    for (const count of [3, NaN]) {
      exposition.begin();
      exposition.add({ ...ended, name: "a", labels: { quantile: "0.5" } }, NaN);
      exposition.add(ended, count);
    }
    expect(exposition.write("text")).toBe("");
    const [empty] = parseStrictly(
      write(format, [
        ["e", { quantile: "0.9" }, "summary", NaN],
        ["e_count", {}, "summary", 0],
      ]),
      format,
    );
    expect(empty.samples.map(({ value }) => value)).toEqual([NaN, 0]);
  });

  test("a state that is no set is a gauge", () => {
    const text = write(format, [
      ["s", { s: "on" }, "state", 1],
      ["t", { t: "on" }, "state", 0.5],
      ["u", { v: "on" }, "state", 1],
    ]);
    const stateset = format === "text" ? "gauge" : "stateset";
    expect(parseStrictly(text, format).map(({ type }) => type)).toEqual([stateset, "gauge", "gauge"]);
  });

  test("two metrics that want one name do not share it", () => {
    const text = write(format, [
      ["a", {}, "gauge", 1],
      ["a_bucket", { le: "+Inf" }, "histogram", 2],
      ["b_bucket", { le: "+Inf" }, "histogram", 2],
      ["b", {}, "gauge", 3],
    ]);
    expect(parseStrictly(text, format).map(({ name, type }) => [name, type].join(" "))).toEqual([
      "a gauge",
      format === "text" ? "a_bucket untyped" : "a_bucket unknown",
      "b histogram",
    ]);
  });
});

test.skipIf(!existsSync(PROMTOOL))("promtool finds nothing to object to in any type (needs promtool)", async () => {
  const { status, stderr } = spawnSync(PROMTOOL, ["check", "metrics"], {
    input: page(await everyType(), "text"),
    encoding: "utf8",
  });
  expect(stderr).toBe("");
  expect(status).toBe(0);
});
