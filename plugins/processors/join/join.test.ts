import { readFileSync } from "node:fs";
import { createBatch, fillConfig, type Labels, type Manifest, type Processor, seriesKey } from "all-use-agent/sdk";
import { TestContext } from "all-use-agent/sdk/testing";
import { beforeEach, expect, test } from "vitest";
import plugin, { type JoinPluginConfig } from "./index.ts";

const manifest = JSON.parse(readFileSync(new URL("plugin.json", import.meta.url), "utf8")) as Manifest;
const RATIO = { name: "error_ratio", left: "errors", right: "requests", on: ["host"], expression: "a / b", unit: "ratio" };

let ctx: TestContext;
let join: Processor;

beforeEach(() => {
  ctx = new TestContext(manifest);
});

function start(...joins: object[]): void {
  join = plugin(ctx, fillConfig(manifest.config!, { joins }) as unknown as JoinPluginConfig);
  void join.start?.(ctx.signal);
}

const series = (name: string, labels: Labels = {}): number =>
  ctx.foreignSeries({ name, labels, type: "gauge", help: "of the test" });

function give(...rows: [id: number, timestampMs: number, value: number][]): void {
  const batch = createBatch(rows.length);
  rows.forEach(([id, timestampMs, value], i) => {
    batch.series[i] = id;
    batch.timestamps[i] = timestampMs;
    batch.values[i] = value;
  });
  batch.length = rows.length;
  join.process(batch);
}

const results = (): string[] =>
  ctx.emitted
    .filter(({ name }) => !name.startsWith("alluse_"))
    .map(({ name, labels, timestampMs, value }) => `${seriesKey(name, labels)} ${value}@${timestampMs}`);

async function counts(): Promise<number[]> {
  await ctx.advance(10_000);
  return ctx.emitted
    .filter(({ name }) => name.startsWith("alluse_join"))
    .slice(-3)
    .map(({ value }) => value);
}

test("samples of one time and the same labels are joined, whichever comes first, others are not", async () => {
  start(RATIO);
  const of = (name: string, host: string): number => series(name, { host });
  give(
    [of("errors", "a"), 1000, 1],
    [of("requests", "a"), 1000, 4],
    [of("errors", "b"), 1000, 1],
    [of("requests", "c"), 1000, 2],
  );
  give([of("requests", "a"), 2000, 10]);
  give([of("errors", "a"), 2000, 5], [series("other", { host: "a" }), 2000, 5]);
  expect(results()).toEqual(['error_ratio{host="a"} 0.25@1000', 'error_ratio{host="a"} 0.5@2000']);
  expect(ctx.seriesInfo(ctx.series("error_ratio", { host: "a" }))).toMatchObject({ unit: "ratio", type: "gauge" });
  expect(await counts()).toEqual([2, 1, 1]);
});

test("within the tolerance the nearest counts", () => {
  start({ ...RATIO, tolerance_ms: "500ms", expression: "a * 1000 + b" });
  const [e, r] = [series("errors"), series("requests")];
  give([r, 600, 1], [r, 1100, 2], [r, 1450, 3], [e, 1000, 7], [e, 2000, 8]);
  expect(results()).toEqual(["error_ratio 7002@1000"]);
  give([r, 2400, 4]);
  expect(results()[1]).toBe("error_ratio 8004@2000");
});

test("many series of the left share one of the right and keep their labels", () => {
  start(RATIO);
  give([series("errors", { host: "a", code: "500" }), 1, 1], [series("errors", { host: "a", code: "404" }), 1, 2]);
  give([series("requests", { host: "a" }), 1, 4]);
  expect(results()).toEqual(['error_ratio{code="500",host="a"} 0.25@1', 'error_ratio{code="404",host="a"} 0.5@1']);
});

test("the late side is waited for, not for ever, and what waits is bounded in a flood", async () => {
  start(RATIO);
  const [e, r] = [series("errors"), series("requests")];
  give([e, 1000, 1]);
  await ctx.advance(4000);
  give([r, 1000, 2]);
  give([e, 2000, 1]);
  await ctx.advance(6000);
  give([r, 2000, 2]);
  expect(results()).toEqual(["error_ratio 0.5@1000"]);
  for (let i = 0; i < 1000; i++) give([e, 10_000 + i, 1]);
  for (let i = 0; i < 1000; i++) give([r, 10_000 + i, 2]);
  expect(results().length).toBe(1 + 32);
  const [joined, left] = await counts();
  expect([joined, left]).toEqual([33, 1 + 968]);
});

test("late and disordered samples, and a clock that is set, make no difference", () => {
  start(RATIO);
  const [e, r] = [series("errors"), series("requests")];
  ctx.clock.step(-3_600_000);
  give([e, 3000, 3], [e, 1000, 1], [e, 2000, 2]);
  ctx.clock.step(7_200_000);
  give([r, 2000, 1], [r, 3000, 1], [r, 1000, 1]);
  expect(results()).toEqual(["error_ratio 2@2000", "error_ratio 3@3000", "error_ratio 1@1000"]);
});

test("what is no number is not emitted, and no end of a series is computed with", async () => {
  start(RATIO);
  give([series("errors"), 1, 0], [series("requests"), 1, 0], [series("errors"), 2, NaN], [series("requests"), 2, 1]);
  expect(results()).toEqual([]);
  expect((await counts())[0]).toBe(1);
});

test("what a join makes is a side of other joins, never of its own", () => {
  start(RATIO, { name: "doubled", left: "error_ratio", right: "error_ratio", expression: "a + b" });
  give([series("errors"), 1, 1], [series("requests"), 1, 2]);
  give([series("error_ratio"), 1, 0.5]);
  expect(results()).toEqual(["error_ratio 0.5@1", "doubled 1@1"]);
  start({ name: "loop", left: '{__name__=~".*"}', right: '{__name__=~".*"}', expression: "a + b" });
  give([series("loop"), 1, 1]);
  expect(results().length).toBe(2);
});

test.each([
  [{ ...RATIO, left: "{" }, "selector_invalid"],
  [{ ...RATIO, expression: "a / c" }, "expression_invalid"],
])("%j is refused", (bad, code) => {
  expect(() => start(bad)).toThrow(expect.objectContaining({ code }));
});
