import { readFileSync } from "node:fs";
import { type Batch, createBatch, fillConfig, type Manifest, type MetricType, type Processor } from "all-use-agent/sdk";
import { TestContext } from "all-use-agent/sdk/testing";
import { beforeEach, expect, test } from "vitest";
import plugin, { type QualityConfig } from "./index.ts";

const manifest = JSON.parse(readFileSync(new URL("plugin.json", import.meta.url), "utf8")) as Manifest;
const STANDARD = fillConfig(manifest.config!, {}) as unknown as QualityConfig;

let ctx: TestContext;
let nowMs: number;

beforeEach(() => {
  ctx = new TestContext(manifest);
  nowMs = ctx.clock.now();
});

function start(config: Partial<QualityConfig> = {}): Processor {
  const processor = plugin(ctx, { ...STANDARD, ...config });
  void processor.start?.(ctx.signal);
  return processor;
}

function series(name: string, type: MetricType = "gauge"): number {
  return ctx.foreignSeries({ name, labels: {}, type, help: "of the test" });
}

function batchOf(...rows: [id: number, timestampMs: number, value: number][]): Batch {
  const batch = createBatch(rows.length);
  batch.length = rows.length;
  rows.forEach(([id, timestampMs, value], i) => {
    batch.series[i] = id;
    batch.timestamps[i] = timestampMs;
    batch.values[i] = value;
  });
  return batch;
}

function rowsOf(batch: Batch): [number, number, number][] {
  return Array.from({ length: batch.length }, (_, i) => [batch.series[i], batch.timestamps[i], batch.values[i]]);
}

function setStale(batch: Batch, row: number): void {
  new BigUint64Array(batch.values.buffer)[row] = 0x7ff0000000000002n;
}

function bitsOf(batch: Batch, row: number): bigint {
  return new BigUint64Array(batch.values.buffer)[row];
}

async function counted(): Promise<Record<string, number>> {
  await ctx.advance(10_000);
  const newest = ctx.emitted.filter(({ name }) => name === "alluse_quality_dropped_samples_total").slice(-7);
  return Object.fromEntries(newest.map(({ labels, value }) => [labels.reason, value]));
}

test("samples in order pass unchanged", () => {
  const quality = start();
  const a = series("a");
  const b = series("b");
  const batch = batchOf([a, nowMs, 1], [b, nowMs, -2.5], [a, nowMs + 1000, 0]);
  const before = rowsOf(batch);
  quality.process(batch);
  expect(rowsOf(batch)).toEqual(before);
});

test("NaN and infinities are dropped, the rows around them stay in order, and each reason is counted", async () => {
  const quality = start();
  const a = series("a");
  const batch = batchOf(
    [a, nowMs, NaN],
    [a, nowMs + 1, 1],
    [a, nowMs + 2, Infinity],
    [a, nowMs + 3, -Infinity],
    [a, nowMs + 4, 2],
  );
  quality.process(batch);
  expect(rowsOf(batch)).toEqual([
    [a, nowMs + 1, 1],
    [a, nowMs + 4, 2],
  ]);
  expect(await counted()).toEqual({ nan: 1, infinite: 2, duplicate: 0, out_of_order: 0, future: 0, range: 0, rate: 0 });
});

test("infinities pass when the configuration keeps them", () => {
  const quality = start({ keep_infinite: true });
  const batch = batchOf([series("a"), nowMs, Infinity]);
  quality.process(batch);
  expect(batch.length).toBe(1);
});

test("a staleness marker passes with all its bits, also when it moves up", () => {
  const quality = start();
  const a = series("a");
  const batch = batchOf([a, nowMs, NaN], [a, nowMs, 0], [series("b"), nowMs, 5]);
  setStale(batch, 1);
  quality.process(batch);
  expect(batch.length).toBe(2);
  expect(bitsOf(batch, 0)).toBe(0x7ff0000000000002n);
  expect(batch.values[1]).toBe(5);
});

test("any other NaN of a gauge is dropped, whatever its bits; a summary's NaN is an answer", () => {
  const quality = start();
  const batch = batchOf([series("a"), nowMs, NaN], [series("s", "summary"), nowMs, NaN]);
  new BigUint64Array(batch.values.buffer)[0] = 0x7ff8000000000002n;
  quality.process(batch);
  expect(rowsOf(batch)).toEqual([[series("s", "summary"), nowMs, NaN]]);
});

test("a second sample of the same time is a duplicate, within a batch and across batches", async () => {
  const quality = start();
  const a = series("a");
  const first = batchOf([a, nowMs, 1], [a, nowMs, 1]);
  quality.process(first);
  expect(first.length).toBe(1);
  const second = batchOf([a, nowMs, 2], [a, nowMs + 1, 3]);
  quality.process(second);
  expect(rowsOf(second)).toEqual([[a, nowMs + 1, 3]]);
  expect((await counted()).duplicate).toBe(2);
});

test("a sample older than the newest of its series is dropped; other series are not concerned", async () => {
  const quality = start();
  const a = series("a");
  const b = series("b");
  quality.process(batchOf([a, nowMs, 1]));
  const batch = batchOf([a, nowMs - 1, 2], [b, nowMs - 1, 3]);
  quality.process(batch);
  expect(rowsOf(batch)).toEqual([[b, nowMs - 1, 3]]);
  expect((await counted()).out_of_order).toBe(1);
});

test("a late sample within the window passes, one beyond it does not", () => {
  const quality = start({ late_window_ms: 5000 });
  const a = series("a");
  quality.process(batchOf([a, nowMs, 1]));
  const batch = batchOf([a, nowMs - 5000, 2], [a, nowMs - 5001, 3]);
  quality.process(batch);
  expect(rowsOf(batch)).toEqual([[a, nowMs - 5000, 2]]);
});

test("a sample far ahead of the clock is dropped and does not shut out those that follow", async () => {
  const quality = start();
  const a = series("a");
  const batch = batchOf([a, nowMs + 600_001, 1], [a, nowMs + 600_000, 2]);
  quality.process(batch);
  expect(rowsOf(batch)).toEqual([[a, nowMs + 600_000, 2]]);
  expect((await counted()).future).toBe(1);
});

test("after the clock ran years ahead and was set back, samples are taken again", () => {
  const quality = start();
  const a = series("a");
  const YEAR_MS = 365 * 86_400_000;
  ctx.clock.step(YEAR_MS);
  quality.process(batchOf([a, nowMs + YEAR_MS, 1]));
  ctx.clock.step(-YEAR_MS);
  const batch = batchOf([a, nowMs + 1000, 2], [a, nowMs + 1000, 2], [a, nowMs + 2000, 3]);
  quality.process(batch);
  expect(rowsOf(batch)).toEqual([
    [a, nowMs + 1000, 2],
    [a, nowMs + 2000, 3],
  ]);
});

test("series numbers beyond the first capacity have their own order", () => {
  const quality = start();
  let last = 0;
  for (let i = 0; i < 3000; i++) last = series(`s${i}`);
  const batch = batchOf([last, nowMs, 1], [last - 2000, nowMs - 1, 1], [last, nowMs - 1, 1]);
  quality.process(batch);
  expect(batch.length).toBe(2);
});

test("its own report passes through it whole", async () => {
  const quality = start();
  const { emit } = ctx;
  ctx.emit = (batch) => {
    quality.process(batch);
    return emit.call(ctx, batch);
  };
  await ctx.advance(30_000);
  expect(ctx.emitted.filter(({ name }) => name === "alluse_quality_dropped_samples_total").length).toBe(3 * 7);
});
