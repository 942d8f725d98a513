import { readFileSync } from "node:fs";
import { type Batch, createBatch, fillConfig, type Labels, type Manifest, type Processor } from "all-use-agent/sdk";
import { TestContext } from "all-use-agent/sdk/testing";
import { beforeEach, expect, test } from "vitest";
import plugin, { type FilterConfig } from "./index.ts";

const manifest = JSON.parse(readFileSync(new URL("plugin.json", import.meta.url), "utf8")) as Manifest;

let ctx: TestContext;

beforeEach(() => {
  ctx = new TestContext(manifest);
});

function start(config: object): Processor {
  const processor = plugin(ctx, fillConfig(manifest.config!, { ...config }) as unknown as FilterConfig);
  void processor.start?.(ctx.signal);
  return processor;
}

const series = (name: string, labels: Labels = {}): number =>
  ctx.foreignSeries({ name, labels, type: "gauge", help: "of the test" });

/** What is left of the values. */
function through(filter: Processor, ...rows: [id: number, timestampMs: number, value: number][]): number[] {
  const batch: Batch = createBatch(rows.length);
  rows.forEach(([id, timestampMs, value], i) => {
    batch.series[i] = id;
    batch.timestamps[i] = timestampMs;
    batch.values[i] = value;
  });
  batch.length = rows.length;
  filter.process(batch);
  return [...batch.values.subarray(0, batch.length)];
}

async function counted(): Promise<Record<string, number>> {
  await ctx.advance(10_000);
  return Object.fromEntries(ctx.emitted.map(({ labels, value }) => [labels["rule"], value]));
}

test("the first rule that fits a series counts, and each counts what it dropped", async () => {
  const filter = start({
    rules: [
      { name: "but this", series: 'a{x="1"}', action: "keep" },
      { name: "no a", series: "a" },
    ],
  });
  const rows = [1, 2, 3].map((value) => [series("a", { x: String(value) }), 1000, value] as [number, number, number]);
  expect(through(filter, ...rows, [series("b"), 1000, 4])).toEqual([1, 4]);
  expect(await counted()).toEqual({ "but this": 0, "no a": 2, default: 0 });
});

test("without a rule nothing is dropped; by a default of drop all but what rules keep", async () => {
  expect(through(start({}), [series("a"), 1, 1])).toEqual([1]);
  const filter = start({ default: "drop", rules: [{ name: "a", series: '{__name__=~"a.*"}', action: "keep" }] });
  expect(through(filter, [series("a1"), 1, 1], [series("b"), 1, 2])).toEqual([1]);
  expect((await counted())["default"]).toBe(1);
});

test("a range keeps what is in it, or drops it; the end of a series passes either way", () => {
  const keep = start({ rules: [{ name: "r", action: "keep", min: 0, max: 10 }] });
  expect(
    through(keep, [series("a"), 1, -1], [series("a"), 2, 0], [series("a"), 3, 10], [series("a"), 4, 11], [series("a"), 5, NaN]),
  ).toEqual([0, 10, NaN]);
  const drop = start({ rules: [{ name: "r", max: 0 }] });
  expect(through(drop, [series("a"), 1, -1], [series("a"), 2, 1], [series("a"), 3, NaN])).toEqual([1, NaN]);
});

test("every third sample of each series is kept, the first one first", () => {
  const filter = start({ rules: [{ name: "r", action: "keep", every: 3 }] });
  const [a, b] = [series("a"), series("b", { far: "away" })];
  const kept = [0, 1, 2, 3, 4, 5, 6].flatMap((i) => through(filter, [a, i, i], [b, i, 10 + i]));
  expect(kept).toEqual([0, 10, 3, 13, 6, 16]);
});

test("the first sample of each interval is kept, whatever the jitter, over sleep, a clock set back and a flood", () => {
  const filter = start({ rules: [{ name: "r", action: "keep", interval_ms: "10s" }] });
  const a = series("a");
  const kept: number[] = [];
  for (let s = 0; s < 60; s++) kept.push(...through(filter, [a, 1_000_000 + s * 1000 + (s % 3), s]));
  expect(kept).toEqual([0, 10, 20, 30, 40, 50]);
  // Slept for an hour, then the clock is set back by two.
  expect(through(filter, [a, 4_660_000, 1], [a, 4_660_500, 2])).toEqual([1]);
  expect(through(filter, [a, 460_000, 3], [a, 461_000, 4])).toEqual([3]);
  let flood = 0;
  for (let i = 0; i < 10_000; i++) flood += through(filter, [a, 470_000 + i / 10, i]).length;
  expect(flood).toBe(1);
});

test("a staleness marker keeps its bits when it moves up", () => {
  const filter = start({ rules: [{ name: "no a", series: "a" }] });
  const batch = createBatch(2);
  batch.series.set([series("a"), series("b")]);
  batch.length = 2;
  const words = new BigUint64Array(batch.values.buffer);
  words[1] = 0x7ff0000000000002n;
  filter.process(batch);
  expect([batch.length, words[0]]).toEqual([1, 0x7ff0000000000002n]);
});

test("a selector that cannot be read is refused with its place", () => {
  expect(() => start({ rules: [{ name: "r", series: "a{" }] })).toThrow(expect.objectContaining({ code: "selector_invalid" }));
});
