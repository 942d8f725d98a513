/** The SDK's instruments in an installed plugin, in a process of its own, and an aggregation rule: as the built agent answers for them. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RunningAgent, startAgent, temporaryFolder } from "../support/agent.ts";
import { until } from "../support/wait.ts";

const CODE = `import { counter, definePlugin, event, gauge, histogram, instruments, state, summary } from "all-use-agent/sdk";
export default definePlugin("collector", (ctx) => {
  const warmth = gauge(ctx, "demo_temperature_celsius");
  const requests = counter(ctx, "demo_requests_total");
  const latency = histogram(ctx, "demo_latency_seconds", { buckets: "exponential" });
  const size = summary(ctx, "demo_size_bytes");
  const restarts = event(ctx, "demo_restarts");
  const link = state(ctx, "demo_link", { states: ["up", "down"] });
  let tick = 0;
  return { collect() {
    tick++;
    warmth.set(tick);
    for (const host of ["a", "b"]) requests.inc(10, { host });
    // Faster and faster: new bounds all the time.
    for (let i = 0; i < 10; i++) latency.observe(2 / tick);
    size.observe(100);
    restarts.happened(ctx.clock.now() - 100);
    link.set(tick % 2 ? "up" : "down");
    instruments(ctx).emit();
  } };
});`;

const METRICS = {
  demo_temperature_celsius: { type: "gauge", unit: "celsius", help: "How warm it is." },
  demo_requests_total: { type: "counter", help: "Requests." },
  demo_latency_seconds: { type: "histogram", unit: "seconds", help: "How long requests take." },
  demo_size_bytes: { type: "summary", unit: "bytes", help: "How large answers are." },
  demo_restarts: { type: "event", help: "Restarts." },
  demo_link: { type: "state", help: "How the link is." },
};

describe("metric types of an installed plugin", () => {
  const dataDir = temporaryFolder();
  let agent: RunningAgent;

  beforeAll(async () => {
    const folder = join(dataDir, "plugins/collectors/demo");
    mkdirSync(folder, { recursive: true });
    const manifest = { id: "collectors/demo", version: "1.0.0", api: 1, kind: "collector", entry: "index.mjs", title: "Demo" };
    writeFileSync(join(folder, "plugin.json"), JSON.stringify({ ...manifest, stability: "beta", metrics: METRICS }));
    writeFileSync(join(folder, "index.mjs"), CODE);
    const rule = { match: "demo_requests_total", functions: ["rate", "count"], window_ms: "4s", late_ms: "1s" };
    const config = { plugins: { "processors/aggregate": { config: { rules: [rule] } } } };
    writeFileSync(join(dataDir, "config.json"), JSON.stringify(config));
    agent = await startAgent({ dataDir });
  });
  afterAll(async () => {
    await agent[Symbol.asyncDispose]();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const one = async (expr: string): Promise<number> => Number((await agent.query(expr))[0]?.value?.[1] ?? NaN);

  test("a histogram's quantile is right although its bounds come one after the other", async () => {
    await until("some ticks", 60_000, async () => (await one("demo_temperature_celsius")) >= 8);
    // Of n ticks' values 2, 1, 2/3, … the median is near 4 / n, and all are between 2 / n and 2.
    const ticks = await one("demo_temperature_celsius");
    const median = await one("histogram_quantile(0.5, demo_latency_seconds_bucket)");
    expect(median).toBeGreaterThan((4 / (ticks + 3)) * 0.85);
    expect(median).toBeLessThan((4 / (ticks - 1)) * 1.15);
    expect(await one("histogram_quantile(1, increase(demo_latency_seconds_bucket[1h]))")).toBeLessThanOrEqual(2);
    expect(await one('demo_latency_seconds_bucket{le="+Inf"} - ignoring(le) demo_latency_seconds_count')).toBe(0);
  });

  test("counters, summaries, events and states answer as their types do", async () => {
    const ticks = await one("demo_temperature_celsius");
    expect(await one("sum(demo_requests_total) - 20 * demo_temperature_celsius")).toBe(0);
    expect(await one('demo_size_bytes{quantile="0.5"}')).toBe(100);
    expect(await one("demo_size_bytes_sum / demo_size_bytes_count")).toBe(100);
    expect(await one("sum_over_time(demo_restarts[1h])")).toBeGreaterThanOrEqual(ticks);
    expect(await one("sum(demo_link)")).toBe(1);
    expect(await one('changes(demo_link{demo_link="up"}[1h])')).toBeGreaterThanOrEqual(ticks - 2);
  });

  test("a rule's windows are stored at their ends", async () => {
    await until("a window", 60_000, async () => (await one("demo_requests:rate_4s")) === 20);
    expect((await one("timestamp(demo_requests:rate_4s)")) % 4).toBe(0);
    // The first window may hold the zeros of the beginning, too.
    await until("a window of four readings", 60_000, async () => (await one("demo_requests_total:count_4s")) === 8);
  });

  test("/metrics has each as a family of its type, in both formats", async () => {
    for (const [accept, link] of [
      ["text/plain", "gauge"],
      ["application/openmetrics-text", "stateset"],
    ] as const) {
      const page = await (await agent.fetch("/metrics", { headers: { accept } })).text();
      const types = Object.fromEntries([...page.matchAll(/^# TYPE (demo_\w+) (\w+)$/gm)].map(([, name, type]) => [name, type]));
      expect(types).toMatchObject({ demo_latency_seconds: "histogram", demo_size_bytes: "summary", demo_link: link });
      expect(page).toContain('demo_latency_seconds_bucket{le="+Inf"}');
    }
  });
});
