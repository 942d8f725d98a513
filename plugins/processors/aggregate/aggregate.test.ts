import { readFileSync } from "node:fs";
import {
  type Batch,
  createBatch,
  type Labels,
  type Manifest,
  type MetricType,
  type Processor,
  seriesKey,
  writeStale,
} from "all-use-agent/sdk";
import { conformanceChecks } from "all-use-agent/sdk/conformance";
import { TestContext } from "all-use-agent/sdk/testing";
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import plugin from "./index.ts";
import type { RuleConfig } from "./rule.ts";

const manifest = JSON.parse(readFileSync(new URL("plugin.json", import.meta.url), "utf8")) as Manifest;
const RULE: Omit<RuleConfig, "match" | "functions"> = {
  window_ms: 60_000,
  late_ms: 5000,
  name: "{metric}:{function}_{window}",
  drop_input: false,
  max_series: 1000,
};

let ctx: TestContext;
let startMs: number;

beforeEach(() => {
  ctx = new TestContext(manifest);
  startMs = ctx.clock.now();
});

type GivenRule = Partial<RuleConfig> & Pick<RuleConfig, "match" | "functions">;
type Row = [id: number, timestampMs: number, value: number];

function start(...rules: GivenRule[]): Processor {
  const processor = plugin(ctx, { rules: rules.map((rule) => ({ ...RULE, ...rule })) });
  void processor.start?.(ctx.signal);
  return processor;
}

function series(name: string, labels: Labels = {}, type: MetricType = "gauge", unit?: string): number {
  return ctx.foreignSeries({ name, labels, type, help: "of the test", ...(unit === undefined ? {} : { unit }) });
}

function give(processor: Processor, ...rows: Row[]): Batch {
  const batch = createBatch(rows.length);
  batch.length = rows.length;
  rows.forEach(([id, timestampMs, value], i) => {
    batch.series[i] = id;
    batch.timestamps[i] = timestampMs;
    batch.values[i] = value;
  });
  processor.process(batch);
  return batch;
}

/** What rules said so far: `name{labels}@seconds` → value, seconds since the start. */
function results(): Record<string, number> {
  const found = ctx.emitted.filter(({ name }) => !name.startsWith("alluse_"));
  return Object.fromEntries(
    found.map(({ name, labels, timestampMs, value }) => [`${seriesKey(name, labels)}@${(timestampMs - startMs) / 1000}`, value]),
  );
}

async function reported(name: string): Promise<number | undefined> {
  await ctx.advance(10_000);
  return ctx.emitted.findLast((sample) => sample.name === name)?.value;
}

/** A value a second for so many seconds, each at its time. */
async function run(processor: Processor, id: number, seconds: number, valueAt: (second: number) => number): Promise<void> {
  for (let second = 1; second <= seconds; second++) {
    await ctx.advance(1000);
    give(processor, [id, ctx.clock.now(), valueAt(second)]);
  }
}

describe("windows", () => {
  test("every function over a tumbling window; a sample at its end belongs to it", async () => {
    const functions = [
      "sum",
      "avg",
      "min",
      "max",
      "count",
      "stddev",
      "quantile(0.5)",
      "quantile(0.999)",
      "first",
      "last",
      "delta",
    ];
    const processor = start({ match: "t", functions });
    await run(processor, series("t"), 66, (second) => second);
    const found = results();
    const values = Array.from({ length: 60 }, (_, i) => i + 1);
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - 30.5) ** 2, 0) / 60);
    expect(found).toMatchObject({ "t:sum_1m@60": 1830, "t:avg_1m@60": 30.5, "t:min_1m@60": 1, "t:max_1m@60": 60 });
    expect(found).toMatchObject({ "t:count_1m@60": 60, "t:first_1m@60": 1, "t:last_1m@60": 60, "t:delta_1m@60": 59 });
    expect(found["t:stddev_1m@60"]).toBeCloseTo(deviation, 10);
    expect(Math.abs(found["t:p50_1m@60"] - 30)).toBeLessThanOrEqual(0.3);
    expect(Math.abs(found["t:p99_9_1m@60"] - 59)).toBeLessThanOrEqual(0.59);
    expect(Object.keys(found)).toHaveLength(functions.length);
  });

  test("a sliding window says each minute what the last three held", async () => {
    const processor = start({ match: "t", functions: ["sum"], window_ms: 180_000, every_ms: 60_000 });
    await run(processor, series("t"), 250, () => 1);
    expect(results()).toEqual({ "t:sum_3m@60": 60, "t:sum_3m@120": 120, "t:sum_3m@180": 180, "t:sum_3m@240": 180 });
  });

  test("groups by labels, or without them, and by name unless the result's name says otherwise", async () => {
    const processor = start(
      { match: '{__name__=~"a|b"}', functions: ["sum"], by: ["zone"] },
      { match: "a", functions: ["max"], without: ["host"] },
      { match: '{__name__=~"a|b"}', functions: ["count"], name: "zone:{function}" },
    );
    const rows = ["a", "b"].flatMap((name) =>
      ["1", "2"].map((host): Row => [series(name, { host, zone: "x", rack: "r" }), startMs + 1000, Number(host)]),
    );
    await ctx.advance(1000);
    give(processor, ...rows);
    await ctx.advance(70_000);
    expect(results()).toEqual({
      'a:sum_1m{zone="x"}@60': 3,
      'b:sum_1m{zone="x"}@60': 3,
      'a:max_1m{rack="r",zone="x"}@60': 2,
      "zone:count@60": 4,
    });
  });

  test("an empty window says nothing, and quiet ones are closed by the clock", async () => {
    const processor = start({ match: "t", functions: ["sum"] });
    const t = series("t");
    await ctx.advance(1000);
    give(processor, [t, ctx.clock.now(), 5]);
    await ctx.advance(63_000);
    expect(results()).toEqual({});
    await ctx.advance(3000);
    expect(results()).toEqual({ "t:sum_1m@60": 5 });
    await ctx.advance(600_000);
    expect(Object.keys(results())).toHaveLength(1);
  });

  test("late samples within the limit count, later ones are left out and counted", async () => {
    const processor = start({ match: "t", functions: ["sum", "first", "last"] });
    const t = series("t");
    await ctx.advance(64_000);
    give(processor, [t, startMs + 64_000, 100], [t, startMs + 59_000, 2], [t, startMs + 58_000, 1]);
    await ctx.advance(2000);
    give(processor, [t, startMs + 66_000, 100], [t, startMs + 57_000, 1000]);
    expect(results()).toEqual({ "t:sum_1m@60": 3, "t:first_1m@60": 1, "t:last_1m@60": 2 });
    expect(await reported("alluse_aggregate_late_samples_total")).toBe(1);
  });

  test("samples of the past, as of an import, make windows of the past", async () => {
    const processor = start({ match: "t", functions: ["count"] });
    const t = series("t");
    const fromMs = startMs - 86_400_000;
    const rows = Array.from({ length: 3600 }, (_, i): Row => [t, fromMs + (i + 1) * 1000, 1]);
    give(processor, ...rows);
    await ctx.advance(90_000);
    const found = results();
    expect(Object.keys(found)).toHaveLength(60);
    expect(new Set(Object.values(found))).toEqual(new Set([60]));
  });

  test("samples ahead of the clock close only what can no more be held", async () => {
    const processor = start({ match: "t", functions: ["sum"] });
    const t = series("t");
    await ctx.advance(1000);
    give(processor, [t, startMs + 1000, 1], [t, startMs + 70_000, 10], [t, startMs + 2000, 1]);
    expect(results()).toEqual({});
    give(processor, [t, startMs + 590_000, 50]);
    await ctx.advance(800_000);
    expect(results()).toEqual({ "t:sum_1m@60": 2, "t:sum_1m@120": 10, "t:sum_1m@600": 50 });
  });
});

describe("counters", () => {
  test("rates know resets, of each series before they are summed", async () => {
    const processor = start({ match: "c_total", functions: ["rate", "delta"], by: ["job"] });
    const one = series("c_total", { job: "j", host: "1" }, "counter");
    const two = series("c_total", { job: "j", host: "2" }, "counter");
    for (let second = 1; second <= 66; second++) {
      await ctx.advance(1000);
      // The first begins anew at 30 s; the second stands still.
      give(processor, [one, ctx.clock.now(), second < 30 ? second * 10 : (second - 30) * 10], [two, ctx.clock.now(), 500]);
    }
    // 28 steps of 10, a reset to 0, and 30 steps of 10.
    expect(results()).toEqual({ 'c:rate_1m{job="j"}@60': 580 / 60, 'c:delta_1m{job="j"}@60': 580 });
  });

  test("a late sample between two others takes its part of the increase", async () => {
    const processor = start({ match: "c_total", functions: ["delta"] });
    const c = series("c_total", {}, "counter");
    await ctx.advance(63_000);
    // In order it is 10, 40, then a reset to 5: 30 + 5 in the first minute, 15 in the second.
    give(processor, [c, startMs + 50_000, 10], [c, startMs + 62_000, 20], [c, startMs + 58_000, 5], [c, startMs + 55_000, 40]);
    await ctx.advance(120_000);
    expect(results()).toEqual({ "c:delta_1m@60": 35, "c:delta_1m@120": 15 });
  });

  test("what lies on the other side of a long sleep is nobody's increase", async () => {
    const processor = start({ match: "c_total", functions: ["delta"] });
    const c = series("c_total", {}, "counter");
    await run(processor, c, 50, (second) => second);
    await ctx.advance(8 * 3_600_000);
    await run(processor, c, 90, (second) => 1_000_000 + second);
    const found = Object.entries(results());
    expect(found[0]).toEqual(["c:delta_1m@60", 49]);
    expect(found.slice(1).every(([, value]) => value <= 60)).toBe(true);
  });
});

describe("what is let through", () => {
  test("nothing changes without drop_input; with it what was aggregated is gone, a staleness marker keeps its bits", async () => {
    const processor = start({ match: "dropped", functions: ["sum"], drop_input: true }, { match: "kept", functions: ["sum"] });
    const dropped = series("dropped");
    const kept = series("kept");
    const other = series("other");
    const batch = createBatch(4);
    batch.length = 4;
    batch.series.set([dropped, kept, dropped, other]);
    batch.timestamps.fill(startMs + 1);
    batch.values.set([1, 2, 3, 0]);
    writeStale(batch.values, 3);
    processor.process(batch);
    expect(Array.from(batch.series.subarray(0, batch.length))).toEqual([kept, other]);
    expect(batch.values[0]).toBe(2);
    expect(new BigUint64Array(batch.values.buffer)[1]).toBe(0x7ff0000000000002n);
    await ctx.advance(70_000);
    expect(results()).toEqual({ "dropped:sum_1m@60": 4, "kept:sum_1m@60": 2 });
  });

  test("its own results are not aggregated again", async () => {
    const processor = start({ match: '{__name__=~"t.*"}', functions: ["count"] });
    await run(processor, series("t"), 70, () => 1);
    const own = ctx.series("t:count_1m");
    give(processor, [own, ctx.clock.now(), 1]);
    await ctx.advance(180_000);
    expect(Object.keys(results()).filter((key) => key.includes("count_1m:count"))).toEqual([]);
  });

  test("without rules it does nothing at all", async () => {
    const processor = start();
    give(processor, [series("t"), startMs, 1]);
    await ctx.advance(60_000);
    expect(ctx.emitted).toEqual([]);
  });
});

describe("limits", () => {
  test("a flood of series is bounded; those idle longest make way", async () => {
    const processor = start({ match: "t", functions: ["count"], by: ["n"], max_series: 10 });
    const flood = (from: number, count: number): void => {
      for (let n = from; n < from + count; n++) give(processor, [series("t", { n: String(n) }), ctx.clock.now(), 1]);
    };
    flood(0, 1000);
    expect(await reported("alluse_aggregate_series")).toBe(10);
    expect(await reported("alluse_aggregate_refused_series_total")).toBe(990);
    await ctx.advance(400_000);
    flood(990, 5);
    await ctx.advance(90_000);
    expect(Object.keys(results())).toHaveLength(15);
    expect(await reported("alluse_aggregate_series")).toBe(5);
  });

  test.each([
    [{ match: "{", functions: ["sum"] }, /expected a label's name or \} at 1/],
    [{ match: '{a=~".*"}', functions: ["sum"] }, /selects every series/],
    [{ match: "a b", functions: ["sum"] }, /expected a metric name or \{ at 2/],
    [{ match: "a", functions: ["sum"], by: ["x"], without: ["y"] }, /both by and without/],
    [{ match: "a", functions: ["sum"], every_ms: 7000 }, /taken once to 1440 times/],
    [{ match: "a", functions: ["sum", "avg"], name: "x" }, /needs \{function\}/],
    [{ match: "a", functions: ["quantile(0.5)", "quantile(0.50)"] }, /one function twice/],
  ] as [GivenRule, RegExp][])("refuses %j", (rule, message) => {
    expect(() => start(rule)).toThrow(message);
    expect(() => start({ match: "a", functions: ["sum"] }, { match: "a", functions: ["sum"] })).toThrow(/two rules/);
  });
});

describe("the clock", () => {
  test("set back, it lets go of the window in hand and begins anew, counters included", async () => {
    const processor = start({ match: "c_total", functions: ["delta", "count"] });
    const c = series("c_total", {}, "counter");
    await run(processor, c, 90, (second) => second);
    ctx.clock.step(-3_600_000);
    await run(processor, c, 130, (second) => 90 + second);
    // An hour and a half minute back: 30 s to the next full minute, whole minutes from there on.
    expect(results()).toEqual({
      "c:delta_1m@60": 59,
      "c_total:count_1m@60": 60,
      "c:delta_1m@-3480": 30,
      "c_total:count_1m@-3480": 30,
      "c:delta_1m@-3420": 60,
      "c_total:count_1m@-3420": 60,
    });
  });

  test("set back by no more than samples may be late, it goes on", async () => {
    const processor = start({ match: "t", functions: ["count"] });
    const t = series("t");
    await run(processor, t, 30, () => 1);
    ctx.clock.step(-3000);
    await run(processor, t, 50, () => 1);
    expect(results()).toEqual({ "t:count_1m@60": 63 });
  });

  test("set forward, or after sleep, windows go on where time does", async () => {
    const processor = start({ match: "t", functions: ["count"] });
    const t = series("t");
    await run(processor, t, 30, () => 1);
    ctx.clock.step(600_000);
    await run(processor, t, 100, () => 1);
    expect(results()).toEqual({ "t:count_1m@60": 30, "t:count_1m@660": 30, "t:count_1m@720": 60 });
  });
});

describe("the conformance kit, with rules for all that it gives", () => {
  const config = manifest.config as { properties: { rules: { default: unknown } } };
  const rule = { ...RULE, match: '{__name__=~".+"}', by: ["cpu", "device"], window_ms: 10_000, late_ms: 1000 };
  const rules = [
    { ...rule, functions: ["sum", "stddev", "quantile(0.9)", "rate"] },
    { ...rule, functions: ["last"], every_ms: 5000, drop_input: true },
  ];
  const properties = { ...config.properties, rules: { ...config.properties.rules, default: rules } };
  const withRules = { ...manifest, config: { ...manifest.config, properties } };
  for (const { name, run: check } of conformanceChecks(withRules, () => Promise.resolve({ default: plugin }))) test(name, check);
});

describe("against a naive reference", () => {
  /** Samples of one series in order of time, with increases of a counter that begins anew now and then. */
  const course = fc.array(
    fc.record({
      gapMs: fc.integer({ min: 1, max: 20_000 }),
      value: fc.integer({ min: 0, max: 50 }),
      delayMs: fc.integer({ min: 0, max: 4900 }),
    }),
    { minLength: 1, maxLength: 60 },
  );

  interface Given {
    host: number;
    timestampMs: number;
    value: number;
    arrivesMs: number;
  }

  function expected(given: readonly Given[], windowMs: number, everyMs: number): Record<string, number> {
    const found: Record<string, number> = {};
    const ends = new Set(given.flatMap(({ timestampMs }) => windowEnds(timestampMs, windowMs, everyMs)));
    for (const end of ends) {
      const inside = given.filter(({ timestampMs }) => timestampMs > end - windowMs && timestampMs <= end);
      const put = (name: string, value: number): void => void (found[`${name}@${(end - startMs) / 1000}`] = value);
      put(
        "sum",
        inside.reduce((sum, { value }) => sum + value, 0),
      );
      put("count", inside.length);
      put("max", Math.max(...inside.map(({ value }) => value)));
      let increase = 0;
      let pairs = 0;
      for (const host of [0, 1]) {
        const own = given.filter((one) => one.host === host).sort((a, b) => a.timestampMs - b.timestampMs);
        own.forEach(({ timestampMs, value }, i) => {
          if (i === 0 || timestampMs <= end - windowMs || timestampMs > end) return;
          pairs++;
          increase += value >= own[i - 1].value ? value - own[i - 1].value : value;
        });
      }
      if (pairs > 0) put("delta", increase);
    }
    return found;
  }

  function windowEnds(timestampMs: number, windowMs: number, everyMs: number): number[] {
    const first = Math.ceil(timestampMs / everyMs) * everyMs;
    return Array.from({ length: windowMs / everyMs }, (_, i) => first + i * everyMs);
  }

  test("any disorder within the limit, any batches, and restarts at any time give the same", async () => {
    const shapes = fc.constantFrom([60_000, 60_000], [60_000, 20_000], [10_000, 10_000]);
    await fc.assert(
      fc.asyncProperty(
        course,
        course,
        shapes,
        fc.array(fc.nat(100), { maxLength: 3 }),
        async (one, two, [windowMs, everyMs], restarts) => {
          ctx = new TestContext(manifest);
          const given: Given[] = [one, two].flatMap((steps, host) => {
            let timestampMs = startMs;
            return steps.map(({ gapMs, value, delayMs }) => ({
              host,
              value,
              timestampMs: (timestampMs += gapMs),
              arrivesMs: timestampMs + delayMs,
            }));
          });
          given.sort((a, b) => a.arrivesMs - b.arrivesMs);
          const rule: GivenRule = {
            match: "c_total",
            functions: ["sum", "count", "max", "delta"],
            window_ms: windowMs,
            every_ms: everyMs,
            name: "{function}",
          };
          let processor = start(rule);
          const emitted: Record<string, number>[] = [];
          for (const [i, { host, timestampMs, value, arrivesMs }] of given.entries()) {
            await ctx.advance(Math.max(0, arrivesMs - ctx.clock.now()));
            give(processor, [series("c_total", { host: String(host) }, "counter"), timestampMs, value]);
            if (!restarts.includes(i)) continue;
            const bytes = await processor.snapshot!();
            emitted.push(results());
            ctx = new TestContext(manifest, { startMs: ctx.clock.now() });
            // Numbers of series are others after a restart.
            series("somebody_else", { n: String(i) });
            processor = plugin(ctx, { rules: [{ ...RULE, ...rule }] });
            processor.restore!(bytes);
            expect(await processor.snapshot!()).toEqual(bytes);
            void processor.start?.(ctx.signal);
          }
          await ctx.advance(300_000);
          expect(Object.assign({}, ...emitted, results())).toEqual(expected(given, windowMs, everyMs));
        },
      ),
      { numRuns: 150 },
    );
  });
});
