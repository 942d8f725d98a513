import { type Batch, createBatch } from "all-use-agent/sdk";
import { describe, expect, it } from "vitest";
import { copyOf } from "./copy.ts";
import { ExportQueue } from "./export-queue.ts";
import { GapWatch } from "./gap-watch.ts";
import { Pipeline, type Stages } from "./pipeline.ts";
import { SeriesRegistry } from "./registry.ts";

const GAUGE = { type: "gauge", help: "A test." } as const;
const NOTHING: Stages = { processors: [], storage: null, analytics: [], exports: [], away: [] };

function batchOf(...rows: [series: number, timestampMs: number, value: number][]): Batch {
  const batch = createBatch(Math.max(1, rows.length));
  rows.forEach(([series, timestampMs, value], i) => {
    batch.series[i] = series;
    batch.timestamps[i] = timestampMs;
    batch.values[i] = value;
  });
  batch.length = rows.length;
  return batch;
}

function registryOf(...names: string[]): SeriesRegistry {
  const registry = new SeriesRegistry(() => {});
  for (const name of names) registry.register(name, {}, GAUGE);
  return registry;
}

describe("Pipeline", () => {
  it("passes processors first, then storage, then analytics, each seeing what the processors left", () => {
    const seen: string[] = [];
    const pipeline = new Pipeline(registryOf("a", "b"), () => ({
      ...NOTHING,
      processors: [{ take: (batch) => void (batch.length = 1) }],
      storage: { take: (batch) => (seen.push(`storage ${batch.length}`), 0) },
      analytics: [{ take: (batch) => void seen.push(`analytics ${batch.length}`) }],
    }));
    const batch = batchOf([0, 1000, 1], [1, 1000, 2]);
    pipeline.emit(batch);
    expect(seen).toEqual(["storage 1", "analytics 1"]);
    expect(batch.length).toBe(2);
    expect(pipeline.samples).toBe(1);
  });

  it("keeps the emitter's columns out of the processors' reach", () => {
    const pipeline = new Pipeline(registryOf("a"), () => ({
      ...NOTHING,
      processors: [{ take: (batch) => void batch.values.fill(-1) }],
    }));
    const batch = batchOf([0, 1000, 7]);
    pipeline.emit(batch);
    expect(batch.values[0]).toBe(7);
  });

  it("takes samples emitted by a stage after the batch in hand, in order", () => {
    const stored: number[] = [];
    const pipeline: Pipeline = new Pipeline(registryOf("a"), () => ({
      ...NOTHING,
      storage: { take: (batch) => (stored.push(batch.values[0]), 0) },
      analytics: [{ take: (batch) => batch.values[0] < 3 && pipeline.emit(batchOf([0, 1000, batch.values[0] + 1])) }],
    }));
    pipeline.emit(batchOf([0, 1000, 1]));
    expect(stored).toEqual([1, 2, 3]);
  });

  it("takes rows on that a processor gives back later, for those after it, and waits for them when asked", async () => {
    const seen: string[] = [];
    const kept: Batch[] = [];
    const last = { take: (batch: Batch) => void seen.push(`last ${batch.values[0]}`) };
    let settle = (): void => {};
    const pipeline = new Pipeline(registryOf("a"), () => ({
      ...NOTHING,
      processors: [{ take: (batch) => (kept.push(copyOf(batch)), void (batch.length = 0)) }, last],
      storage: { take: (batch) => (seen.push(`storage ${batch.values[0]}`), 0) },
      away: [{ waiting: kept.length > 0, settled: () => new Promise<void>((resolve) => (settle = resolve)) }],
    }));
    pipeline.emit(batchOf([0, 1000, 1]));
    pipeline.emit(batchOf([0, 2000, 2]));
    expect(seen).toEqual([]);
    expect(pipeline.waiting).toBe(true);
    const settled = pipeline.settled().then(() => seen.push("settled"));
    for (const rows of kept.splice(0)) pipeline.resume(rows, [last]);
    settle();
    await settled;
    expect(seen).toEqual(["last 1", "storage 1", "last 2", "storage 2", "settled"]);
    expect(pipeline.waiting).toBe(false);
  });

  it("remembers the newest sample of each series, not a late one", () => {
    const registry = registryOf("a");
    const pipeline = new Pipeline(registry, () => NOTHING);
    pipeline.emit(batchOf([0, 2000, 20]));
    pipeline.emit(batchOf([0, 1000, 10]));
    const rows: [string, number, number][] = [];
    registry.latest(1500, (info, value, timestampMs) => rows.push([info.name, value, timestampMs]));
    expect(rows).toEqual([["a", 20, 2000]]);
  });
});

describe("SeriesRegistry", () => {
  it("gives one number per name and labels, whatever the labels' order", () => {
    const defined: number[] = [];
    const registry = new SeriesRegistry((id) => void defined.push(id));
    const first = registry.register("a", { x: "1", y: "2" }, GAUGE);
    expect(registry.register("a", { y: "2", x: "1" }, GAUGE)).toBe(first);
    expect(registry.register("a", { x: "1" }, GAUGE)).not.toBe(first);
    expect(defined).toEqual([0, 1]);
    expect(registry.find("a", { y: "2", x: "1" })).toBe(first);
  });

  it("remembers who registered a series first", () => {
    const registry = new SeriesRegistry(() => {});
    const id = registry.register("a", {}, GAUGE, "collectors/one");
    registry.register("a", {}, GAUGE, "collectors/two");
    expect(registry.info(id).owner).toBe("collectors/one");
    expect(registry.info(registry.register("b", {}, GAUGE))).not.toHaveProperty("owner");
  });

  it("does not take label values apart at quotes or braces", () => {
    const registry = new SeriesRegistry(() => {});
    const tricky = registry.register("a", { x: 'b",y="c' }, GAUGE);
    expect(registry.register("a", { x: "b", y: "c" }, GAUGE)).not.toBe(tricky);
  });

  it("takes up what is said of a metric after its first sample, once", () => {
    const registry = new SeriesRegistry(() => {});
    const id = registry.register("a", { x: "1" }, { type: "gauge", help: "" });
    registry.register("a", { x: "1" }, { type: "counter", unit: "bytes", help: "What it is." });
    registry.register("a", { x: "1" }, GAUGE);
    const said = { type: "counter", unit: "bytes", help: "What it is." };
    expect(registry.info(id)).toEqual({ name: "a", labels: { x: "1" }, ...said });
    expect(registry.metrics.get("a")).toEqual(said);
  });

  it("grows beyond its first columns without losing what it knows", () => {
    const registry = new SeriesRegistry(() => {});
    for (let i = 0; i < 3000; i++) registry.note(registry.register("a", { i: String(i) }, GAUGE), 1000 + i, i);
    expect(registry.newest(2999, 0)).toBe(2999);
    expect(registry.newest(0, 0)).toBe(0);
    expect(() => registry.info(3000)).toThrow(expect.objectContaining({ code: "series_unknown" }));
  });
});

describe("ExportQueue", () => {
  const target = (
    send: (batch: Batch) => Promise<void>,
    later: (() => void)[] = [],
  ): ConstructorParameters<typeof ExportQueue>[0] => ({
    send,
    signal: new AbortController().signal,
    call: (task) => task(),
    after: (_ms, task) => void later.push(task),
    warn: () => {},
  });

  it("sends in order, tries again what may mend, and drops what cannot", async () => {
    const sent: number[] = [];
    const later: (() => void)[] = [];
    let failures = 2;
    const { PermanentError, RetryableError } = await import("all-use-agent/sdk");
    const queue = new ExportQueue(
      target(async (batch) => {
        await Promise.resolve();
        if (batch.values[0] === 2) throw new PermanentError("never");
        if (batch.values[0] === 1 && failures-- > 0) throw new RetryableError("not now");
        sent.push(batch.values[0]);
      }, later),
    );
    for (const value of [1, 2, 3]) queue.push(batchOf([0, 0, value]));
    for (let i = 0; i < 20; i++) {
      await new Promise((resolve) => setImmediate(resolve));
      later.shift()?.();
    }
    expect(sent).toEqual([1, 3]);
    expect(queue.waiting.dropped).toBe(1);
  });

  it("drops the oldest and counts it when the receiver hangs, and holds copies", () => {
    const queue = new ExportQueue(
      target(() => new Promise(() => {})),
      { policy: "drop_oldest", rows: 240, bytes: 1e6 },
    );
    const batch = batchOf([0, 0, 1], [0, 0, 2]);
    for (let i = 0; i < 130; i++) queue.push(batch);
    expect(queue.waiting.dropped).toBe(2 * 10);
    expect(copyOf(batch).values).not.toBe(batch.values);
  });
});

describe("backdated batches", () => {
  it("reach storage whole; analytics and the newest values see only what is not older than before", () => {
    const stored: number[] = [];
    const seen: number[] = [];
    const registry = registryOf("a", "b");
    const pipeline = new Pipeline(registry, () => ({
      ...NOTHING,
      storage: { take: (batch) => (stored.push(...batch.values.subarray(0, batch.length)), batch.backdated ? 1 : 0) },
      analytics: [{ take: (batch) => void seen.push(...batch.values.subarray(0, batch.length)) }],
    }));
    expect(pipeline.emit(batchOf([0, 5000, 1]))).toBe(0);
    const late = batchOf([1, 3000, 2], [0, 4000, 3], [0, 6000, 4], [1, 2000, 5]);
    late.backdated = true;
    expect(pipeline.emit(late)).toBe(1);
    expect(stored).toEqual([1, 2, 3, 4, 5]);
    expect(seen).toEqual([1, 2, 4]);
    expect([registry.newest(0, 0), registry.newest(1, 0), pipeline.newestMs]).toEqual([4, 2, 6000]);
  });
});

describe("GapWatch", () => {
  it("tells late ticks, sleep, a held-up process and a clock set back apart", () => {
    const watch = new GapWatch(100_000, 0);
    expect(watch.tick(101_000, 1000)).toBeNull();
    expect(watch.tick(103_000, 3000)).toBeNull();
    expect(watch.tick(703_000, 4000)).toEqual({
      fromMs: 103_000,
      toMs: 703_000,
      reason: "the machine slept or the clock was set",
    });
    expect(watch.tick(713_000, 14_000)).toMatchObject({ reason: "the agent was held up" });
    expect(watch.tick(613_000, 15_000)).toEqual({ fromMs: 613_000, toMs: 613_000, reason: "the clock was set back" });
    expect(watch.tick(614_000, 16_000)).toBeNull();
  });
});
