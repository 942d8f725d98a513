import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { OTLPMetricExporter as JsonExporter } from "@opentelemetry/exporter-metrics-otlp-http";
import { OTLPMetricExporter as ProtoExporter } from "@opentelemetry/exporter-metrics-otlp-proto";
import {
  AggregationType,
  MeterProvider,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
} from "@opentelemetry/sdk-metrics";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type RunningAgent, runCommand, startAgent, temporaryFolder } from "../support/agent.ts";
import { recordFigure } from "../support/figures.ts";
import { until } from "../support/wait.ts";

let agent: RunningAgent;
beforeAll(async () => {
  agent = await startAgent({ args: ["--bare"] });
});
afterAll(() => agent[Symbol.asyncDispose]());

/** The newest value of each series of an expression, by the labels that are named. */
async function values(expr: string, ...labels: string[]): Promise<Record<string, number>> {
  const rows = await agent.query(expr);
  return Object.fromEntries(rows.map(({ metric, value }) => [labels.map((label) => metric[label]).join(), Number(value![1])]));
}

async function post(path: string, body: string | Uint8Array, headers: Record<string, string> = {}) {
  const response = await agent.fetch(path, { method: "POST", body: body as string, headers });
  return { status: response.status, text: await response.text() };
}

describe("the OpenTelemetry SDK", () => {
  const EXPONENTIAL = { instrumentName: "pay.size", aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } } as const;

  function application(service: string, exporter: PushMetricExporter) {
    // Exports only when it is told to.
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000, exportTimeoutMillis: 120_000 });
    const provider = new MeterProvider({ readers: [reader], views: [EXPONENTIAL] });
    const meter = provider.getMeter(service, "1.0");
    const sizes = meter.createHistogram("pay.size", { unit: "By" });
    const waits = meter.createHistogram("pay.wait", { unit: "s", advice: { explicitBucketBoundaries: [0.1, 1, 10] } });
    const orders = meter.createCounter("orders", { description: "Orders so far." });
    const open = meter.createUpDownCounter("orders.open", { unit: "{order}" });
    const load = meter.createGauge("load", { unit: "1" });
    onTestFinished(() => provider.shutdown().catch(() => {}));
    const work = (): void => {
      for (let i = 1; i <= 100; i++) sizes.record(i);
      for (const wait of [0.05, 0.5, 0.5, 5, 50]) waits.record(wait, { way: "card" });
      orders.add(3, { kind: "a" });
      orders.add(4, { kind: "b" });
      open.add(5);
      open.add(-2);
      load.record(0.75);
    };
    return { work, flush: () => provider.forceFlush() };
  }

  async function expectAll(scope: string, rounds: number): Promise<void> {
    const of = `{otel_scope_name="${scope}"}`;
    expect(await values(`orders_total${of}`, "kind")).toEqual({ a: 3 * rounds, b: 4 * rounds });
    expect(await values(`orders_open${of}`, "otel_scope_version")).toEqual({ "1.0": 3 * rounds });
    expect(await values(`load_ratio${of}`)).toEqual({ "": 0.75 });
    expect(await values(`pay_wait_seconds_bucket${of}`, "way", "le")).toEqual({
      "card,0.1": rounds,
      "card,1": 3 * rounds,
      "card,10": 4 * rounds,
      "card,+Inf": 5 * rounds,
    });
    expect(await values(`pay_wait_seconds_sum${of}`)).toEqual({ "": 56.05 * rounds });
    expect(await values(`pay_wait_seconds_count${of}`)).toEqual({ "": 5 * rounds });
    expect(await values(`pay_size_bytes_count${of}`)).toEqual({ "": 100 * rounds });
    expect(await values(`pay_size_bytes_sum${of}`)).toEqual({ "": 5050 * rounds });
    const buckets = await values(`pay_size_bytes_bucket${of}`, "le");
    // Whole powers of two are bounds at any scale that 1 to 100 needs.
    for (const power of [1, 2, 4, 8, 16, 32, 64]) expect(buckets[power], `le=${power}`).toBe(power * rounds);
    for (const [le, count] of Object.entries(buckets)) {
      const bound = le === "+Inf" ? Infinity : Number(le);
      expect(count, `le=${le}`).toBe(Math.min(100, Math.floor(bound + 1e-9)) * rounds);
    }
  }

  test.each([
    ["protobuf", (url: string, headers: Record<string, string>) => new ProtoExporter({ url, headers })],
    ["json", (url: string, headers: Record<string, string>) => new JsonExporter({ url, headers })],
  ])("every value of every instrument arrives, in %s", async (name, exporterOf) => {
    const exporter = exporterOf(`${agent.origin}/v1/metrics`, { Authorization: `Bearer ${agent.token}` });
    const { work, flush } = application(name, exporter);
    for (let round = 1; round <= 3; round++) {
      work();
      await flush();
      await expectAll(name, round);
    }
    expect(await values(`max by (__name__) ({otel_scope_name="${name}",__name__=~"orders.*"})`, "__name__")).toEqual({
      orders_total: 12,
      orders_open: 9,
    });
  });

  test("an outage in between loses nothing: the exporter tries again", async () => {
    const first = await startAgent({ args: ["--bare"] });
    onTestFinished(() => first[Symbol.asyncDispose]());
    const exporter = new ProtoExporter({
      url: `${first.origin}/v1/metrics`,
      headers: { Authorization: `Bearer ${first.token}` },
      timeoutMillis: 100_000,
    });
    const { work, flush } = application("outage", exporter);
    work();
    await flush();
    await first.kill();
    work();
    const flushed = flush();
    const { dataDir, port } = first;
    const second = await startAgent({ args: ["--bare"], dataDir, port });
    onTestFinished(() => second[Symbol.asyncDispose]());
    await flushed;
    const [row] = await until("the second round", 30_000, async () => {
      const rows = await second.query('orders_total{kind="b"}');
      return rows.length > 0 && Number(rows[0].value![1]) === 8 ? rows : null;
    });
    expect(row.metric["otel_scope_name"]).toBe("outage");
  });
});

test("line protocol as Telegraf sends it, in both versions, arrives", async () => {
  const nowNs = `${Date.now()}000000`;
  const body = `cpu,cpu=cpu0,host=h\\ 1 usage_idle=98.5,usage_user=1i ${nowNs}\nnet_bytes_total,host=h value=7u ${nowNs}\n`;
  const packed = { "content-encoding": "gzip", "content-type": "text/plain; charset=utf-8" };
  expect(await post("/api/v2/write?org=o&bucket=b&precision=ns", gzipSync(body), packed)).toEqual({ status: 204, text: "" });
  expect(await post("/write?db=telegraf", "mem,host=h free=5\nbroken")).toMatchObject({ status: 400 });
  expect(await values('{host="h 1"}', "__name__", "cpu")).toEqual({ "cpu_usage_idle,cpu0": 98.5, "cpu_usage_user,cpu0": 1 });
  expect(await values("net_bytes_total")).toEqual({ "": 7 });
  expect(await values("mem_free")).toEqual({ "": 5 });
  const token = { headers: { Authorization: `Token ${agent.token}` } };
  expect((await fetch(`${agent.origin}/ping`, token)).status).toBe(204);
});

describe("alluse import", () => {
  const SERIES = 50;
  const STEPS = 4000;
  const startMs = Date.now() - STEPS * 1000;

  function textFile(folder: string): string {
    const lines = ["# TYPE imported_total counter", "# HELP imported_total What came in."];
    for (let series = 0; series < SERIES; series++)
      for (let step = 0; step < STEPS; step++) lines.push(`imported_total{n="${series}"} ${step} ${startMs + step * 1000}`);
    const path = join(folder, "samples.prom.gz");
    writeFileSync(path, gzipSync(lines.join("\n")));
    return path;
  }

  test("brings in files, again without doubling anything, and says what is wrong in one", async () => {
    const folder = temporaryFolder();
    const text = textFile(folder);
    const json = join(folder, "more.jsonl");
    writeFileSync(
      json,
      `${JSON.stringify({ metric: { __name__: "from_json", a: "b" }, values: [1, 2], timestamps: [startMs, startMs + 1000] })}\n`,
    );
    const run = (...args: string[]) => runCommand(["import", ...args, "--data-dir", agent.dataDir, "--json"]);
    const begunMs = performance.now();
    for (let i = 0; i < 2; i++) {
      const { status, stdout, stderr } = await run(text, json);
      expect([status, stderr]).toEqual([0, ""]);
      expect(JSON.parse(stdout)).toMatchObject({ samples: SERIES * STEPS + 2, refused: 0, unreadable: 0, errors: [] });
    }
    recordFigure("alluse import", (2 * SERIES * STEPS) / ((performance.now() - begunMs) / 1000), "samples/s");
    const [counted] = await agent.query(`sum(count_over_time(imported_total[2h]))`);
    expect(Number(counted.value![1])).toBe(SERIES * STEPS);
    expect((await agent.query("count_over_time(from_json[2h])"))[0].value![1]).toBe("2");

    const bad = join(folder, "bad.om");
    writeFileSync(bad, `good 1 ${startMs / 1000}\nbad{ 2\n# EOF\n`);
    const { status, stdout } = await run(bad);
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ samples: 1, unreadable: 1, errors: [expect.stringContaining("line 2 column")] });
    expect(await values(`last_over_time(good[2h])`)).toEqual({ "": 1 });
  });

  test("says how to go on when no agent runs, or the file is not there", async () => {
    const nobody = await runCommand(["import", "package.json", "--data-dir", temporaryFolder()]);
    expect(nobody).toMatchObject({ status: 1, stderr: expect.stringContaining("start one with alluse start") as string });
    const missing = await runCommand(["import", "/nowhere.prom", "--data-dir", agent.dataDir]);
    expect(missing).toMatchObject({ status: 1, stderr: expect.stringContaining("/nowhere.prom cannot be read") as string });
    expect(await runCommand(["import"])).toMatchObject({ status: 2 });
  });
});

test("an import answers when it is safe: killed right after, nothing is missing", async () => {
  const victim = await startAgent({ args: ["--bare"] });
  onTestFinished(() => victim[Symbol.asyncDispose]());
  const nowMs = Date.now();
  const body = Array.from({ length: 20_000 }, (_, i) => `kept{n="${i % 200}"} ${i} ${nowMs - 100_000 + i}\n`).join("");
  const response = await victim.fetch("/api/v1/import/prometheus", { method: "POST", body });
  expect(response.status).toBe(204);
  await victim.kill();
  const again = await startAgent({ args: ["--bare"], dataDir: victim.dataDir });
  onTestFinished(() => again[Symbol.asyncDispose]());
  const [counted] = await again.query("sum(count_over_time(kept[1h]))", nowMs + 1000);
  expect(Number(counted.value![1])).toBe(20_000);
});
