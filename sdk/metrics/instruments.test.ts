import { beforeEach, describe, expect, it } from "vitest";
import type { Manifest } from "../manifest.ts";
import { TestContext } from "../testing.ts";
import {
  counter,
  event,
  gauge,
  histogram,
  infoOfText,
  instruments,
  partOfMetric,
  QuantileSketch,
  state,
  summary,
} from "./index.ts";

const metrics: NonNullable<Manifest["metrics"]> = {
  demo_temperature_celsius: { type: "gauge", unit: "celsius", help: "How warm it is." },
  demo_requests_total: { type: "counter", help: "Requests." },
  demo_latency_seconds: { type: "histogram", unit: "seconds", help: "How long requests take." },
  demo_size_bytes: { type: "summary", unit: "bytes", help: "How large answers are." },
  demo_restarts: { type: "event", help: "Restarts." },
  demo_link: { type: "state", help: "How the link is." },
};

let ctx: TestContext;
let startMs: number;

beforeEach(() => {
  ctx = new TestContext({ id: "collectors/demo", metrics });
  startMs = ctx.clock.now();
});

/** What was emitted since the last look: `name{labels} value` with seconds since the start. */
function emitted(): string[] {
  const lines = ctx.emitted.map(({ name, labels, value, timestampMs }) => {
    const text = Object.entries(labels).map(([label, of]) => `${label}=${of}`);
    return `${(timestampMs - startMs) / 1000} ${name}{${text.join(",")}} ${value}`;
  });
  ctx.emitted.length = 0;
  return lines;
}

/** A second later all instruments speak. */
async function tick(): Promise<string[]> {
  await ctx.advance(1000);
  instruments(ctx).emit();
  return emitted();
}

describe("instruments", () => {
  it("a gauge says its value when it has one", async () => {
    const temperature = gauge(ctx, "demo_temperature_celsius");
    const kitchen = temperature.labels({ room: "kitchen" });
    expect(await tick()).toEqual([]);
    kitchen.set(20);
    kitchen.add(1.5);
    temperature.set(-3);
    expect(await tick()).toEqual(["2 demo_temperature_celsius{room=kitchen} 21.5", "2 demo_temperature_celsius{} -3"]);
    kitchen.set(NaN);
    expect(await tick()).toEqual(["3 demo_temperature_celsius{} -3"]);
  });

  it("a counter says that it was 0 when it was bound, and never falls", async () => {
    const requests = counter(ctx, "demo_requests_total");
    requests.inc();
    requests.inc(-5);
    requests.inc(NaN);
    expect(await tick()).toEqual(["0 demo_requests_total{} 0", "1 demo_requests_total{} 1"]);
    requests.inc(2);
    expect(await tick()).toEqual(["2 demo_requests_total{} 3"]);
  });

  it("a counter takes absolute readings over resets and 32 bits", async () => {
    const octets = counter(ctx, "demo_requests_total", { wraps: 32 }).labels({ port: "1" });
    octets.read(2 ** 32 - 10);
    expect(await tick()).toEqual([`1 demo_requests_total{port=1} ${2 ** 32 - 10}`]);
    octets.read(5);
    expect(await tick()).toEqual([`2 demo_requests_total{port=1} ${2 ** 32 + 5}`]);
    octets.read(3);
    expect(await tick()).toEqual([`3 demo_requests_total{port=1} ${2 ** 32 + 8}`]);
    expect(octets.resets).toBe(2);
  });

  it("a histogram counts into classic buckets, a value on a bound into the one below", async () => {
    const latency = histogram(ctx, "demo_latency_seconds", { buckets: [0.1, 1] });
    for (const value of [0.1, 0.5, 3, NaN]) latency.observe(value, { code: "200" });
    expect((await tick()).slice(5)).toEqual([
      "1 demo_latency_seconds_bucket{code=200,le=0.1} 1",
      "1 demo_latency_seconds_bucket{code=200,le=1} 2",
      "1 demo_latency_seconds_bucket{code=200,le=+Inf} 3",
      "1 demo_latency_seconds_sum{code=200} 3.6",
      "1 demo_latency_seconds_count{code=200} 3",
    ]);
    expect(ctx.seriesInfo(ctx.series("demo_latency_seconds_bucket", { code: "200", le: "1" }))).toMatchObject({
      type: "histogram",
      unit: "seconds",
    });
  });

  it("an exponential histogram begins with zeros, and a new bound with its past", async () => {
    const latency = histogram(ctx, "demo_latency_seconds", { buckets: "exponential", exponential: { scale: 0 } });
    latency.observe(3);
    const first = await tick();
    expect(first).toContain("0 demo_latency_seconds_bucket{le=2} 0");
    expect(first).toContain("1 demo_latency_seconds_bucket{le=2} 0");
    expect(first).toContain("1 demo_latency_seconds_bucket{le=4} 1");
    expect(first).toContain("1 demo_latency_seconds_bucket{le=+Inf} 1");
    latency.observe(30);
    const second = await tick();
    expect(second.filter((line) => line.includes("le=32"))).toEqual([
      "0 demo_latency_seconds_bucket{le=32} 0",
      "1 demo_latency_seconds_bucket{le=32} 1",
      "2 demo_latency_seconds_bucket{le=32} 2",
    ]);
    expect(second.filter((line) => line.includes("le=4}"))).toEqual(["2 demo_latency_seconds_bucket{le=4} 1"]);
  });

  it("a summary's quantiles are of its window, its sum and count of all time", async () => {
    const size = summary(ctx, "demo_size_bytes", { quantiles: [0.5], windowMs: 10_000 });
    const child = size.labels({});
    for (let value = 1; value <= 100; value++) child.observe(value);
    const [quantile, sum, count] = (await tick()).slice(2);
    expect(Number(quantile.split(" ")[2])).toBeCloseTo(50, -0.5);
    expect([sum, count]).toEqual(["1 demo_size_bytes_sum{} 5050", "1 demo_size_bytes_count{} 100"]);
    expect(QuantileSketch.deserialize(child.sketch().serialize()).count).toBe(100);
    await ctx.advance(20_000);
    expect(await tick()).toEqual(["22 demo_size_bytes_sum{} 5050", "22 demo_size_bytes_count{} 100"]);
  });

  it("an event has a sample at its time and a total; those of one millisecond are one sample", async () => {
    const restarts = event(ctx, "demo_restarts").labels({ unit: "db" });
    restarts.happened(startMs + 700);
    restarts.happened(startMs + 300, 2);
    restarts.happened(startMs + 700);
    restarts.happened(startMs + 800, 0);
    expect(await tick()).toEqual([
      "0.3 demo_restarts{unit=db} 2",
      "0.7 demo_restarts{unit=db} 2",
      "0 demo_restarts_total{unit=db} 0",
      "1 demo_restarts_total{unit=db} 4",
    ]);
    expect(await tick()).toEqual(["2 demo_restarts_total{unit=db} 4"]);
    for (let i = 0; i < 2000; i++) restarts.happened(startMs + 2000 + i);
    expect((await tick()).length).toBe(1025);
    expect(restarts.dropped).toBe(976);
    expect(ctx.seriesInfo(ctx.series("demo_restarts_total", { unit: "db" })).type).toBe("counter");
  });

  it("a state says a transition at once, and what it is at every emission", async () => {
    const link = state(ctx, "demo_link", { states: ["up", "down"] });
    expect(await tick()).toEqual([]);
    await ctx.advance(200);
    link.set("up", { port: "1" });
    expect(emitted()).toEqual(["1.2 demo_link{port=1,demo_link=up} 1", "1.2 demo_link{port=1,demo_link=down} 0"]);
    link.set("up", { port: "1" });
    expect(emitted()).toEqual([]);
    link.set("down", { port: "1" });
    expect(emitted()).toEqual(["1.201 demo_link{port=1,demo_link=up} 0", "1.201 demo_link{port=1,demo_link=down} 1"]);
    expect(await tick()).toHaveLength(2);
    expect(() => link.set("sideways")).toThrow(/knows no state "sideways": it has up, down/);
  });

  it("label sets beyond the limit are counted together", async () => {
    const requests = counter(ctx, "demo_requests_total", { maxChildren: 2 });
    for (const path of ["/a", "/b", "/c", "/d", "/a"]) requests.inc(1, { path });
    expect((await tick()).filter((line) => line.startsWith("1 "))).toEqual([
      "1 demo_requests_total{path=/a} 2",
      "1 demo_requests_total{path=/b} 1",
      "1 demo_requests_total{path=other} 2",
    ]);
    expect(requests.overflowed).toBe(2);
    expect(ctx.logs).toHaveLength(1);
  });

  it("nothing is said twice of one time, and a clock set back far begins anew", async () => {
    const requests = counter(ctx, "demo_requests_total");
    requests.inc();
    expect(await tick()).toHaveLength(2);
    instruments(ctx).emit();
    expect(emitted()).toEqual([]);
    ctx.clock.step(-3_600_000);
    expect(await tick()).toHaveLength(1);
  });

  it("emits by itself where the plugin has no tick", async () => {
    gauge(ctx, "demo_temperature_celsius").set(1);
    instruments(ctx).emitEvery(5000);
    await ctx.advance(11_000);
    expect(emitted()).toHaveLength(2);
  });

  it("refuses shapes that cannot be, and a second instrument of a name", () => {
    expect(() => histogram(ctx, "demo_latency_seconds", { buckets: [1, 1] })).toThrow(/each above the one before/);
    gauge(ctx, "demo_temperature_celsius");
    expect(() => gauge(ctx, "demo_temperature_celsius")).toThrow(/two instruments named/);
    expect(() => summary(ctx, "demo_size_bytes", { quantiles: [99] })).toThrow(/outside 0..1/);
    expect(() => state(ctx, "demo_link", { states: [] })).toThrow(/1 to 64 states/);
    expect(() => counter(ctx, "demo_undeclared_total").inc()).toThrow(expect.objectContaining({ code: "metric_undeclared" }));
  });
});

it("knows the parts of declared metrics", () => {
  expect(partOfMetric(metrics, "demo_latency_seconds_bucket")?.type).toBe("histogram");
  expect(partOfMetric(metrics, "demo_size_bytes_count")?.type).toBe("summary");
  expect(partOfMetric(metrics, "demo_restarts_total")?.type).toBe("counter");
  for (const name of ["demo_size_bytes_bucket", "demo_temperature_celsius_sum", "demo_latency_seconds_total", "other_bucket"])
    expect(partOfMetric(metrics, name)).toBeNull();
});

it("knows what a text's types are here", () => {
  const typeOf = (name: string, family: string, type?: string): string =>
    infoOfText({ name, labels: {}, family: type === undefined ? null : { name: family, type } }).type;
  expect([
    typeOf("a_total", "a", "counter"),
    typeOf("a_created", "a", "counter"),
    typeOf("b_bucket", "b", "histogram"),
    typeOf("b_bucket", "b", "gaugehistogram"),
    typeOf("c_info", "c", "info"),
    typeOf("d", "d", "stateset"),
    typeOf("e", "e", "unknown"),
    typeOf("e_total", "e_total", "untyped"),
    typeOf("f_total", ""),
    typeOf("g", "g", "summary"),
  ]).toEqual(["counter", "gauge", "histogram", "gauge", "gauge", "state", "gauge", "counter", "counter", "summary"]);
});
