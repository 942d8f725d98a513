import { createSocket } from "node:dgram";
import { readFileSync } from "node:fs";
import type { Manifest } from "all-use-agent/sdk";
import { TestContext } from "all-use-agent/sdk/testing";
import fc from "fast-check";
import StatsD from "node-statsd";
import { afterEach, describe, expect, it, test } from "vitest";
import { until } from "../../../test/support/wait.ts";
import plugin, { type StatsdConfig } from "./index.ts";
import { Intake } from "./intake.ts";
import { parseLine } from "./line.ts";

const manifest = JSON.parse(readFileSync(new URL("plugin.json", import.meta.url), "utf8")) as Manifest;
const DEFAULTS: StatsdConfig = {
  interval_ms: 1000,
  address: "127.0.0.1",
  port: 0,
  prefix: "",
  quantiles: [0.5, 0.99],
  max_series: 100,
  idle_ms: 60_000,
  max_cpu_ratio: 1,
};

const running: TestContext[] = [];
afterEach(async () => {
  for (const ctx of running.splice(0)) await ctx.dispose();
});

async function start(config: Partial<StatsdConfig> = {}) {
  const ctx = new TestContext(manifest);
  running.push(ctx);
  const collector = plugin(ctx, { ...DEFAULTS, ...config });
  await collector.start?.(ctx.signal);
  const port = Number(/:(\d+)$/.exec(ctx.logs.find(({ message }) => message.startsWith("takes"))?.message ?? "")?.[1]);
  const value = (name: string, labels: Record<string, string> = {}): number | undefined =>
    ctx.emitted.findLast((one) => one.name === name && JSON.stringify(one.labels) === JSON.stringify(labels))?.value;
  return { ctx, collector, port, value, tick: () => ctx.advance(1000).then(() => collector.collect!(ctx.signal)) };
}

describe("a line", () => {
  it.each([
    ["a.b:1|c", { name: "a.b", type: "counter", values: ["1"], rate: 1, tags: [], timeS: null }],
    ["a:1:2:3|ms|@0.5|#x:y,z", { name: "a", type: "timer", values: ["1", "2", "3"], rate: 0.5, tags: ["x:y", "z"] }],
    ["a,host=b:-4|g", { name: "a", type: "gauge", values: ["-4"], tags: ["host:b"] }],
    ["a:x y|s", { type: "set", values: ["x y"] }],
    ["a:1|d|T1700000000|#q:http://h:1", { type: "histogram", timeS: 1_700_000_000, tags: ["q:http://h:1"] }],
  ])("%s", (line, parsed) => expect(parseLine(line)).toMatchObject(parsed));

  it.each([
    ["nothing", /no name:value\|type/, 1],
    ["a:b|c", /no number: "b"/, 3],
    ["a:1|q", /no type c, g/, 5],
    ["a:1|c|@0", /sample rate/, 4],
    ["_e{1,1}:a|b", /event or a service check/, 1],
    ["a:NaN|g", /no number/, 3],
    ["x".repeat(9000), /longer than/, 1],
  ])("that cannot be read says where: %s", (line, fault, column) => {
    expect(parseLine(line)).toEqual({ fault: expect.stringMatching(fault) as string, column });
  });

  it("is read whatever it is, and what is made of it has names that there can be", () => {
    const intake = new Intake({ prefix: "", maxSeries: 1000 });
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: "binary" }),
          fc
            .tuple(fc.string(), fc.double(), fc.constantFrom("c", "g", "ms", "h", "s"), fc.array(fc.string()))
            .map(([name, value, type, tags]) => `${name}:${value}|${type}|#${tags.join(",")}`),
        ),
        (text) => {
          intake.packet(text, 0);
          for (const { name, labels } of intake.all) {
            expect(name).toMatch(/^[a-zA-Z_:][a-zA-Z0-9_:]*$/);
            for (const label of Object.keys(labels)) expect(label).toMatch(/^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/);
          }
        },
      ),
    );
    expect(intake.size).toBeLessThanOrEqual(1000);
  });
});

test("what a client sends is summed up by name and tags", async () => {
  const { ctx, port, tick, value } = await start();
  const client = new StatsD({ host: "127.0.0.1", port });
  const own = new StatsD({ host: "127.0.0.1", port, prefix: "shop.", global_tags: ["env:test"] });
  client.increment("orders", 3);
  client.increment("orders", 2);
  client.gauge("queue.depth", 12);
  client.timing("answer", 250);
  client.timing("answer", 750);
  client.unique("users", "a");
  client.unique("users", "b");
  client.unique("users", "a");
  own.increment("sold", 1, ["region:eu"]);
  await until("all of it", 10_000, async () => {
    await tick();
    return value("alluse_statsd_samples_total") === 9;
  });
  client.close();
  own.close();
  expect(value("orders_total")).toBe(5);
  expect(value("queue_depth")).toBe(12);
  expect([value("answer_seconds_count"), value("answer_seconds_sum")]).toEqual([2, 1]);
  expect(ctx.emitted.find(({ labels }) => labels["quantile"] === "0.5")?.value).toBeCloseTo(0.25, 2);
  expect(ctx.emitted.find(({ name }) => name === "users")?.value).toBeGreaterThanOrEqual(1);
  expect(value("shop_sold_total", { env: "test", region: "eu" })).toBe(1);
  expect(ctx.seriesInfo(ctx.series("orders_total")).type).toBe("counter");
});

async function send(port: number, ...packets: string[]): Promise<void> {
  const socket = createSocket("udp4");
  for (const packet of packets)
    await new Promise<void>((resolve, reject) =>
      socket.send(packet, port, "127.0.0.1", (error) => (error ? reject(error) : resolve())),
    );
  socket.close();
}

test("counters go on, gauges change by signed values, sets and quantiles are of one interval, silence ends a series", async () => {
  const { ctx, port, tick, value } = await start({ idle_ms: 5000 });
  await send(port, "c:1|c|@0.1\ng:5|g\ng:-2|g\ns:a|s\nt:100|ms");
  await until("the packet", 10_000, async () => (await tick(), value("c_total") === 10));
  expect([value("g"), value("s")]).toEqual([3, 1]);
  await tick();
  expect([value("c_total"), value("s")]).toEqual([10, 0]);
  const quantiles = ctx.emitted.filter(({ labels }) => "quantile" in labels).length;
  await tick();
  expect(ctx.emitted.filter(({ labels }) => "quantile" in labels)).toHaveLength(quantiles);
  await ctx.advance(6000);
  await tick();
  expect(value("alluse_statsd_series")).toBe(0);
});

test("bad lines are counted and said once a minute with their place; the good ones beside them are taken", async () => {
  const { ctx, port, tick, value } = await start({ max_series: 2 });
  await send(port, "a:1|c\nb:x|c\nb:1|c\nd:1|c");
  await until("the packet", 10_000, async () => (await tick(), value("alluse_statsd_packets_total") === 1));
  expect(value("alluse_statsd_invalid_lines_total")).toBe(1);
  expect(value("alluse_statsd_dropped_total", { reason: "series" })).toBe(1);
  expect([value("a_total"), value("b_total")]).toEqual([1, 1]);
  await send(port, "b:y|c");
  await until("the second", 10_000, async () => (await tick(), value("alluse_statsd_invalid_lines_total") === 2));
  const warnings = ctx.logs.filter(({ level }) => level === "warn");
  expect(warnings.map(({ message }) => message)).toEqual([expect.stringMatching(/no number: "x" at character 3 of "b:x\|c"/)]);
});

test("a port that is taken is said with the way out, and taken when it is free", async () => {
  const { port, ctx } = await start();
  const second = await start({ port });
  expect(second.ctx.states.at(-1)).toEqual({
    state: "degraded",
    reason: expect.stringMatching(/in use.*set another port/) as string,
  });
  await ctx.dispose();
  await second.ctx.advance(10_000);
  await second.tick();
  expect(second.ctx.states.at(-1)?.state).toBe("ok");
});
