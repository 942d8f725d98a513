import { type Batch, createBatch } from "all-use-agent/sdk";
import { beforeEach, describe, expect, it } from "vitest";
import { LoadSwitch } from "./load-switch.ts";
import { Pipeline, type Stages } from "./pipeline.ts";
import { SeriesRegistry } from "./registry.ts";
import { DEFAULT_FLOW, type FlowSettings } from "./settings.ts";

const MICRO: FlowSettings = { ...DEFAULT_FLOW, mode: "micro_batch", batch: { rows: 100, delayMs: 50 } };

/** Time that moves when told, with one timer at most. */
class Time {
  nowMs = 0;
  private due: { atMs: number; task: () => void } | null = null;

  monotonic(): number {
    return this.nowMs;
  }

  after(delayMs: number, task: () => void): { dispose(): void } {
    const due = { atMs: this.nowMs + delayMs, task };
    this.due = due;
    return { dispose: () => void (this.due === due && (this.due = null)) };
  }

  advance(ms: number): void {
    this.nowMs += ms;
    const { due } = this;
    if (!due || due.atMs > this.nowMs) return;
    this.due = null;
    due.task();
  }
}

function ticks(count: number, timeMs: number, firstValue = 0): Batch {
  const batch = createBatch(count);
  for (let i = 0; i < count; i++) {
    batch.series[i] = i % 4;
    batch.timestamps[i] = timeMs;
    batch.values[i] = firstValue + i;
  }
  batch.length = count;
  return batch;
}

let time: Time;
let stored: number[][];
let seen: number[];
let pipeline: Pipeline;

beforeEach(() => {
  time = new Time();
  stored = [];
  seen = [];
  const registry = new SeriesRegistry(() => {});
  for (const n of ["0", "1", "2", "3"]) registry.register("a", { n }, { type: "gauge", help: "A test." });
  const stages: Stages = {
    processors: [],
    storage: { take: ({ length, values }) => (stored.push([...values.subarray(0, length)]), 0) },
    analytics: [{ take: ({ length }) => void seen.push(length) }],
    exports: [],
    away: [],
  };
  pipeline = new Pipeline(registry, () => stages, time);
});

describe("micro-batches", () => {
  it("gather small emissions and pass them on together, in order, after the delay", () => {
    pipeline.configure(MICRO);
    const batch = ticks(1, 1000, 1);
    pipeline.emit(batch);
    batch.values[0] = 2;
    batch.timestamps[0] = 1001;
    pipeline.emit(batch);
    expect(seen).toEqual([]);
    expect(pipeline.waiting).toBe(true);
    time.advance(50);
    expect(stored).toEqual([[1, 2]]);
    expect(seen).toEqual([2]);
    expect(pipeline.waiting).toBe(false);
  });

  it("pass on at once what has reached the bound in rows", () => {
    pipeline.configure(MICRO);
    for (let i = 0; i < 25; i++) pipeline.emit(ticks(4, i));
    expect(seen).toEqual([100]);
  });

  it("let large and backdated batches through at once, after what was gathered before them, with what storage refused", () => {
    pipeline.configure(MICRO);
    pipeline.emit(ticks(1, 1000, 7));
    pipeline.emit(ticks(5, 1000, 10));
    expect(stored).toEqual([[7], [10, 11, 12, 13, 14]]);
    pipeline.emit(ticks(1, 2000, 8));
    pipeline.emit({ ...ticks(1, 500, 9), backdated: true });
    expect(stored.slice(2)).toEqual([[8], [9]]);
  });

  it("are passed on before anybody who waits for what he emitted goes on, and at the end", async () => {
    pipeline.configure(MICRO);
    pipeline.emit(ticks(1, 1000, 1));
    await pipeline.settled();
    expect(stored).toEqual([[1]]);
    pipeline.emit(ticks(1, 2000, 2));
    pipeline.close();
    pipeline.emit(ticks(1, 3000, 3));
    expect(stored).toEqual([[1], [2], [3]]);
  });

  it("give a store the ticks that they are made of", () => {
    pipeline.configure({ ...MICRO, batch: { rows: 1000, delayMs: 50 } });
    pipeline.emit(ticks(1, 999));
    for (let i = 0; i < 5; i++) pipeline.emit(ticks(4, 1000));
    for (let i = 0; i < 5; i++) pipeline.emit(ticks(4, 2000));
    pipeline.emit(ticks(2, 2001));
    pipeline.emit(ticks(2, 2002));
    time.advance(50);
    expect(stored.map(({ length }) => length)).toEqual([1, 20, 20, 4]);
    expect(seen).toEqual([45]);
  });

  it("keep the payload of a NaN", () => {
    pipeline.configure(MICRO);
    const bits: bigint[] = [];
    const batch = ticks(1, 1000);
    new BigUint64Array(batch.values.buffer)[0] = 0x7ff0000000000002n;
    const own = new Pipeline(
      new SeriesRegistry(() => {}),
      () => ({
        processors: [],
        storage: { take: ({ values }) => (bits.push(new BigUint64Array(values.buffer, values.byteOffset, 1)[0]), 0) },
        analytics: [],
        exports: [],
        away: [],
      }),
      time,
    );
    own.configure(MICRO);
    own.emit(batch);
    own.emit(ticks(1, 1001));
    time.advance(50);
    expect(bits).toEqual([0x7ff0000000000002n]);
  });
});

describe("hybrid", () => {
  it("gathers when many batches a second come, and stops when it has been calm for a while", () => {
    pipeline.configure({ ...DEFAULT_FLOW, switch: { emissionsPerSecond: 100, busyPercent: 1e9, backAfterMs: 3000 } });
    const second = (emissions: number): void => {
      for (let i = 0; i < emissions; i++) {
        pipeline.emit(ticks(1, time.nowMs));
        time.advance(1000 / emissions);
      }
    };
    second(50);
    expect(pipeline.load.mode).toBe("real_time");
    second(200);
    second(200);
    expect(pipeline.load.mode).toBe("micro_batch");
    // Between half of the limit and the limit it stays as it is.
    for (let i = 0; i < 10; i++) second(80);
    expect(pipeline.load.mode).toBe("micro_batch");
    for (let i = 0; i < 6; i++) second(20);
    expect(pipeline.load.mode).toBe("real_time");
    expect(pipeline.load.switches).toBe(2);
  });

  it("gathers when stages take too much of the time", () => {
    const load = new LoadSwitch(DEFAULT_FLOW, 0);
    load.spent(150);
    load.look(1000);
    expect(load.mode).toBe("real_time");
    load.spent(250);
    load.look(2000);
    expect(load.mode).toBe("micro_batch");
    expect(load.busyPercent).toBe(25);
    // A machine that slept has not been calm for it: one window is one window.
    load.look(3_600_000);
    expect(load.mode).toBe("micro_batch");
    load.look(3_605_000);
    expect(load.mode).toBe("real_time");
  });

  it("does what it is told while it runs", () => {
    pipeline.configure(MICRO);
    pipeline.emit(ticks(1, 1));
    expect(stored).toEqual([]);
    pipeline.configure({ ...DEFAULT_FLOW, mode: "real_time" });
    expect(stored.length).toBe(1);
    pipeline.emit(ticks(1, 2));
    expect(stored.length).toBe(2);
  });
});
