/** What the processor says of samples that it keeps: repetitions, declared types and limits, completeness, scores. */
import { readFileSync } from "node:fs";
import {
  type Batch,
  createBatch,
  fillConfig,
  type Labels,
  type Manifest,
  type Processor,
  type SeriesInfo,
} from "all-use-agent/sdk";
import { TestContext } from "all-use-agent/sdk/testing";
import { beforeEach, describe, expect, test } from "vitest";
import plugin, { type QualityConfig } from "./index.ts";

const manifest = JSON.parse(readFileSync(new URL("plugin.json", import.meta.url), "utf8")) as Manifest;

let ctx: TestContext;
let quality: Processor;

beforeEach(() => {
  ctx = new TestContext(manifest);
});

function start(config: object = {}): void {
  quality = plugin(ctx, fillConfig(manifest.config!, { ...config }) as unknown as QualityConfig);
  void quality.start?.(ctx.signal);
}

function series(name: string, more: Partial<SeriesInfo> = {}): number {
  return ctx.foreignSeries({ name, labels: {}, type: "gauge", help: "of the test", owner: "collectors/test", ...more });
}

/** The values that are left. */
function give(rows: readonly [id: number, timestampMs: number, value: number][], backdated = false): number[] {
  const batch: Batch = createBatch(rows.length);
  rows.forEach(([id, timestampMs, value], i) => {
    batch.series[i] = id;
    batch.timestamps[i] = timestampMs;
    batch.values[i] = value;
  });
  batch.length = rows.length;
  batch.backdated = backdated;
  quality.process(batch);
  return [...batch.values.subarray(0, batch.length)];
}

/** The newest value of each series of a metric, by one of its labels. */
function newest(metric: string, label: string, match: Labels = {}): Record<string, number> {
  return Object.fromEntries(
    ctx.emitted
      .filter(({ name, labels }) => name === metric && Object.entries(match).every(([key, value]) => labels[key] === value))
      .map(({ labels, value }) => [labels[label], value]),
  );
}

const components = (source = "collectors/test"): Record<string, number> =>
  newest("alluse_quality_component_ratio", "component", { source });
const score = (source = "collectors/test"): number | undefined => newest("alluse_quality_score", "source")[source];
const violations = (): Record<string, number> => newest("alluse_quality_violations_total", "check");

/** A tick a second of some series; `skip` says which ticks do not come. */
async function run(ids: readonly number[], seconds: number, skip: (tick: number) => boolean = () => false): Promise<void> {
  for (let i = 0; i < seconds; i++) {
    await ctx.advance(1000);
    if (!skip(i)) give(ids.map((id) => [id, ctx.clock.now() + 3, i]));
  }
}

test("what was received is kept as it is, no numbers too", () => {
  start();
  const id = series("received");
  const nowMs = ctx.clock.now();
  expect(
    give(
      [
        [id, nowMs, NaN],
        [id, nowMs + 1, -Infinity],
      ],
      true,
    ),
  ).toEqual([NaN, -Infinity]);
  expect(
    give([
      [id, nowMs + 2, NaN],
      [id, nowMs + 3, -Infinity],
    ]),
  ).toEqual([]);
});

describe("what is sent twice", () => {
  const body = (ids: readonly number[], fromMs: number, ticks: number): [number, number, number][] =>
    ids.flatMap((id) =>
      Array.from({ length: ticks }, (_, i) => [id, fromMs + i * 1000, id * 100 + i] as [number, number, number]),
    );

  test("a request of ten ticks that is repeated is dropped whole, one that overlaps in part", async () => {
    start();
    const ids = [series("a"), series("b")];
    const nowMs = ctx.clock.now() - 60_000;
    expect(give(body(ids, nowMs, 10), true).length).toBe(20);
    expect(give(body(ids, nowMs, 10), true)).toEqual([]);
    expect(give(body(ids, nowMs, 10), true)).toEqual([]);
    const overlap = body(ids, nowMs, 15);
    expect(give(overlap, true).length).toBe(10);
    expect(give(body(ids, nowMs + 5000, 10), true).length).toBe(20);
    await ctx.advance(10_000);
    expect(newest("alluse_quality_dropped_samples_total", "reason")["duplicate"]).toBe(60);
    expect(components()["uniqueness"]).toBeLessThan(0.6);
  });

  test("late samples pass once, in any order", () => {
    start();
    const a = series("a");
    const t = ctx.clock.now();
    expect(give([[a, t, 5]], true)).toEqual([5]);
    expect(
      give(
        [
          [a, t - 3000, 2],
          [a, t - 1000, 4],
          [a, t - 3000, 2],
          [a, t - 2000, 3],
        ],
        true,
      ),
    ).toEqual([2, 4, 3]);
    expect(
      give(
        [
          [a, t - 1000, 4],
          [a, t, 5],
        ],
        true,
      ),
    ).toEqual([]);
  });

  test("another value at a known time is a correction, and its repetition is one", () => {
    start();
    const a = series("a");
    const t = ctx.clock.now();
    give(
      [
        [a, t, 1],
        [a, t + 1000, 2],
      ],
      true,
    );
    expect(
      give(
        [
          [a, t, 7],
          [a, t + 1000, 8],
        ],
        true,
      ),
    ).toEqual([7, 8]);
    expect(
      give(
        [
          [a, t, 7],
          [a, t + 1000, 8],
        ],
        true,
      ),
    ).toEqual([]);
  });

  test("what is too long ago to be known is left to the store", () => {
    start();
    const a = series("a");
    const t = ctx.clock.now() - 200_000;
    give(body([a], t, 100), true);
    expect(give(body([a], t, 10), true).length).toBe(10);
  });

  test("many series take bounded memory", () => {
    start();
    const ids = Array.from({ length: 20_000 }, (_, i) => series("many", { labels: { i: String(i) } }));
    const t = ctx.clock.now();
    const rows = ids.map((id) => [id, t, 1] as [number, number, number]);
    expect(give(rows, true).length).toBe(20_000);
    expect(give(rows, true).length).toBe(20_000 - 16_384);
  });
});

describe("what a series is declared to be", () => {
  test("counters below zero or counted back, ratios and states outside theirs are counted, and kept", async () => {
    start();
    const t = ctx.clock.now();
    const counter = series("c_total", { type: "counter" });
    const ratio = series("r", { unit: "ratio" });
    const state = series("s", { type: "state" });
    const rows: [number, number, number][] = [
      [counter, t, 100],
      [counter, t + 1, 99],
      [counter, t + 2, 3],
      [counter, t + 3, -1],
      [ratio, t, 0],
      [ratio, t + 1, 1],
      [ratio, t + 2, 1.5],
      [state, t, 1],
      [state, t + 1, 2],
    ];
    expect(give(rows).length).toBe(rows.length);
    await ctx.advance(10_000);
    expect(violations()).toMatchObject({ decreased_counter: 1, negative_counter: 1, ratio: 1, state: 1 });
    expect(components()["validity"]).toBeCloseTo(5 / 9, 9);
  });

  test("limits of the operator's are counted or dropped", async () => {
    start({
      rules: [
        { series: "t", min: -40, max: 60, max_rate_per_s: 5, action: "drop" },
        { series: "h", max: 100, max_rate_per_s: 10 },
      ],
    });
    const [t, h] = [series("t"), series("h")];
    const at = ctx.clock.now();
    expect(
      give([
        [t, at, 20],
        [t, at + 1000, 90],
        [t, at + 2000, 22],
        [h, at, 50],
        [h, at + 1000, 101],
        [h, at + 2000, 40],
      ]),
    ).toEqual([20, 50, 101, 40]);
    await ctx.advance(10_000);
    expect(newest("alluse_quality_dropped_samples_total", "reason")).toMatchObject({ range: 1, rate: 1 });
    expect(violations()).toMatchObject({ range: 1, rate: 1 });
  });
});

describe("completeness and score", () => {
  test("a source that sends all that is due has the score 1", async () => {
    start();
    await run([series("a"), series("b")], 60);
    expect(score()).toBe(1);
    expect(components()).toEqual({ completeness: 1, validity: 1, uniqueness: 1, order: 1 });
  });

  test("a source that stalls loses its score, and gets it back when it goes on", async () => {
    start();
    const ids = [series("a"), series("b")];
    await run(ids, 60);
    await run(ids, 40, () => true);
    expect(score()).toBeLessThan(0.8);
    await run(ids, 300, () => true);
    expect(score()).toBeLessThan(0.5);
    await run(ids, 600);
    expect(score()).toBeGreaterThan(0.98);
  });

  test("samples left out show, those of one series as its part of all", async () => {
    start();
    const [a, b, c, d] = [series("a"), series("b"), series("c"), series("d")];
    await run([a, b, c, d], 60);
    for (let i = 0; i < 60; i++) await run(i % 5 === 0 ? [a, b, c] : [a, b, c, d], 1);
    const { completeness } = components();
    expect(completeness).toBeGreaterThan(0.9);
    expect(completeness).toBeLessThan(0.98);
  });

  test("sleep that is noted, clocks that are set and a new interval are no fault of the source's", async () => {
    start();
    const ids = [series("a")];
    await run(ids, 60);
    const fromMs = ctx.clock.now();
    ctx.clock.step(3_600_000);
    ctx.deliver("gap", { fromMs, toMs: ctx.clock.now(), reason: "the machine slept" });
    await run(ids, 60);
    expect(components()["completeness"]).toBe(1);
    ctx.clock.step(-300_000);
    ctx.deliver("gap", { fromMs: ctx.clock.now(), toMs: ctx.clock.now(), reason: "the clock was set back" });
    await run(ids, 400);
    expect(components()["completeness"]).toBeGreaterThan(0.95);
    await run(ids, 600, (tick) => tick % 5 !== 0);
    expect(components()["completeness"]).toBeGreaterThan(0.98);
  });

  test("a series that ended, by a marker or for long, is not waited for", async () => {
    start();
    const [a, b, c] = [series("a"), series("b"), series("c")];
    await run([a, b, c], 60);
    const batch = createBatch(1);
    batch.series[0] = b;
    batch.timestamps[0] = ctx.clock.now() + 500;
    batch.length = 1;
    new BigUint64Array(batch.values.buffer)[0] = 0x7ff0000000000002n;
    quality.process(batch);
    await run([a, c], 60);
    expect(components()["completeness"]).toBe(1);
    await run([a], 900);
    expect(components()["completeness"]).toBeGreaterThan(0.99);
  });

  test("nothing is expected of what comes irregularly, of events, and of history", async () => {
    start();
    const [odd, event, history] = [series("o"), series("e", { type: "event" }), series("h")];
    let atMs = ctx.clock.now();
    const gaps = [100, 7000, 900, 30_000, 2000, 400, 15_000];
    for (let i = 0; i < 50; i++) {
      await ctx.advance(gaps[i % gaps.length]);
      give([[odd, ctx.clock.now(), i]]);
      give([[event, ctx.clock.now(), 1]]);
      give([[history, (atMs += 1000) - 86_400_000, i]], true);
    }
    await ctx.advance(60_000);
    expect(components()["completeness"] ?? 1).toBe(1);
  });

  test("ten ticks at once every ten seconds are complete; when they do not come they are missing", async () => {
    start();
    const a = series("a");
    const body = (): void =>
      void give(
        Array.from({ length: 10 }, (_, i) => [a, ctx.clock.now() - 10_000 + i * 1000, i] as [number, number, number]),
        true,
      );
    for (let i = 0; i < 20; i++) {
      await ctx.advance(10_000);
      body();
    }
    expect(components()["completeness"]).toBeGreaterThan(0.99);
    await ctx.advance(60_000);
    expect(components()["completeness"]).toBeLessThan(0.8);
  });

  test("a declared interval is waited for from the first sample on, for as long as it takes", async () => {
    start({ rules: [{ series: "a", interval_ms: "5s" }] });
    const a = series("a");
    give([[a, ctx.clock.now(), 1]]);
    await ctx.advance(900_000);
    expect(components()["completeness"]).toBeLessThan(0.05);
  });

  test("a plugin's targets are sources of their own, and there are not endlessly many", async () => {
    start();
    const one = series("up", { labels: { job: "node", instance: "a:9100" }, owner: "collectors/scrape" });
    const two = series("up", { labels: { job: "node", instance: "b:9100" }, owner: "collectors/scrape" });
    await run([one, two], 60);
    await run([one], 60);
    const byTarget = newest("alluse_quality_score", "instance", { source: "collectors/scrape" });
    expect(byTarget["a:9100"]).toBe(1);
    expect(byTarget["b:9100"]).toBeLessThan(0.7);
    for (let i = 0; i < 1000; i++) give([[series("up", { labels: { instance: String(i) } }), ctx.clock.now(), 1]]);
    await ctx.advance(10_000);
    expect(Object.keys(newest("alluse_quality_score", "instance")).length).toBeLessThanOrEqual(256);
  });

  test("a flood of repetitions and disorder lowers the score by what it is", async () => {
    start();
    const a = series("a");
    await run([a], 30);
    const t = ctx.clock.now();
    for (let i = 0; i < 10_000; i++) give([[a, t + 3 - (i % 2) * 500, 1]]);
    await ctx.advance(10_000);
    expect(score()).toBeLessThan(0.4);
    expect(components()["uniqueness"]).toBeLessThan(0.6);
    expect(components()["order"]).toBeLessThan(0.6);
  });

  test("without scores only counts are emitted", async () => {
    start({ score: false });
    await run([series("a")], 30);
    expect(new Set(ctx.emitted.map(({ name }) => name))).toEqual(
      new Set(["alluse_quality_dropped_samples_total", "alluse_quality_violations_total"]),
    );
  });
});
