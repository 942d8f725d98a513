import fc from "fast-check";
import { TestContext } from "all-use-agent/sdk/testing";
import { type RouteResponse, seriesKey } from "all-use-agent/sdk";
import { describe, expect, it } from "vitest";
import plugin from "./index.ts";
import manifest from "./plugin.json" with { type: "json" };

const NOW = Date.UTC(2026, 0, 5, 12);

function receiver(config = {}) {
  const ctx = new TestContext(manifest as never, { startMs: NOW });
  const collector = plugin(ctx, { max_series: 1000, max_labels: 10, ...config });
  const post = async (text: string | Uint8Array, path = "/api/v1/import/prometheus", type?: string): Promise<RouteResponse> =>
    collector.handle!(
      {
        method: "POST",
        path,
        query: new URLSearchParams(),
        header: (name) => (name === "content-type" ? type : undefined),
        body: () => Promise.resolve(typeof text === "string" ? new TextEncoder().encode(text) : text),
      },
      ctx.signal,
    );
  const rows = () => ctx.emitted.map(({ name, labels, timestampMs, value }) => [seriesKey(name, labels), timestampMs, value]);
  return { ctx, post, rows };
}

describe("import of exposition text", () => {
  it("keeps times in milliseconds, and gives now to samples without one", async () => {
    const { post, rows, ctx } = receiver();
    const answer = await post('# TYPE a counter\n# HELP a What.\na{x="1"} 5 1700000000123\nb 7\n');
    expect(answer).toMatchObject({ status: 204, body: "" });
    expect(rows()).toEqual([
      ['a{x="1"}', 1700000000123, 5],
      ["b", NOW, 7],
    ]);
    expect(ctx.seriesInfo(0)).toMatchObject({ type: "counter", help: "What." });
  });

  it("knows OpenMetrics by its end or its content type: times in seconds", async () => {
    for (const [text, type] of [
      ["a 1 1700000000.123\n# EOF\n", undefined],
      ["a 1 1700000000.123\n", "application/openmetrics-text; version=1.0.0"],
    ] as const) {
      const { post, rows } = receiver();
      expect((await post(text, undefined, type)).status).toBe(204);
      expect(rows()).toEqual([["a", 1700000000123, 1]]);
    }
  });

  it("keeps the good lines of a partly bad body and says where the others are wrong", async () => {
    const { post, rows } = receiver();
    const answer = await post('a 1\nb{x="1 2\nc 3\nd zwei\n');
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body as string)).toEqual({
      status: "error",
      errorType: "bad_data",
      error: expect.stringMatching(
        /^2 samples were kept; 2 lines could not be read: line 2 column \d+: .*; line 4 column 3: "zwei" is not a number$/,
      ) as string,
      taken: 2,
      refused: 0,
      unreadable: 2,
    });
    expect(rows().map(([key]) => key)).toEqual(["a", "c"]);
  });

  it("keeps what stands before a line without end", async () => {
    const { post, rows } = receiver();
    const answer = await post(`a 1\n?\nb{x="${"y".repeat(300_000)}"} 1\nc 3\n`);
    expect(answer.status).toBe(400);
    expect(answer.body).toMatch(/2 lines could not be read.*line 3 has more than/);
    expect(rows().map(([key]) => key)).toEqual(["a"]);
  });

  it("bounds series and labels, and goes on with those it knows", async () => {
    const { post, rows } = receiver({ max_series: 2, max_labels: 1 });
    const answer = await post('a 1\nb{x="1",y="2"} 1\nc 1\nd 1\nd 2\na 2 1700000000000\n');
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body as string)).toMatchObject({ taken: 3, refused: 3, unreadable: 0 });
    expect(answer.body).toMatch(/max_labels.*max_series/);
    expect(rows().map(([key]) => key)).toEqual(["a", "c", "a"]);
    expect((await post("a 3\n")).status).toBe(204);
    // Refused again, with the reason, though it is not asked for again.
    expect((await post("d 4\n")).body).toMatch(/0 samples were kept; 1 sample was refused: .*max_series/);
  });

  it("reads far more than it keeps in memory at once", async () => {
    const { post, ctx } = receiver();
    const lines = Array.from({ length: 50_000 }, (_, i) => `a{n="${i % 100}"} ${i} ${1_700_000_000_000 + i}\n`);
    expect((await post(lines.join(""))).status).toBe(204);
    expect(ctx.emitted.length).toBe(50_000);
    expect(ctx.emitted[49_999]).toMatchObject({ timestampMs: 1_700_000_049_999, value: 49_999 });
  });

  it("answers 503 when nothing can be made safe", async () => {
    const { post, ctx } = receiver();
    ctx.flush = () => Promise.reject(new Error("the disk is full"));
    expect(await post("a 1\n")).toMatchObject({ status: 503, headers: { "Retry-After": "5" } });
  });

  it("answers any bytes", async () => {
    const piece = fc.constantFrom("a", "{", "}", '"', "=", ",", " ", "\n", "1", "# TYPE a ", "\\", "é", "\t", "NaN", "# EOF");
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.uint8Array({ maxLength: 300 }),
          fc.array(piece).map((parts) => parts.join("")),
        ),
        async (body) => {
          const { post } = receiver();
          for (const path of ["/api/v1/import/prometheus", "/api/v1/import"]) {
            const { status, body: said } = await post(body, path);
            expect([204, 400]).toContain(status);
            if (status === 400) expect(said).toMatch(/line \d+ (column|has)|refused/);
          }
        },
      ),
    );
  });
});

describe("import of JSON lines", () => {
  it("reads what VictoriaMetrics exports", async () => {
    const { post, rows } = receiver();
    const line = (metric: object, values: unknown[], timestamps: unknown[]) => JSON.stringify({ metric, values, timestamps });
    const body = [
      line({ __name__: "a", x: "1" }, [1, 2.5, "Infinity"], [1_700_000_000_000, 1_700_000_001_000, 1_700_000_002_000]),
      "",
      line({ __name__: "b" }, [3], [1_700_000_000_000]),
    ].join("\n");
    expect((await post(body, "/api/v1/import")).status).toBe(204);
    expect(rows()).toEqual([
      ['a{x="1"}', 1_700_000_000_000, 1],
      ['a{x="1"}', 1_700_000_001_000, 2.5],
      ['a{x="1"}', 1_700_000_002_000, Infinity],
      ["b", 1_700_000_000_000, 3],
    ]);
  });

  it.each([
    ['{"metric":{"__name__":"a"},"values":[1],"timestamps":[]}', /line 2 column 1: 1 values and 0 timestamps/],
    ['{"metric":{},"values":[1],"timestamps":[1]}', /__name__ is missing/],
    ['{"metric":{"__name__":"a","b":1},"values":[1],"timestamps":[1]}', /\/metric\/b must be text/],
    ['{"metric":{"__name__":"a"},"values":["x"],"timestamps":[1]}', /\/values\/0 is no number/],
    ['{"metric":{"__name__":"a"},"values":[[]],"timestamps":[1]}', /\/values\/0 is no number/],
    ['{"metric":{"__name__":"a"},"values":[1],"timestamps":["1"]}', /\/timestamps\/0/],
    ['{"metric":', /line 2 column \d+/],
    ["[]", /expected/],
    ["null", /expected/],
  ])("says what is wrong with %s and keeps the rest", async (bad, message) => {
    const { post, rows } = receiver();
    const good = '{"metric":{"__name__":"a"},"values":[1],"timestamps":[1700000000000]}';
    const answer = await post(`${good}\n${bad}\n${good}`, "/api/v1/import");
    expect(answer.status).toBe(400);
    expect((JSON.parse(answer.body as string) as { error: string }).error).toMatch(message);
    expect(rows().length).toBe(2);
  });
});
