import fc from "fast-check";
import { TestContext } from "all-use-agent/sdk/testing";
import { AgentError, type RouteResponse, seriesKey } from "all-use-agent/sdk";
import { describe, expect, it } from "vitest";
import plugin from "./index.ts";
import manifest from "./plugin.json" with { type: "json" };

const NOW = Date.UTC(2026, 0, 5, 12);

function receiver(config = {}) {
  const ctx = new TestContext(manifest as never, { startMs: NOW });
  const collector = plugin(ctx, { max_series: 1000, max_labels: 10, ...config });
  const post = async (text: string | Uint8Array | Error, path = "/write", query = ""): Promise<RouteResponse> =>
    collector.handle!(
      {
        method: "POST",
        path,
        query: new URLSearchParams(query),
        header: () => undefined,
        body: () => {
          if (text instanceof Error) return Promise.reject(text);
          return Promise.resolve(typeof text === "string" ? new TextEncoder().encode(text) : text);
        },
      },
      ctx.signal,
    );
  const rows = () => ctx.emitted.map(({ name, labels, timestampMs, value }) => [seriesKey(name, labels), timestampMs, value]);
  return { ctx, post, rows };
}

describe("Influx line protocol", () => {
  it("reads what InfluxDB's reference shows", async () => {
    const { post, rows, ctx } = receiver();
    const answer = await post(String.raw`# a comment
myMeasurement,tag1=value1,tag2=value2 fieldKey="fieldValue" 1556813561098000000
weather,location=us-midwest temperature=82,humidity=71i 1465839830100400200
weather,location=us-midwest value=82
my\ Measurement,tag\ Key1=tag\ Value1,tag\ Key2=tag\ Value2 fieldKey=100u,ok=T,off=false
"quoted",x=\=\, f="a, \"b\" c=1
d",g=-1.5e3   1465839830100
a.b-c,1x=ü value=1,x\=y=2,0=3

`);
    expect(answer).toMatchObject({ status: 204, body: "" });
    expect(rows()).toEqual([
      ['weather_temperature{location="us-midwest"}', 1465839830100, 82],
      ['weather_humidity{location="us-midwest"}', 1465839830100, 71],
      ['weather{location="us-midwest"}', NOW, 82],
      ['my_Measurement_fieldKey{tag_Key1="tag Value1",tag_Key2="tag Value2"}', NOW, 100],
      ['my_Measurement_ok{tag_Key1="tag Value1",tag_Key2="tag Value2"}', NOW, 1],
      ['my_Measurement_off{tag_Key1="tag Value1",tag_Key2="tag Value2"}', NOW, 0],
      ['_quoted__g{x="=,"}', 1465839, -1500],
      ['a_b_c{_1x="ü"}', NOW, 1],
      ['a_b_c_x_y{_1x="ü"}', NOW, 2],
      ['a_b_c_0{_1x="ü"}', NOW, 3],
    ]);
    expect(ctx.seriesInfo(0)).toMatchObject({ type: "gauge", help: "The field temperature of weather." });
  });

  it.each([
    ["", "1465839830100400200", 1465839830100],
    ["ns", "-1500000000000000001", -1500000000001],
    ["n", "5", 0],
    ["u", "1465839830100400", 1465839830100],
    ["us", "1500", 1],
    ["ms", "1465839830100", 1465839830100],
    ["s", "1465839830", 1465839830000],
    ["m", "2", 120_000],
    ["h", "1", 3_600_000],
  ])("reads times of precision %j", async (precision, text, ms) => {
    const { post, rows } = receiver();
    expect((await post(`a value=1 ${text}\n`, "/api/v2/write", `precision=${precision}&bucket=b`)).status).toBe(204);
    expect(rows()).toEqual([["a", ms, 1]]);
  });

  it.each([
    ["cpu", 2, 4, "missing fields"],
    ["cpu ", 2, 5, "missing field key"],
    [",a=1 f=1", 2, 1, "missing measurement"],
    ["cpu,a f=1", 2, 5, "missing tag value"],
    ["cpu,a= f=1", 2, 5, "missing tag value"],
    ["cpu,=b f=1", 2, 5, "missing tag key"],
    ["cpu,a=1,a=2 f=1", 2, 9, "duplicate tags"],
    ["cpu f", 2, 6, "missing field value"],
    ["cpu f=", 2, 7, "missing field value"],
    ["cpu f=1,", 2, 9, "missing field key"],
    ["cpu f=abc", 2, 7, '"abc" is no value'],
    ["cpu f=1.5i", 2, 7, "is no value"],
    ["cpu f=NaN", 2, 7, "is no value"],
    ['cpu f="abc', 2, 7, "unbalanced quotes"],
    ['cpu f="a"b', 2, 10, "nothing may follow"],
    ["cpu f=1 tomorrow", 2, 1, "bad timestamp"],
    ["cpu f=1 1 2", 2, 11, "nothing may follow"],
  ])("says where %j is wrong and keeps the rest", async (bad, line, column, message) => {
    const { post, rows } = receiver();
    const answer = await post(`a value=1\n${bad}\nb value=2\n`);
    expect(answer.status).toBe(400);
    const { error } = JSON.parse(answer.body as string) as { error: string };
    expect(error).toContain(`partial write: line ${line} column ${column}: unable to parse '`);
    expect(error).toContain(message);
    expect(error).toContain("dropped=1");
    expect(rows().map(([key]) => key)).toEqual(["a", "b"]);
  });

  it("answers as the version does that is spoken", async () => {
    const { post } = receiver();
    expect(JSON.parse((await post("cpu")).body as string)).toEqual({ error: expect.stringMatching(/^line 1 /) as string });
    const v2 = await post("cpu", "/api/v2/write");
    expect(JSON.parse(v2.body as string)).toMatchObject({ code: "invalid", message: expect.stringMatching(/^line 1/) as string });
    expect((await post("a value=1", "/write", "precision=days")).body).toContain("invalid precision");
    expect(await post("", "/ping")).toMatchObject({ status: 204, headers: { "X-Influxdb-Version": "1.8.10" } });
    const large = new AgentError("body_too_large", "The body is larger than taken.");
    expect(await post(large, "/api/v2/write")).toMatchObject({
      status: 413,
      body: expect.stringContaining("too large") as string,
    });
  });

  it("says what its limits leave out, and 503 when nothing is safe", async () => {
    const { post, ctx } = receiver({ max_series: 2, max_labels: 1 });
    const answer = await post("a v=1,w=2,x=3\nb,c=1,d=2 value=1\na v=2");
    expect(answer.status).toBe(400);
    expect(answer.body).toMatch(/partial write: .*max_series.*max_labels.*dropped=2/);
    ctx.flush = () => Promise.reject(new Error("full"));
    expect(await post("a v=1")).toMatchObject({ status: 503, headers: { "Retry-After": "5" } });
  });

  it("reads back any series, whatever its names hold", async () => {
    const name = fc.string({ minLength: 1, maxLength: 12 }).filter((text) => !/[\n\r\t\\]/.test(text) && text.trim() === text);
    const escape = (text: string) => text.replace(/([, =])/g, "\\$1");
    await fc.assert(
      fc.asyncProperty(
        name,
        name,
        name,
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        async (measurement, key, tag, value) => {
          fc.pre(!measurement.startsWith("#"));
          const { post, ctx } = receiver();
          const said = await post(`${escape(measurement)},${escape(key)}=${escape(tag)} value=${String(value)} 1000000`);
          expect(said.body).toBe("");
          expect(ctx.emitted).toHaveLength(1);
          expect(Object.values(ctx.emitted[0].labels)).toEqual([tag]);
          expect(ctx.emitted[0].value + 0).toBe(value + 0);
          expect(ctx.emitted[0].timestampMs).toBe(1);
        },
      ),
    );
  });

  it("answers any bytes", async () => {
    const piece = fc.constantFrom("a", ",", "=", " ", "\n", '"', "\\", "1", "i", "#", "\r", "value=1", "é", "\t");
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.uint8Array({ maxLength: 300 }),
          fc.array(piece).map((parts) => parts.join("")),
        ),
        async (body) => {
          const { status, body: said } = await receiver().post(body);
          expect([204, 400]).toContain(status);
          if (status === 400) expect(said).toMatch(/line \d+ column \d+|no metric name/);
        },
      ),
      { numRuns: 500 },
    );
  });
});
