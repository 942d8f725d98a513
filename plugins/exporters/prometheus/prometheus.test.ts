import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import type { Labels, Manifest, MetricType, RouteResponse } from "all-use-agent/sdk";
import { TestContext } from "all-use-agent/sdk/testing";
import { beforeEach, describe, expect, test } from "vitest";
import { chooseFormat } from "./accept.ts";
import { Exposition } from "./exposition.ts";
import plugin from "./index.ts";
import { parseStrictly } from "./testdata/strict-parser.ts";

const PROMTOOL = "/usr/bin/promtool";
const manifest = JSON.parse(readFileSync(new URL("plugin.json", import.meta.url), "utf8")) as Manifest;

let ctx: TestContext;

beforeEach(() => {
  ctx = new TestContext(manifest);
});

interface Given {
  name: string;
  labels?: Labels;
  type?: MetricType;
  unit?: string;
  help?: string;
  value: number;
  ageMs?: number;
}

function give({ name, labels = {}, type = "gauge", unit, help = "For the test.", value, ageMs = 0 }: Given): void {
  const id = ctx.foreignSeries({ name, labels, type, help, ...(unit === undefined ? {} : { unit }) });
  ctx.emit({
    length: 1,
    series: Uint32Array.of(id),
    timestamps: Float64Array.of(ctx.clock.now() - ageMs),
    values: Float64Array.of(value),
  });
}

async function scrape(accept?: string): Promise<RouteResponse & { body: string }> {
  const exporter = plugin(ctx, { max_age_ms: 300_000 });
  const request = {
    method: "GET",
    path: "/metrics",
    query: new URLSearchParams(),
    header: (name: string) => (name.toLowerCase() === "accept" ? accept : undefined),
    body: () => Promise.resolve(new Uint8Array()),
  };
  return (await exporter.handle!(request, ctx.signal)) as RouteResponse & { body: string };
}

const OPENMETRICS = "application/openmetrics-text; version=1.0.0";

function giveMixture(): void {
  give({ name: "test_requests_total", labels: { code: "200", path: 'a"b\\c\nd' }, type: "counter", value: 7 });
  give({ name: "test_temperature_celsius", labels: { zone: "b" }, unit: "celsius", value: -1.5 });
  give({ name: "test_temperature_celsius", labels: { zone: "a" }, unit: "celsius", value: 40 });
  give({ name: "test_cpu_seconds_total", type: "counter", unit: "seconds", value: 1e21 });
  give({ name: "test_free_bytes", unit: "bytes", help: 'Back\\slash, "quotes"\nand lines.', value: Infinity });
  give({ name: "test_vmstat_pgfault", type: "counter", value: 12 });
}

describe("the text format", () => {
  test("says exactly what was given, families in order, with help and type", async () => {
    giveMixture();
    const { contentType, body } = await scrape();
    expect(contentType).toBe("text/plain; version=0.0.4; charset=utf-8");
    const families = parseStrictly(body, "text");
    expect(families.map(({ name, type }) => [name, type])).toEqual([
      ["test_cpu_seconds_total", "counter"],
      ["test_free_bytes", "gauge"],
      ["test_requests_total", "counter"],
      ["test_temperature_celsius", "gauge"],
      ["test_vmstat_pgfault", "counter"],
    ]);
    expect(families[1].help).toBe('Back\\slash, "quotes"\nand lines.');
    expect(families[1].samples).toEqual([{ name: "test_free_bytes", labels: {}, value: Infinity }]);
    expect(families[2].samples).toEqual([{ name: "test_requests_total", labels: { code: "200", path: 'a"b\\c\nd' }, value: 7 }]);
    expect(families[3].samples.map(({ labels, value }) => [labels.zone, value])).toEqual([
      ["b", -1.5],
      ["a", 40],
    ]);
  });

  test("leaves out what is older than five minutes and what has ended", async () => {
    give({ name: "test_fresh", value: 1, ageMs: 299_000 });
    give({ name: "test_old", value: 1, ageMs: 301_000 });
    give({ name: "test_ended", value: NaN });
    const { body } = await scrape();
    expect(parseStrictly(body, "text").map(({ name }) => name)).toEqual(["test_fresh"]);
  });

  test("a scrape with nothing to say is empty, and a family whose series all vanished is not named", async () => {
    const exposition = new Exposition();
    expect(exposition.write("text")).toBe("");
    exposition.begin();
    exposition.add({ name: "a", labels: {}, type: "gauge", help: "A." }, 1);
    expect(exposition.write("text")).toContain("# TYPE a gauge");
    exposition.begin();
    expect(exposition.write("text")).toBe("");
    expect(exposition.write("openmetrics")).toBe("# EOF\n");
  });

  test.skipIf(!existsSync(PROMTOOL))("promtool finds nothing to object to (needs promtool)", async () => {
    giveMixture();
    const { body } = await scrape();
    const { status, stderr } = spawnSync(PROMTOOL, ["check", "metrics"], { input: body, encoding: "utf8" });
    // 3 is "parsed, but the names could be better": a counter without _total is our own mixture's fault.
    expect(stderr.trim()).toBe('test_vmstat_pgfault counter metrics should have "_total" suffix');
    expect(status).toBe(3);
  });
});

describe("OpenMetrics", () => {
  test("counters' families have no _total, units are said, the end is marked", async () => {
    giveMixture();
    const { contentType, body } = await scrape(OPENMETRICS);
    expect(contentType).toBe("application/openmetrics-text; version=1.0.0; charset=utf-8");
    const families = parseStrictly(body, "openmetrics");
    expect(families.map(({ name, type, unit }) => [name, type, unit])).toEqual([
      ["test_cpu_seconds", "counter", "seconds"],
      ["test_free_bytes", "gauge", "bytes"],
      ["test_requests", "counter", undefined],
      ["test_temperature_celsius", "gauge", "celsius"],
      ["test_vmstat_pgfault", "unknown", undefined],
    ]);
    expect(families[1].help).toBe('Back\\slash, "quotes"\nand lines.');
    expect(families[0].samples[0].name).toBe("test_cpu_seconds_total");
    expect(families[4].samples[0].name).toBe("test_vmstat_pgfault");
  });

  test("a counter whose family name another family has keeps its own name, also when the other comes later", () => {
    const exposition = new Exposition();
    const jobsTotal = { name: "test_jobs_total", labels: {}, type: "counter", help: "Jobs." } as const;
    exposition.begin();
    exposition.add(jobsTotal, 2);
    expect(parseStrictly(exposition.write("openmetrics"), "openmetrics")[0].name).toBe("test_jobs");
    exposition.begin();
    exposition.add(jobsTotal, 2);
    exposition.add({ name: "test_jobs", labels: {}, type: "gauge", help: "Jobs now." }, 1);
    const families = parseStrictly(exposition.write("openmetrics"), "openmetrics");
    expect(families.map(({ name, type }) => [name, type])).toEqual([
      ["test_jobs", "gauge"],
      ["test_jobs_total", "unknown"],
    ]);
  });
});

describe("the Accept header", () => {
  test.each([
    [undefined, "text"],
    ["*/*", "text"],
    ["text/plain", "text"],
    ["application/json", "text"],
    ["application/openmetrics-text", "openmetrics"],
    ["application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4", "openmetrics"],
    ["application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.8", "text"],
    ["application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1", "openmetrics"],
    ["application/openmetrics-text;version=1.0.0;q=0.5,*/*", "text"],
    ["application/openmetrics-text;q=0.5,text/plain;q=0.3,*/*;q=0.9", "openmetrics"],
    ["application/openmetrics-text;q=0", "text"],
    ["application/openmetrics-text;version=0.0.1", "text"],
    ["application/openmetrics-text;version=2.0.0,text/plain;q=0.1", "text"],
    ['Application/OpenMetrics-Text; Version="1.0.0"', "openmetrics"],
    [
      "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
      "openmetrics",
    ],
    ["application/openmetrics-text;q=banana,text/plain;q=0.1", "text"],
  ])("%s is answered with %s", (accept, format) => {
    expect(chooseFormat(accept)).toBe(format);
  });
});
