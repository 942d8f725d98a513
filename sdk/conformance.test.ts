import { describe, expect, it } from "vitest";
import { type ConformanceOptions, conformanceChecks } from "./conformance.ts";
import type { AdviceView, Batch, ForecastDataset, PluginContext } from "./index.ts";
import { createBatch } from "./series.ts";

const base = { version: "1.0.0", api: 1, entry: "index.mjs", title: "Demo", stability: "beta" };
const gauge = { demo_level: { type: "gauge", help: "A level." } };
const collector = { ...base, id: "collectors/demo", kind: "collector", metrics: gauge };
const processor = { ...base, id: "processors/demo", kind: "processor" };
const exporter = { ...base, id: "exporters/demo", kind: "exporter" };
const recommender = { ...base, id: "recommenders/demo", kind: "recommender" };
const model = { ...base, id: "models/demo", kind: "model" };
const analytics = { ...base, id: "analytics/demo", kind: "analytics", metrics: gauge };

/** Emits one value of one series. */
function emitOne(ctx: PluginContext, value: number, name = "demo_level", timestampMs = ctx.clock.now()): void {
  const batch = createBatch(1);
  batch.series[0] = ctx.series(name);
  batch.timestamps[0] = timestampMs;
  batch.values[0] = value;
  batch.length = 1;
  ctx.emit(batch);
}

/** What is wrong with it, its manifest, its factory, the check that it fails. */
type BrokenPlugin = [what: string, manifest: object, factory: unknown, check: string];

/** The names of the checks that a plugin fails. */
async function failing(manifest: object, factory: unknown, options: ConformanceOptions = {}): Promise<string[]> {
  const names: string[] = [];
  for (const { name, run } of conformanceChecks(manifest, () => ({ default: factory }), { ticks: 400, ...options })) {
    await run().catch(() => names.push(name));
  }
  return names;
}

describe("conformanceChecks", () => {
  it("pass for well-behaved plugins", async () => {
    expect(await failing(collector, (ctx: PluginContext) => ({ collect: () => emitOne(ctx, 1) }))).toEqual([]);
    expect(await failing(processor, () => ({ process: () => {} }))).toEqual([]);
    const summing = (ctx: PluginContext) => {
      let sum = 0;
      return {
        observe: (batch: Batch) => {
          for (let row = 0; row < batch.length; row++) if (Number.isFinite(batch.values[row])) sum += batch.values[row] % 1000;
          emitOne(ctx, sum);
        },
        snapshot: () => new Uint8Array(new Float64Array([sum]).buffer),
        restore: (bytes: Uint8Array) => {
          if (bytes.length !== 8) throw new Error("no");
          const [kept] = new Float64Array(bytes.slice().buffer);
          if (!Number.isFinite(kept)) throw new Error("no");
          sum = kept;
        },
      };
    };
    expect(await failing(analytics, summing)).toEqual([]);
  });

  it.each<BrokenPlugin>([
    ["the manifest", { ...collector, title: 7 }, () => ({}), "its manifest is valid"],
    [
      "a unit against the name",
      { ...collector, metrics: { a_bytes: { type: "gauge", unit: "seconds", help: "x" } } },
      () => ({}),
      "its manifest is valid",
    ],
    ["a missing method", processor, () => ({}), "its factory returns the methods of a processor"],
    [
      "a timer of its own",
      collector,
      () => ({ start: () => void setInterval(() => {}, 1e6).unref() }),
      "nothing of it is left after stop, and it stays silent",
    ],
    [
      "changing what is not its own",
      processor,
      () => ({ process: (batch: Batch) => batch.values.fill(0) }),
      "it leaves batches as they were",
    ],
    [
      "a batch made longer",
      { ...processor, mutates: true },
      () => ({ process: (batch: Batch) => void batch.length++ }),
      "it only shortens or changes batches",
    ],
    [
      "a snapshot that forgets",
      collector,
      () => {
        let count = 0;
        return { collect: () => void count++, snapshot: () => Uint8Array.of(count), restore: () => {} };
      },
      "its snapshot, restored, gives the same snapshot",
    ],
    [
      "garbage believed",
      collector,
      () => {
        let state: { count: number } = { count: 0 };
        return {
          collect: () => void state.count++,
          snapshot: () => Buffer.from(JSON.stringify(state)),
          restore: (bytes: Uint8Array) => {
            state = JSON.parse(Buffer.from(bytes).toString()) as typeof state;
          },
        };
      },
      "it starts although what it restores is garbage",
    ],
    [
      "a start that no stop ends",
      collector,
      (ctx: PluginContext) => ({
        // Nobody tells it: it looks at neither its signal nor stop().
        start: () => new Promise<void>((resolve) => void setImmediate(() => (ctx.signal.aborted ? null : resolve()))),
      }),
      "it can be stopped while it starts and while it works",
    ],
    [
      "values believed to be numbers",
      recommender,
      (ctx: PluginContext) => ({
        advise: async (view: AdviceView) => {
          const [row] = await view.query("x");
          return row ? [{ key: "k", confidence: Math.min(1, Math.abs(row.value)), expiresMs: ctx.clock.now() + 1 }] : [];
        },
      }),
      "it takes NaN and infinities as answers",
    ],
    [
      "a forecast of what is no number",
      model,
      () => ({
        fit: ({ timestamps, values }: ForecastDataset) => ({
          predict: (stepMs: number, count: number) => {
            const timestampsMs = Float64Array.from(
              { length: count },
              (_, i) => timestamps[timestamps.length - 1] + (i + 1) * stepMs,
            );
            const expected = new Float64Array(count).fill(values[values.length - 1]);
            return { timestampsMs, expected, low: expected, high: expected };
          },
        }),
      }),
      "it takes NaN and infinities as answers",
    ],
    [
      "a refusal that nobody waits for",
      collector,
      (ctx: PluginContext) => ({ start: () => void ctx.query("up") }),
      "it goes on, or says why not, when it is refused what it asks for",
    ],
    [
      "a refusal taken for an answer",
      collector,
      (ctx: PluginContext) => {
        const things = ctx.documents.collection("things", { maxDocuments: 1, orderBy: "_id" });
        return {
          collect: async () => {
            const found = await things.find().catch(() => undefined);
            emitOne(ctx, found!.length);
          },
        };
      },
      "it goes on, or says why not, when it is refused what it asks for",
    ],
    [
      "a flush a tick, whether the last one came back or not",
      collector,
      (ctx: PluginContext) => ({
        collect: () => {
          emitOne(ctx, 1);
          void ctx.flush();
        },
      }),
      "it waits for what is slow instead of piling it up",
    ],
    [
      "giving up for good on what is slow",
      collector,
      (ctx: PluginContext) => ({
        collect: async () => {
          const askedMs = ctx.clock.monotonic();
          await ctx.store.read("x");
          if (ctx.clock.monotonic() - askedMs > 60_000) throw new Error("too slow");
        },
      }),
      "it waits for what is slow instead of piling it up",
    ],
    [
      "memory that grows",
      { ...collector, budget: { memory_mb: 1 } },
      () => {
        const kept: Uint8Array[] = [];
        return { collect: () => void kept.push(new Uint8Array(100_000)) };
      },
      "its memory does not grow with time",
    ],
  ])("find %s, and nothing else wrong with it", async (_what, manifest, factory, name) => {
    expect(await failing(manifest, factory)).toEqual([name]);
  });

  it.each<BrokenPlugin>([
    [
      "an undeclared metric",
      collector,
      (ctx: PluginContext) => ({ collect: () => emitOne(ctx, 1, "other") }),
      "it emits only what it declares, with sane times and values",
    ],
    [
      "seconds for milliseconds",
      collector,
      (ctx: PluginContext) => ({ collect: () => emitOne(ctx, 1, "demo_level", ctx.clock.now() / 1000) }),
      "it emits only what it declares, with sane times and values",
    ],
    [
      "a value that is not a number",
      collector,
      (ctx: PluginContext) => ({ collect: () => emitOne(ctx, NaN) }),
      "it emits only what it declares, with sane times and values",
    ],
    [
      "a reading deaf to its signal",
      collector,
      () => ({ collect: (signal: AbortSignal) => (signal.aborted ? new Promise(() => {}) : undefined) }),
      "a reading that is aborted ends",
    ],
    [
      "keeping a batch",
      analytics,
      (ctx: PluginContext) => {
        let kept: Batch | null = null;
        return {
          observe: (batch: Batch) => {
            if (kept?.length) emitOne(ctx, kept.values[0]);
            kept = batch;
          },
        };
      },
      "it keeps nothing of a batch that its emitter refills",
    ],
    [
      "an empty batch",
      analytics,
      () => ({
        observe: (batch: Batch) => {
          if (batch.length === 0) throw new Error("empty");
        },
      }),
      "it takes NaN, infinities, empty and huge batches",
    ],
    [
      "time that goes back",
      collector,
      (ctx: PluginContext) => {
        let lastMs = 0;
        return {
          collect: () => {
            if (ctx.clock.now() < lastMs) throw new Error("back");
            lastMs = ctx.clock.now();
          },
        };
      },
      "it goes on when the clock jumps forward, back, and over a sleep",
    ],
    [
      "a second stop that throws",
      collector,
      () => {
        let stopped = false;
        return {
          stop: () => {
            if (stopped) throw new Error("twice");
            stopped = true;
          },
        };
      },
      "it can be stopped unstarted, twice, and made several times over",
    ],
    [
      "a sending deaf to its signal",
      exporter,
      () => ({ send: (_batch: Batch, signal: AbortSignal) => (signal.aborted ? new Promise(() => {}) : Promise.resolve()) }),
      "a sending that is aborted ends",
    ],
    [
      "state that wears out",
      collector,
      () => {
        let left = 150;
        return {
          collect: () => {
            if (--left === 0) throw new Error("worn out");
          },
        };
      },
      "it survives random use",
    ],
  ])("find %s, which breaks more than that", async (_what, manifest, factory, name) => {
    expect(await failing(manifest, factory)).toContain(name);
  });
});
