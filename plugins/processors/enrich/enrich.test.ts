import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { AgentError, createBatch, fillConfig, type Labels, type Manifest, type Processor, seriesKey } from "all-use-agent/sdk";
import { TestContext } from "all-use-agent/sdk/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import plugin, { type EnrichConfig } from "./index.ts";
import { parseTable } from "./parse-table.ts";

const manifest = JSON.parse(readFileSync(new URL("plugin.json", import.meta.url), "utf8")) as Manifest;

let ctx: TestContext;
let enrich: Processor;
let folder: string;

beforeEach(async () => {
  ctx = new TestContext(manifest);
  folder = await mkdtemp(join(tmpdir(), "alluse-enrich-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function start(config: object): Promise<void> {
  enrich = plugin(ctx, fillConfig(manifest.config!, { ...config }) as unknown as EnrichConfig);
  await enrich.start?.(ctx.signal);
}

const series = (name: string, labels: Labels = {}): number =>
  ctx.foreignSeries({ name, labels, type: "counter", unit: "bytes", help: "of the test" });

function through(...rows: [id: number, value: number][]): string[] {
  const batch = createBatch(rows.length);
  rows.forEach(([id, value], i) => {
    batch.series[i] = id;
    batch.values[i] = value;
  });
  batch.length = rows.length;
  enrich.process(batch);
  return Array.from(batch.series.subarray(0, batch.length), (id) => {
    const { name, labels } = ctx.seriesInfo(id);
    return seriesKey(name, labels);
  });
}

describe("a table", () => {
  test("gives the columns of the row that fits, keeps what a series has, and leaves others alone", async () => {
    const file = join(folder, "machines.csv");
    await writeFile(file, 'host,rack,owner\r\na,r1,"Ops, north"\nb,r2,\na,r9,twice\n');
    await start({ tables: [{ file, on: ["host"], to: '{host!=""}' }] });
    expect(
      through(
        [series("x", { host: "a" }), 1],
        [series("x", { host: "b", owner: "me" }), 1],
        [series("x", { host: "c" }), 1],
        [series("x"), 1],
      ),
    ).toEqual(['x{host="a",owner="Ops, north",rack="r1"}', 'x{host="b",owner="me",rack="r2"}', 'x{host="c"}', "x"]);
    expect(ctx.seriesInfo(ctx.series("x", { host: "a", owner: "Ops, north", rack: "r1" }))).toMatchObject({
      type: "counter",
      unit: "bytes",
      help: "of the test",
    });
  });

  test("may be JSON, of which some columns are taken, and may overwrite", async () => {
    const file = join(folder, "machines.json");
    await writeFile(file, JSON.stringify([{ host: "a", rack: 7, owner: "x", none: null }]));
    await start({ tables: [{ file, on: ["host"], labels: ["rack", "missing"] }], overwrite: true });
    expect(through([series("x", { host: "a", rack: "old" }), 1])).toEqual(['x{host="a",rack="7"}']);
  });

  test("that changes counts from the next look on; one that is broken meanwhile does not", async () => {
    const file = join(folder, "machines.csv");
    await start({ tables: [{ file, on: ["host"] }] });
    expect(ctx.states.at(-1)).toMatchObject({ state: "degraded" });
    const x = series("x", { host: "a" });
    expect(through([x, 1])).toEqual(['x{host="a"}']);
    await writeFile(file, "host,rack\na,r1\n");
    await ctx.advance(10_000);
    expect(through([x, 1])).toEqual(['x{host="a",rack="r1"}']);
    expect(ctx.states.at(-1)).toMatchObject({ state: "ok" });
    await writeFile(file, "host,rack\na,r2,and more\n");
    await ctx.advance(10_000);
    expect(through([x, 1])).toEqual(['x{host="a",rack="r1"}']);
    expect(ctx.states.at(-1)?.reason).toContain("line 2");
    await writeFile(file, "host,rack\na,r3 and so on\n");
    await ctx.advance(10_000);
    expect(through([x, 1])).toEqual(['x{host="a",rack="r3 and so on"}']);
    expect(ctx.emitted.map(({ value }) => value)).toEqual([1, -1, 1]);
  });

  test.each([
    ["", "line 1"],
    ["a,a\n", "line 1"],
    ["a,b\n1\n", "line 2"],
    ['a,b\n"1\n2",3\n4\n', "line 4"],
    ['a\n1"2\n', "line 2"],
    ['a\n"12\n', "line 2"],
    [`a\n${"x".repeat(5000)}\n`, "line 2"],
  ])("of CSV that is none, %j, says where", (text, where) => {
    expect(() => parseTable(text, "csv")).toThrow(expect.objectContaining({ code: "table_invalid", where }));
  });

  test.each(["{", "{}", "[1]", '[{"a":{}}]'])("of JSON that is none, %s, is refused", (text) => {
    expect(() => parseTable(text, "json")).toThrow(expect.objectContaining({ code: "table_invalid" }));
  });

  test("of any text is read or refused", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[ab,"\r\n{}[\]:1]*$/), fc.constantFrom("csv" as const, "json" as const), (text, format) => {
        try {
          parseTable(text, format);
        } catch (error) {
          expect(error).toBeInstanceOf(AgentError);
        }
      }),
    );
    expect(() => parseTable(`a\n${"1\n".repeat(100_001)}`, "csv")).toThrow(/more than 100000 rows/);
  });
});

describe("another series", () => {
  test("gives its labels to those of equal labels, also in the batch with which it comes first", async () => {
    await start({ series: [{ from: "node_uname_info", to: '{__name__=~"node_.+"}', on: ["instance"], labels: ["nodename"] }] });
    const info = (instance: string, nodename: string): number => series("node_uname_info", { instance, nodename, release: "6" });
    expect(
      through(
        [series("node_load1", { instance: "a" }), 1],
        [info("a", "alpha"), 1],
        [series("node_load1", { instance: "b" }), 1],
        [series("up"), 1],
      ),
    ).toEqual([
      'node_load1{instance="a",nodename="alpha"}',
      'node_uname_info{instance="a",nodename="alpha",release="6"}',
      'node_load1{instance="b"}',
      "up",
    ]);
    await ctx.advance(1000);
    expect(through([info("b", "beta"), 1], [series("node_load1", { instance: "b" }), 1])[1]).toBe(
      'node_load1{instance="b",nodename="beta"}',
    );
  });

  test("that changes often makes all be looked at anew once a second at most", async () => {
    await start({ series: [{ from: "info", to: "x", labels: ["v"] }] });
    const x = series("x");
    through([series("info", { v: "1" }), 1], [x, 1]);
    expect(through([series("info", { v: "2" }), 1], [x, 1])[1]).toBe('x{v="1"}');
    await ctx.advance(1000);
    expect(through([x, 1])).toEqual(['x{v="2"}']);
    await ctx.advance(1000);
    expect(through([series("info", { v: "1" }), 1], [x, 1])[1]).toBe('x{v="1"}');
  });

  test("gives its value, which may change", async () => {
    await start({ series: [{ from: "version", to: "x", value_label: "version" }] });
    const [version, x] = [series("version"), series("x")];
    expect(through([version, 3], [x, 1])).toEqual(["version", 'x{version="3"}']);
    await ctx.advance(1000);
    expect(through([version, 4], [x, 1])).toEqual(["version", 'x{version="4"}']);
    await ctx.advance(1000);
    expect(through([version, NaN], [x, 1])).toEqual(["version", 'x{version="4"}']);
  });
});

test("a series for which there is no room stays as it is, and that is said once", async () => {
  await start({ series: [{ from: "info", to: '{__name__=~"x|y"}', labels: ["v"] }] });
  ctx.series = () => {
    throw new Error("no room");
  };
  expect(through([series("info", { v: "1" }), 1], [series("x"), 1], [series("y"), 1]).slice(1)).toEqual(["x", "y"]);
  expect(ctx.logs.length).toBe(1);
});
