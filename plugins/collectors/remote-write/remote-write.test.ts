import { describe, expect, it } from "vitest";
import { bytesField, compressed, histogram, numberField, type Sent, writeV1, writeV2 } from "./testdata/encode.ts";
import { bits, receiving } from "./testdata/receive.ts";

const T = 1_767_614_400_000;
const STALE = 0x7ff0000000000002n;

const UP: Sent = { labels: ["__name__", "up", "job", "a"], samples: [[T, 1]] };

describe.each(["v1", "v2"] as const)("remote write %s", (version) => {
  const write = version === "v1" ? (series: readonly Sent[]) => writeV1(series) : writeV2;

  it("hands samples on with their bits, their times and their labels, zeros and stale markers among them", async () => {
    const { ctx, [version]: send } = receiving();
    const series: Sent[] = [
      UP,
      {
        labels: ["__name__", "http_requests_total", "code", "200", "empty", ""],
        samples: [
          [T, 0],
          [T + 1, 0.1 + 0.2],
          [T + 2, -0],
        ],
      },
      {
        labels: ["__name__", "gone"],
        samples: [
          [T, STALE],
          [T + 1, -Infinity],
          [-5, NaN],
        ],
      },
    ];
    const answer = await send(write(series));
    expect(answer.status).toBe(204);
    const rows = (one: string[]): string[] => one.sort();
    const expected = [
      `up{job=a} ${T} ${bits(1)}`,
      `http_requests_total{code=200} ${T} 0`,
      `http_requests_total{code=200} ${T + 1} ${bits(0.1 + 0.2)}`,
      `http_requests_total{code=200} ${T + 2} 0`,
      `gone{} ${T} ${STALE.toString(16)}`,
      `gone{} ${T + 1} ${bits(-Infinity)}`,
      `gone{} -5 ${bits(NaN)}`,
    ];
    expect(rows([...ctx.rows])).toEqual(rows(expected));
    // The same series again, other ones between, one gone: known by their bytes.
    ctx.rows.length = 0;
    await send(write([{ ...UP, labels: ["__name__", "up", "job", "b"] }, series[2], UP]));
    expect(rows([...ctx.rows])).toEqual(
      rows([`up{job=a} ${T} ${bits(1)}`, `up{job=b} ${T} ${bits(1)}`, ...expected.filter((row) => row.startsWith("gone"))]),
    );
  });

  it("makes a batch of each time, ascending, and rows of what has no tick", async () => {
    const { ctx, [version]: send } = receiving();
    const series = Array.from({ length: 20 }, (_, i): Sent => {
      const samples = Array.from({ length: 10 }, (_, k) => [T + k * 1000, i * 10 + k] as const);
      return { labels: ["__name__", "m", "i", String(i)], samples: i === 3 ? samples.toReversed() : samples };
    });
    await send(write([...series, { labels: ["__name__", "odd"], samples: [[T + 7, 1]] }]));
    expect(ctx.batches).toEqual([...Array<number>(10).fill(20), 1]);
    const times = ctx.emitted.slice(0, 200).map(({ timestampMs }) => timestampMs);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    for (const { name, labels, timestampMs, value } of ctx.emitted)
      if (name === "m") expect(value).toBe(Number(labels.i) * 10 + (timestampMs - T) / 1000);
  });

  it("takes a backfill of one series, and of many times, in rows", async () => {
    const { ctx, [version]: send } = receiving();
    const samples = Array.from({ length: 5000 }, (_, k) => [T + k, k + 1] as const);
    expect((await send(write([{ labels: ["__name__", "old"], samples }]))).status).toBe(204);
    expect(ctx.emitted).toHaveLength(5000);
    expect(ctx.batches).toHaveLength(1);
    for (const { timestampMs, value } of ctx.emitted) expect(value).toBe(timestampMs - T + 1);
  });

  it("keeps the later of two samples at one time the later", async () => {
    const { ctx, [version]: send } = receiving();
    const twice: Sent = {
      labels: ["__name__", "twice"],
      samples: [
        [T, 1],
        [T, 2],
      ],
    };
    await send(write([twice, { labels: ["__name__", "twice"], samples: [[T, 3]] }]));
    expect(ctx.emitted.map(({ value }) => value)).toEqual([1, 2, 3]);
  });

  it.each([
    ["a label twice", ["__name__", "a", "x", "1", "x", "1"], 'its label "x" stands twice'],
    ["__name__ twice", ["__name__", "a", "__name__", "b"], 'its label "__name__" stands twice'],
    ["no name", ["job", "a"], "its label __name__ is missing"],
    ["an empty name", ["__name__", "", "job", "a"], "its label __name__ is missing"],
    ["a label without a name", ["__name__", "a", "", "x"], "a label without a name"],
    ["too many labels", ["__name__", "a", ...Array.from({ length: 128 }, (_, i) => `l${i}`)], "65 labels"],
    ["a long label", ["__name__", "a", "x", "y".repeat(5000)], "longer than"],
    ["labels without end", ["__name__", "a", ...Array.from({ length: 40_000 }, (_, i) => `l${i}`)], ""],
  ])("refuses a series with %s, keeps the others, and says both", async (_, labels, reason) => {
    const { ctx, [version]: send } = receiving();
    for (let again = 0; again < 2; again++) {
      const answer = await send(
        write([
          UP,
          {
            labels,
            samples: [
              [T, 1],
              [T + 1, 2],
            ],
          },
          { ...UP, labels: ["__name__", "z"] },
        ]),
      );
      expect(answer.status).toBe(400);
      expect(answer.body).toMatch(/^2 samples were refused and 2 kept; series 2: .*\.\n$/);
      expect(answer.body).toContain(reason);
      if (version === "v2") expect(answer.headers).toMatchObject({ "X-Prometheus-Remote-Write-Samples-Written": "2" });
    }
    expect(ctx.emitted.map(({ name }) => name)).toEqual(["up", "z", "up", "z"]);
  });

  it("takes labels in any order, escapes names that are not classic, drops empty values", async () => {
    const { ctx, [version]: send } = receiving();
    const name = "http.server.duration_ms";
    await send(
      write([
        { labels: ["zone", "a", "__name__", name, "k8s.pod", "x", "__replica__", "r", "ä", "ö", "no", ""], samples: [[T, 1]] },
      ]),
    );
    expect(ctx.emitted[0]).toMatchObject({
      name: "U__http_2e_server_2e_duration__ms",
      labels: { zone: "a", U__k8s_2e_pod: "x", U______replica____: "r", U___e4_: "ö" },
    });
    expect(Object.keys(ctx.emitted[0].labels)).toHaveLength(4);
  });

  it("refuses series beyond the limit, not the ones it has", async () => {
    const { ctx, [version]: send } = receiving({ max_series: 2 });
    await send(write([UP, { ...UP, labels: ["__name__", "b"] }]));
    const answer = await send(write([{ ...UP, labels: ["__name__", "c"] }, UP]));
    expect(answer.status).toBe(400);
    expect(answer.body).toContain("1 samples were refused and 1 kept; series 1: c would be one series more than the 2");
    expect(ctx.emitted.map(({ name }) => name)).toEqual(["up", "b", "up"]);
  });

  it("refuses more than a request may hold before anything of it is kept", async () => {
    const { ctx, [version]: send } = receiving({ max_series_per_request: 2, max_samples_per_request: 3, max_body_bytes: 4096 });
    expect((await send(write([UP, UP, UP]))).status).toBe(413);
    const samples = Array.from({ length: 4 }, (_, i) => [T + i, 1] as const);
    expect((await send(write([{ ...UP, samples }]))).status).toBe(413);
    expect((await send(write([{ labels: ["__name__", "a", "b", "c".repeat(4000)], samples: [[T, 1]] }, UP]))).status).toBe(204);
    expect((await send(write([{ labels: ["__name__", "a".repeat(5000)] }]))).status).toBe(413);
    expect(ctx.emitted.map(({ name }) => name)).toEqual(["a", "up"]);
  });

  it("says how many samples storage would not take for their time", async () => {
    const { ctx, [version]: send } = receiving();
    ctx.oldestMs = T;
    const answer = await send(write([UP, { ...UP, labels: ["__name__", "old"], samples: [[T - 1, 1]] }]));
    expect(answer.status).toBe(400);
    expect(answer.body).toContain("1 samples were refused and 1 kept; their times are older than what is kept");
  });

  it("asks to be sent again what is not durable", async () => {
    const { ctx, [version]: send } = receiving();
    ctx.flushFails = new Error("no space left");
    expect(await send(write([UP]))).toMatchObject({
      status: 503,
      body: "Nothing of it is safe yet: no space left\n",
      headers: { "Retry-After": "5" },
    });
  });

  it("refuses a damaged message whole, naming the byte", async () => {
    const { ctx, [version]: send } = receiving();
    const whole = write([UP, { labels: ["__name__", "b"], samples: [[T, 1]] }]);
    const answer = await send(whole.subarray(0, whole.length - 3));
    expect(answer.status).toBe(400);
    expect(answer.body).toMatch(/^The protobuf message cannot be read at byte \d+: .*\.\n$/);
    expect(ctx.emitted).toEqual([]);
  });

  it("keeps native histograms as classic ones", async () => {
    const { ctx, [version]: send } = receiving();
    const labels = ["__name__", "latency_seconds", "job", "a"];
    const exponential = histogram({
      timeMs: T,
      count: 21,
      sum: 12.5,
      schema: 0,
      zeroThreshold: 0.001,
      zeroCount: 2,
      negative: [{ offset: 1, counts: [4, 1] }],
      positive: [
        { offset: -1, counts: [3, 5] },
        { offset: 2, counts: [6] },
      ],
    });
    const custom = histogram({
      timeMs: T,
      count: 6,
      sum: 3,
      schema: -53,
      positive: [
        { offset: 0, counts: [1] },
        { offset: 1, counts: [2, 3] },
      ],
      customBounds: [0.1, 0.5, 2.5],
    });
    const answer = await send(
      write([
        { labels, histograms: [exponential] },
        { labels: ["__name__", "custom"], histograms: [custom] },
      ]),
    );
    expect(answer.status).toBe(204);
    if (version === "v2") expect(answer.headers).toMatchObject({ "X-Prometheus-Remote-Write-Histograms-Written": "2" });
    const found = ctx.emitted.map(({ name, labels: { le }, value }) => `${name}${le === undefined ? "" : ` ${le}`}: ${value}`);
    expect(found.filter((row) => row.startsWith("latency"))).toEqual([
      "latency_seconds_bucket -2: 1",
      "latency_seconds_bucket -1: 5",
      "latency_seconds_bucket 0.001: 7",
      "latency_seconds_bucket 0.5: 10",
      "latency_seconds_bucket 1: 15",
      "latency_seconds_bucket 8: 21",
      "latency_seconds_bucket +Inf: 21",
      "latency_seconds_sum: 12.5",
      "latency_seconds_count: 21",
    ]);
    expect(found.filter((row) => row.startsWith("custom"))).toEqual([
      "custom_bucket 0.1: 1",
      "custom_bucket 0.5: 1",
      "custom_bucket 2.5: 3",
      "custom_bucket +Inf: 6",
      "custom_sum: 3",
      "custom_count: 6",
    ]);
    ctx.rows.length = 0;
    await send(write([{ labels, histograms: [histogram({ timeMs: T + 1, count: 0, sum: STALE, schema: 0 })] }]));
    expect(ctx.rows).toHaveLength(9);
    for (const row of ctx.rows) expect(row).toMatch(new RegExp(`${T + 1} ${STALE.toString(16)}$`));
  });

  it("refuses a histogram that contradicts itself and keeps what stands beside it", async () => {
    const { ctx, [version]: send } = receiving();
    const sent = histogram({ timeMs: T, count: 1, sum: 1, schema: 0, positive: [{ offset: 0, counts: [1] }] });
    const extra = Buffer.concat([sent, bytesField(11, Buffer.concat([numberField(2, 1_000_000_000)]))]);
    const answer = await send(write([{ labels: ["__name__", "h"], histograms: [extra] }, UP]));
    expect(answer.status).toBe(400);
    expect(answer.body).toContain("1 samples were refused and 1 kept; series 1:");
    expect(ctx.emitted.map(({ name }) => name)).toEqual(["up"]);
  });

  it("passes over exemplars", async () => {
    const { ctx, [version]: send } = receiving();
    const answer = await send(write([{ ...UP, exemplars: 3 }]));
    expect(answer.status).toBe(204);
    if (version === "v2") expect(answer.headers).toMatchObject({ "X-Prometheus-Remote-Write-Exemplars-Written": "0" });
    expect(ctx.emitted).toHaveLength(1);
  });
});

describe("what senders say of metrics", () => {
  it("is taken from 1.0, for series that come after it, and kept over a restart", async () => {
    const { ctx, v1, plugin } = receiving();
    await v1(writeV1([], [{ family: "lag", type: 1, help: "How far behind.", unit: "seconds" }]));
    await v1(writeV1([{ ...UP, labels: ["__name__", "lag"] }, { ...UP, labels: ["__name__", "x_total"] }, UP]));
    expect(ctx.seriesInfo(ctx.series("lag"))).toMatchObject({ type: "counter", help: "How far behind.", unit: "seconds" });
    expect(ctx.seriesInfo(ctx.series("x_total"))).toMatchObject({ type: "counter", help: "" });
    const snapshot = await plugin.snapshot!();
    const next = receiving();
    next.plugin.restore!(snapshot);
    await next.v1(writeV1([{ ...UP, labels: ["__name__", "lag_count"] }]));
    expect(next.ctx.seriesInfo(0)).toMatchObject({ type: "counter", help: "How far behind." });
  });

  it("is taken from 2.0 with each series", async () => {
    const { ctx, v2 } = receiving();
    await v2(
      writeV2([
        { labels: ["__name__", "h_bucket", "le", "1"], samples: [[T, 1]], metadata: { type: 3, help: "H.", unit: "seconds" } },
      ]),
    );
    expect(ctx.seriesInfo(0)).toMatchObject({ type: "histogram", help: "H.", unit: "seconds" });
  });
});

describe("what is said by headers", () => {
  const body = compressed(writeV1([UP]));

  it.each([
    [{}, 204],
    [{ "content-type": "application/x-protobuf" }, 204],
    [{ "content-type": 'Application/X-Protobuf; proto="prometheus.WriteRequest"', "content-encoding": "SNAPPY" }, 204],
    [{ "content-type": "application/x-protobuf;proto=io.prometheus.write.v3.Request" }, 415],
    [{ "content-type": "application/json" }, 415],
    [{ "content-encoding": "zstd" }, 415],
    [{ "content-encoding": "gzip" }, 415],
  ])("%j is answered %i", async (headers, status) => {
    const answer = await receiving().send(body, headers);
    expect(answer.status).toBe(status);
    if (status === 415) expect(answer.body).toMatch(/^The .* send .*\.\n$/);
  });

  it("asks to come again while as many requests as may be are under way", async () => {
    const { plugin, ctx, v1 } = receiving({ max_requests: 1 });
    let release: (body: Uint8Array) => void = () => {};
    const slow = plugin.handle!(
      {
        method: "POST",
        path: "/api/v1/write",
        query: new URLSearchParams(),
        header: () => undefined,
        body: () => new Promise((resolve) => (release = resolve)),
      },
      ctx.signal,
    );
    expect(await v1(writeV1([UP]))).toMatchObject({ status: 503, headers: { "Retry-After": "5" } });
    release(body);
    expect((await slow).status).toBe(204);
    expect((await v1(writeV1([UP]))).status).toBe(204);
  });
});
