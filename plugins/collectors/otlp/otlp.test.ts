import fc from "fast-check";
import { TestContext } from "all-use-agent/sdk/testing";
import { AgentError, fillConfig, type RouteResponse, seriesKey } from "all-use-agent/sdk";
import { describe, expect, it } from "vitest";
import plugin, { type OtlpConfig } from "./index.ts";
import { labelName, metricWords } from "./names.ts";
import manifest from "./plugin.json" with { type: "json" };

const NOW = Date.UTC(2026, 0, 5, 12);
const START = NOW - 60_000;
const nano = (ms: number) => `${ms}000000`;
const attributes = (values: Record<string, string>) =>
  Object.entries(values).map(([key, stringValue]) => ({ key, value: { stringValue } }));

function receiver(given = {}) {
  const ctx = new TestContext(manifest as never, { startMs: NOW });
  const config = fillConfig(manifest.config, { scope_labels: false, ...given }) as unknown as OtlpConfig;
  const collector = plugin(ctx, config);
  const send = async (body: Uint8Array | Error, type = "application/json"): Promise<RouteResponse> =>
    collector.handle!(
      {
        method: "POST",
        path: "/v1/metrics",
        query: new URLSearchParams(),
        header: (name) => (name === "content-type" ? type : undefined),
        body: () => (body instanceof Error ? Promise.reject(body) : Promise.resolve(body)),
      },
      ctx.signal,
    );
  const sendJson = (request: unknown) => send(new TextEncoder().encode(JSON.stringify(request)));
  const metrics = (list: unknown[], resource: Record<string, string> = {}, scope = {}) =>
    sendJson({ resourceMetrics: [{ resource: { attributes: attributes(resource) }, scopeMetrics: [{ scope, metrics: list }] }] });
  /** What was emitted since the last look, in its order. */
  const rows = () =>
    ctx.emitted.splice(0).map(({ name, labels, timestampMs, value }) => [seriesKey(name, labels), timestampMs - NOW, value]);
  return { ctx, send, sendJson, metrics, rows };
}

const point = (timeMs: number, more: object = {}) => ({ startTimeUnixNano: nano(START), timeUnixNano: nano(timeMs), ...more });
const sum = (aggregationTemporality: number, dataPoints: unknown[], isMonotonic = true) => ({
  name: "jobs",
  sum: { aggregationTemporality, isMonotonic, dataPoints },
});

describe("names", () => {
  const gauge = { kind: "gauge", points: [] } as const;
  const counter = { kind: "sum", points: [], temporality: 2, monotonic: true } as const;
  const upDown = { kind: "sum", points: [], temporality: 2, monotonic: false } as const;
  it.each([
    ["http.server.duration", "ms", gauge, "http_server_duration_milliseconds", "milliseconds", "gauge"],
    ["system.io", "By", counter, "system_io_bytes_total", "bytes", "counter"],
    ["system.io.total", "By", counter, "system_io_bytes_total", "bytes", "counter"],
    ["requests_total", "{request}", counter, "requests_total", "", "counter"],
    ["system.cpu.utilization", "1", gauge, "system_cpu_utilization_ratio", "ratio", "gauge"],
    ["queue", "1", upDown, "queue", "", "gauge"],
    ["disk_bytes.used", "By", upDown, "disk_bytes_used", "bytes", "gauge"],
    ["speed", "m/s", gauge, "speed_meters_per_second", "meters_per_second", "gauge"],
    ["rate", "{request}/s", gauge, "rate_per_second", "", "gauge"],
    ["2xx..count", "", counter, "_2xx_count_total", "", "counter"],
    ["a-b c", "foo bar", gauge, "a_b_c_foo_bar", "foo_bar", "gauge"],
  ] as const)("%s with the unit %j", (name, unit, data, expected, words, type) => {
    expect(metricWords({ name, unit, description: "", data })).toEqual({ name: expected, unit: words, type });
  });

  it("of labels begin with a letter", () => {
    expect(["http.method", "0x", "_a", "__b", "ü"].map(labelName)).toEqual(["http_method", "key_0x", "key_a", "key__b", "key_"]);
  });
});

describe("OTLP metrics", () => {
  it("reads gauges and cumulative sums with resource and scope", async () => {
    const { metrics, rows, ctx } = receiver({ scope_labels: true, promote_resource_attributes: ["region"] });
    const answer = await metrics(
      [
        { name: "temp", unit: "Cel", description: "How warm.", gauge: { dataPoints: [point(NOW, { asDouble: 21.5 })] } },
        sum(2, [point(NOW, { asInt: "42", attributes: attributes({ "job.kind": "x", "job/kind": "y", empty: "" }) })]),
      ],
      { "service.name": "shop", "service.namespace": "eu", "service.instance.id": "i1", region: "r", "host.name": "h" },
      { name: "lib", version: "1.2", attributes: attributes({ a: "b" }) },
    );
    expect(answer).toMatchObject({ status: 200, contentType: "application/json", body: "{}" });
    const common = 'instance="i1",job="eu/shop"';
    const scope = 'otel_scope_a="b",otel_scope_name="lib",otel_scope_version="1.2",region="r"';
    expect(rows()).toEqual([
      [`temp_celsius{${common},${scope}}`, 0, 21.5],
      [`jobs_total{${common},job_kind="x;y",${scope}}`, -60_000, 0],
      [`jobs_total{${common},job_kind="x;y",${scope}}`, 0, 42],
      ['target_info{host_name="h",instance="i1",job="eu/shop",region="r"}', 0, 1],
    ]);
    expect(ctx.seriesInfo(0)).toMatchObject({ type: "gauge", unit: "celsius", help: "How warm." });
    expect(ctx.seriesInfo(1).type).toBe("counter");
  });

  it("adds deltas up, once each, in order", async () => {
    const { metrics, rows } = receiver();
    const delta = (timeMs: number, asInt: number) => metrics([sum(1, [point(timeMs, { asInt })])]);
    await delta(NOW - 3000, 5);
    await delta(NOW - 2000, 7);
    // Sent again, because its answer was lost: the same sample.
    await delta(NOW - 2000, 7);
    const late = await delta(NOW - 2500, 1);
    await delta(NOW - 1000, 1);
    expect(rows()).toEqual([
      ["jobs_total", -3000, 5],
      ["jobs_total", -2000, 12],
      ["jobs_total", -2000, 12],
      ["jobs_total", -1000, 13],
    ]);
    expect(JSON.parse(late.body as string)).toEqual({
      partialSuccess: { rejectedDataPoints: "1", errorMessage: expect.stringContaining("older than one") as string },
    });
  });

  it("gives a counter that began anew its zero, so that the reset shows", async () => {
    const { metrics, rows } = receiver();
    const restarted = { startTimeUnixNano: nano(NOW - 2000), timeUnixNano: nano(NOW), asInt: 50 };
    await metrics([sum(2, [point(NOW - 3000, { asInt: 40 })])]);
    await metrics([sum(2, [restarted])]);
    expect(rows()).toEqual([
      ["jobs_total", -60_000, 0],
      ["jobs_total", -3000, 40],
      ["jobs_total", -2000, 0],
      ["jobs_total", 0, 50],
    ]);
  });

  it("reads histograms, cumulative and delta, and ends bounds that are no longer there", async () => {
    const { metrics, rows } = receiver();
    const histogram = (temporality: number, timeMs: number, bucketCounts: number[], explicitBounds: number[]) => ({
      name: "lat",
      unit: "s",
      histogram: {
        aggregationTemporality: temporality,
        dataPoints: [{ timeUnixNano: nano(timeMs), count: "6", sum: 3.5, bucketCounts, explicitBounds }],
      },
    });
    await metrics([histogram(2, NOW, [1, 2, 3], [0.1, 2_000_000])]);
    expect(rows()).toEqual([
      ['lat_seconds_bucket{le="0.1"}', 0, 1],
      ['lat_seconds_bucket{le="2e+06"}', 0, 3],
      ['lat_seconds_bucket{le="+Inf"}', 0, 6],
      ["lat_seconds_count", 0, 6],
      ["lat_seconds_sum", 0, 3.5],
    ]);
    const other = receiver();
    await other.metrics([histogram(1, NOW, [1, 2, 3], [1, 5])]);
    other.rows();
    await other.metrics([histogram(1, NOW + 1, [2, 4], [5])]);
    expect(other.rows()).toEqual([
      ['lat_seconds_bucket{le="1"}', 1, NaN],
      ['lat_seconds_bucket{le="5"}', 1, 5],
      ['lat_seconds_bucket{le="+Inf"}', 1, 12],
      ["lat_seconds_count", 1, 12],
      ["lat_seconds_sum", 1, 7],
    ]);
    const bad = await other.metrics([histogram(2, NOW + 2, [1, 2], [1, 2, 3])]);
    expect(bad.body).toContain("2 buckets for 3 bounds");
  });

  it("reads exponential histograms: bounds once given stay, and no count falls", async () => {
    const { metrics, rows } = receiver({ exponential_scale: 1 });
    const exponential = (timeMs: number, scale: number, offset: number, bucketCounts: number[], temporality = 2) => ({
      name: "size",
      exponentialHistogram: {
        aggregationTemporality: temporality,
        dataPoints: [
          {
            timeUnixNano: nano(timeMs),
            count: bucketCounts.reduce((all, one) => all + one, 1),
            sum: 10,
            scale,
            zeroCount: "1",
            positive: { offset, bucketCounts },
          },
        ],
      },
    });
    // At scale 2 the buckets after 1 end at 2^¼, 2^½, 2^¾ and 2; at scale 1 two of them are one.
    await metrics([exponential(NOW, 2, 0, [1, 2, 3, 4])]);
    const bucket = (le: string) => `size_bucket{le="${le}"}`;
    const half = String(Math.SQRT2);
    expect(rows().filter(([key]) => (key as string).includes("bucket"))).toEqual([
      [bucket("0"), 0, 1],
      [bucket("1"), 0, 1],
      [bucket(half), 0, 4],
      [bucket("2"), 0, 11],
      [bucket("+Inf"), 0, 11],
    ]);
    // Coarser: 1 to 2 is one bucket now, so √2 says what it said.
    await metrics([exponential(NOW + 1000, 0, 0, [11, 5])]);
    expect(rows().filter(([key]) => (key as string).includes("bucket"))).toEqual([
      [bucket("0"), 1000, 1],
      [bucket("1"), 1000, 1],
      [bucket(half), 1000, 4],
      [bucket("2"), 1000, 12],
      [bucket("4"), 1000, 17],
      [bucket("+Inf"), 1000, 17],
    ]);
  });

  it("reads summaries, ends series, and leaves out what it does not know", async () => {
    const { metrics, rows } = receiver();
    const summary = { timeUnixNano: nano(NOW), count: 3, sum: 6, quantileValues: [{ quantile: 0.5, value: 2 }] };
    await metrics([
      { name: "s", summary: { dataPoints: [summary] } },
      { name: "g", gauge: { dataPoints: [{ timeUnixNano: nano(NOW), flags: 1 }] } },
      { name: "later", quantumHistogram: { dataPoints: [{}] } },
    ]);
    expect(rows()).toEqual([
      ["s_count", 0, 3],
      ["s_sum", 0, 6],
      ['s{quantile="0.5"}', 0, 2],
      ["g", 0, NaN],
    ]);
  });

  it("counts what it rejects and says why", async () => {
    const { metrics } = receiver({ max_series: 1, max_labels: 1 });
    const answer = await metrics([
      sum(0, [point(NOW, { asInt: 1 })]),
      { name: "a", gauge: { dataPoints: [point(NOW), point(NOW, { attributes: attributes({ b: "c", d: "e" }) })] } },
      { name: "f", gauge: { dataPoints: [point(NOW)] } },
    ]);
    expect(answer.status).toBe(200);
    const { partialSuccess } = JSON.parse(answer.body as string) as { partialSuccess: Record<string, string> };
    expect(partialSuccess["rejectedDataPoints"]).toBe("3");
    expect(partialSuccess["errorMessage"]).toMatch(/temporality 0.*max_labels.*max_series/);
  });

  it("answers errors as google.rpc.Status in the request's encoding", async () => {
    const { send, sendJson, ctx } = receiver();
    expect(await send(new Uint8Array(), "text/plain")).toMatchObject({ status: 415 });
    const json = await sendJson({ resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: 5 }] }] }] });
    expect(json).toMatchObject({ status: 400, contentType: "application/json" });
    expect(JSON.parse(json.body as string)).toEqual({
      code: 3,
      message: "/resourceMetrics/0/scopeMetrics/0/metrics/0/name: expected a text.",
    });
    const broken = await send(Uint8Array.of(10, 200), "application/x-protobuf");
    expect(broken).toMatchObject({ status: 400, contentType: "application/x-protobuf" });
    expect(new TextDecoder().decode(broken.body as Uint8Array)).toContain("cannot be read at byte");
    const large = new AgentError("body_too_large", "Too large.");
    expect(await send(large, "application/x-protobuf")).toMatchObject({ status: 413 });
    ctx.flush = () => Promise.reject(new Error("full"));
    expect(await send(new Uint8Array(), "application/x-protobuf")).toMatchObject({
      status: 503,
      headers: { "Retry-After": "5" },
    });
  });

  it("answers any bytes in either encoding", async () => {
    const { send } = receiver();
    const field = fc.tuple(fc.integer({ min: 1, max: 15 }), fc.uint8Array({ maxLength: 20 }), fc.constantFrom(0, 1, 2, 5));
    // What looks like nested messages gets further than noise.
    const message = fc
      .array(field, { maxLength: 6 })
      .map((fields) => fields.flatMap(([n, bytes, wire]) => [n * 8 + wire, bytes.length, ...bytes]));
    const nested = message.map((inner) => {
      let bytes = inner;
      for (const tag of [1 * 8 + 2, 2 * 8 + 2, 2 * 8 + 2, 9 * 8 + 2, 1 * 8 + 2].reverse())
        bytes = [tag, bytes.length & 127, ...bytes];
      return Uint8Array.from(bytes);
    });
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 200 }), nested), async (body) => {
        expect([200, 400]).toContain((await send(body, "application/x-protobuf")).status);
      }),
      { numRuns: 500 },
    );
    const key = fc.constantFrom(
      "resourceMetrics",
      "scopeMetrics",
      "metrics",
      "name",
      "sum",
      "gauge",
      "histogram",
      "dataPoints",
      "attributes",
      "value",
      "count",
    );
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 8 },
        fc.anything({ maxDepth: 0 }),
        fc.array(tie("tree"), { maxLength: 3 }),
        fc.dictionary(key, tie("tree"), { maxKeys: 4 }),
      ),
    }));
    await fc.assert(
      fc.asyncProperty(tree, async (request) => {
        const text = JSON.stringify(request, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value)) ?? "";
        expect([200, 400]).toContain((await send(new TextEncoder().encode(text))).status);
      }),
      { numRuns: 500 },
    );
  });
});
