import { Validator } from "@cfworker/json-schema";
import { Driver, isAnswer, requiredMethods } from "./conformance/drive.ts";
import { leftovers } from "./conformance/leftovers.ts";
import { collector, usedBytes } from "./conformance/memory.ts";
import { scribble } from "./conformance/source.ts";
import { demand, type PluginLoad, Trial, type TrialParts } from "./conformance/trial.ts";
import { errorText } from "./errors.ts";
import { API_VERSION, KIND_FOLDER, type Manifest, manifestSchema } from "./manifest.ts";
import { createBatch } from "./series.ts";
import { seededRandom } from "./testing.ts";

export type { PluginLoad } from "./conformance/trial.ts";

/** One property of a well-behaved plugin. `run` rejects with one sentence when the plugin does not have it. */
export interface ConformanceCheck {
  readonly name: string;
  readonly run: () => Promise<void>;
}

export interface ConformanceOptions {
  /** Over the schema's defaults. Properties of format `data-path` get a folder of their own in any case. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly seed?: number;
  /** Ticks of the memory check: 10,000, or as many as fit into `memoryMs` (5000). */
  readonly ticks?: number;
  readonly memoryMs?: number;
}

const HUGE_ROWS = 100_000;
const RANDOM_OPERATIONS = 300;
const ABORT_WITHIN_MS = 2000;
const LOOK_MS = 100;
/** What a plugin without a budget may hold more after many ticks than after few. */
const GROWTH_MAX_MB = 16;

/**
 * What every plugin of the manifest's kind must do, as checks to run in any test framework:
 *
 *     for (const { name, run } of conformanceChecks(manifest, () => import("./index.ts"))) test(name, run);
 *
 * `manifest` is the parsed `plugin.json`. Each check makes its own instances, on a simulated clock and, where the manifest
 * has properties of format `data-path`, in temporary folders.
 */
export function conformanceChecks(manifest: unknown, load: PluginLoad, options: ConformanceOptions = {}): ConformanceCheck[] {
  const faults = manifestFaults(manifest);
  const checks: ConformanceCheck[] = [
    {
      name: "its manifest is valid",
      run: () => (faults.length === 0 ? Promise.resolve() : Promise.reject(new Error(faults.slice(0, 3).join("; ")))),
    },
  ];
  if (faults.length > 0) return checks;
  const valid = manifest as Manifest;
  if (valid.platforms && !(valid.platforms as readonly string[]).includes(process.platform)) return checks;
  const kit = new Kit({ manifest: valid, load, config: options.config ?? {} }, options);
  const add = (name: string, run: () => Promise<void>): void => void checks.push({ name, run });

  add(`its factory returns the methods of a ${valid.kind}`, () => kit.methods());
  add("it can be stopped unstarted, twice, and made several times over", () => kit.startAndStop());
  add("nothing of it is left after stop, and it stays silent", () => kit.leavesNothing());
  add("it emits only what it declares, with sane times and values", () => kit.declared());
  if (valid.kind === "collector") add("a reading that is aborted ends", () => kit.aborted());
  if (["processor", "analytics", "storage", "exporter"].includes(valid.kind)) {
    add("it keeps nothing of a batch that its emitter refills", () => kit.batchIsBorrowed());
    add(valid.mutates ? "it only shortens or changes batches" : "it leaves batches as they were", () => kit.input());
    add("it takes NaN, infinities, empty and huge batches", () => kit.strangeBatches());
  }
  add("it goes on when the clock jumps forward, back, and over a sleep", () => kit.clockJumps());
  add("its snapshot, restored, gives the same snapshot", () => kit.snapshotRoundTrip());
  add("it starts although what it restores is garbage", () => kit.garbageSnapshot());
  add("it survives random use", () => kit.randomUse());
  add("its memory does not grow with time", () => kit.memory());
  return checks;
}

/** What is wrong with a manifest, in sentences. The host's own messages are richer; the verdict is the same. */
function manifestFaults(value: unknown): string[] {
  const { errors } = new Validator(manifestSchema as object, "2020-12", false).validate(value);
  if (errors.length > 0)
    return errors.map(({ instanceLocation, error }) => `${instanceLocation.replace(/^#\/?/, "/")}: ${error}`);
  const { id, kind, api, entry, metrics = {} } = value as Manifest;
  const faults: string[] = [];
  if (api > API_VERSION) faults.push(`/api: this kit knows the contract up to ${API_VERSION}, found ${api}`);
  if (!id.startsWith(`${KIND_FOLDER[kind]}/`)) faults.push(`/id: the id of a ${kind} begins with ${KIND_FOLDER[kind]}/`);
  if (entry.split("/").includes("..")) faults.push("/entry: it must lie inside the plugin's folder");
  for (const [name, { type, unit }] of Object.entries(metrics)) {
    const named = /_(seconds|bytes|celsius|ratio|percent|hertz|joules|volts|amperes)(_total)?\*?$/.exec(name)?.[1];
    if (named !== undefined && unit !== undefined && unit !== named)
      faults.push(`/metrics/${name}: the name says ${named}, the unit ${unit}`);
    if (name.endsWith("_total") && type === "gauge") faults.push(`/metrics/${name}: what ends in _total is a counter`);
  }
  return faults;
}

class Kit {
  private readonly parts: TrialParts;
  private readonly options: ConformanceOptions;
  private readonly seed: number;

  constructor(parts: TrialParts, options: ConformanceOptions) {
    this.parts = parts;
    this.options = options;
    this.seed = options.seed ?? 1;
  }

  methods(): Promise<void> {
    return this.with(
      (trial) => {
        for (const method of requiredMethods(trial)) {
          const there = typeof (trial.plugin as Record<string, unknown>)[method] === "function";
          demand(there, `a ${trial.manifest.kind} must have the method ${method}()`);
        }
        demand(!trial.manifest.routes?.length || !!trial.plugin.handle, "a plugin with routes must have the method handle()");
        return Promise.resolve();
      },
      { start: false },
    );
  }

  async startAndStop(): Promise<void> {
    await this.with(() => Promise.resolve(), { start: false });
    await this.with((trial, driver) => this.ticks(driver, 3).then(() => trial.demandFaultless()));
    // Two at once: nothing of one may live outside its instance.
    await this.with((_first, driver) => this.with((_second, other) => this.ticks(driver, 2).then(() => this.ticks(other, 2))));
  }

  async leavesNothing(): Promise<void> {
    let silent: Trial | null = null;
    const left = await leftovers(() => this.with((trial, driver) => ((silent = trial), this.ticks(driver, 5))));
    demand(left.length === 0, `after stop() these are still open: ${left.join(", ")}; give them to ctx.use() or use ctx.every()`);
    (silent as Trial | null)?.demandFaultless();
  }

  declared(): Promise<void> {
    return this.with(async (trial, driver) => {
      await this.ticks(driver, 20);
      trial.demandFaultless();
    });
  }

  aborted(): Promise<void> {
    return this.with(async ({ plugin, ctx }) => {
      if (!plugin.collect) return;
      for (const early of [true, false]) {
        const abort = new AbortController();
        if (early) abort.abort();
        const reading = Promise.resolve(plugin.collect(abort.signal));
        abort.abort();
        // To reject is a good answer to an abort.
        const ended = reading.then(
          () => true,
          () => true,
        );
        const inTime = await within(ABORT_WITHIN_MS, ended);
        demand(inTime === true, `collect() must end soon after its signal is aborted; it did not within ${ABORT_WITHIN_MS} ms`);
        await ctx.advance(1000);
      }
    });
  }

  async batchIsBorrowed(): Promise<void> {
    const behaviours: string[] = [];
    for (const spoil of [false, true]) {
      await this.with(async (_trial, driver) => {
        driver.source.fresh = true;
        for (let i = 0; i < 60; i++) await driver.tick(spoil ? scribble : undefined);
        behaviours.push(await driver.behaviour());
      });
    }
    demand(
      behaviours[0] === behaviours[1],
      "it behaves differently when batches are refilled after the call: copy what you keep",
    );
  }

  input(): Promise<void> {
    return this.with(async ({ ctx, manifest }, driver) => {
      if (!driver.receives) return;
      for (let i = 0; i < 10; i++) {
        await ctx.advance(1000);
        const batch = driver.source.next(ctx.clock.now());
        const { length, series, timestamps, values } = batch;
        const before = JSON.stringify([length, [...series], [...timestamps], [...values]]);
        await driver.give(batch);
        demand(batch.length <= length, "a batch may be shortened, never made longer");
        const after = JSON.stringify([batch.length, [...series], [...timestamps], [...values]]);
        demand(manifest.mutates === true || before === after, 'it changes a batch that belongs to others: say "mutates" or copy');
      }
    });
  }

  strangeBatches(): Promise<void> {
    return this.with(async (trial, driver) => {
      if (!driver.receives) return;
      await this.ticks(driver, 3);
      await driver.give(createBatch(0));
      for (const value of [NaN, Infinity, -Infinity, -0, Number.MAX_VALUE, Number.MIN_VALUE]) {
        await trial.ctx.advance(1000);
        const batch = driver.source.next(trial.ctx.clock.now());
        batch.values.fill(value);
        await driver.give(batch);
      }
      await trial.ctx.advance(HUGE_ROWS + 1000);
      await driver.give(driver.source.huge(trial.ctx.clock.now(), HUGE_ROWS));
      await this.ticks(driver, 3);
      trial.demandFaultless();
    });
  }

  clockJumps(): Promise<void> {
    return this.with(async (trial, driver) => {
      const { ctx } = trial;
      await this.ticks(driver, 5);
      for (const stepMs of [3_600_000, -7_200_000, 86_400_000, -86_400_000]) {
        const fromMs = ctx.clock.now();
        ctx.clock.step(stepMs);
        ctx.deliver("gap", { fromMs, toMs: ctx.clock.now(), reason: "the clock was set" });
        await this.ticks(driver, 5);
      }
      const fromMs = ctx.clock.now();
      ctx.clock.advance(8 * 3_600_000);
      ctx.deliver("gap", { fromMs, toMs: ctx.clock.now(), reason: "the machine slept" });
      await this.ticks(driver, 5);
      trial.demandFaultless();
    });
  }

  async snapshotRoundTrip(): Promise<void> {
    const kept = await this.snapshotAfter(30);
    if (kept === null) return;
    await this.with(
      async ({ plugin, ctx }) => {
        demand(typeof plugin.restore === "function", "a plugin with snapshot() needs restore()");
        // At the very time: a snapshot may say when it was made.
        ctx.clock.advance(kept.atMs - ctx.clock.now());
        plugin.restore(kept.bytes.slice());
        const again = await plugin.snapshot!();
        demand(Buffer.compare(kept.bytes, again) === 0, "snapshot() after restore() must give the bytes that were restored");
      },
      { start: false },
    );
  }

  async garbageSnapshot(): Promise<void> {
    const kept = (await this.snapshotAfter(10))?.bytes ?? new Uint8Array();
    const random = seededRandom(this.seed);
    const noise = Uint8Array.from({ length: 1000 }, () => Math.floor(random() * 256));
    const flipped = kept.map((byte, i) => (i % 7 === 3 ? byte ^ 0xff : byte));
    for (const garbage of [
      new Uint8Array(),
      noise,
      kept.slice(0, kept.length >> 1),
      flipped,
      Buffer.from("null"),
      Buffer.from("[{}]"),
    ]) {
      await this.with(
        async (trial, driver) => {
          if (!trial.plugin.restore) return;
          try {
            trial.plugin.restore(Uint8Array.from(garbage));
          } catch {
            // The right answer: the host logs it, and the plugin starts empty.
          }
          await trial.start();
          await this.ticks(driver, 5);
          trial.demandFaultless();
        },
        { start: false },
      );
    }
  }

  randomUse(): Promise<void> {
    return this.with(async (trial, driver) => {
      const random = seededRandom(this.seed);
      const { ctx, plugin } = trial;
      const operations: (() => unknown)[] = [
        () => driver.tick(),
        () => driver.tick(scribble),
        () => ctx.advance(Math.floor(random() * 90_000)),
        () => ctx.clock.step(Math.floor((random() - 0.5) * 120_000)),
        () => (driver.receives ? driver.give(createBatch(0)) : null),
        () => plugin.snapshot?.(),
        () => ctx.deliver("gap", { fromMs: ctx.clock.now() - 5000, toMs: ctx.clock.now(), reason: "the machine slept" }),
      ];
      for (let i = 0; i < RANDOM_OPERATIONS; i++) {
        // Ordinary ticks make up half of it.
        const pick = random() < 0.5 ? 0 : Math.floor(random() * operations.length);
        try {
          await operations[pick]();
        } catch (error) {
          if (isAnswer(error)) continue;
          throw new Error(`operation ${i} of seed ${this.seed}: ${errorText(error)}`, { cause: error });
        }
      }
      trial.demandFaultless();
    });
  }

  async memory(): Promise<void> {
    const collect = collector();
    if (collect === null) return;
    const { ticks = 10_000, memoryMs = 5000 } = this.options;
    await this.with(async ({ ctx, manifest }, driver) => {
      const untilMs = performance.now() + memoryMs;
      let early = NaN;
      for (let i = 0; i < ticks; i++) {
        // What it learns of a new series and the engine's own warming up are over by then.
        const late = performance.now();
        if (Number.isNaN(early) && (i === ticks >> 2 || late > untilMs - memoryMs * 0.6)) early = usedBytes(collect);
        if (late > untilMs) break;
        await driver.tick();
        ctx.forget();
      }
      const grownMb = (usedBytes(collect) - early) / 2 ** 20;
      const limitMb = manifest.budget?.memory_mb ?? GROWTH_MAX_MB;
      demand(grownMb <= limitMb, `it held ${grownMb.toFixed(1)} MB more after many ticks; its budget is ${limitMb} MB`);
    });
  }

  private async snapshotAfter(ticks: number): Promise<{ bytes: Uint8Array; atMs: number } | null> {
    let kept: { bytes: Uint8Array; atMs: number } | null = null;
    await this.with(async ({ plugin, ctx }, driver) => {
      await this.ticks(driver, ticks);
      if (plugin.snapshot) kept = { bytes: Uint8Array.from(await plugin.snapshot()), atMs: ctx.clock.now() };
    });
    return kept;
  }

  private async ticks(driver: Driver, count: number): Promise<void> {
    for (let i = 0; i < count; i++) await driver.tick();
  }

  /** Runs a task with an instance that is stopped afterwards, whatever comes. */
  private async with(task: (trial: Trial, driver: Driver) => Promise<void>, { start = true } = {}): Promise<void> {
    const trial = await Trial.make(this.parts, this.seed);
    try {
      if (start) await trial.start();
      await task(trial, new Driver(trial, this.seed));
    } finally {
      await trial.end();
    }
  }
}

/** Null after `ms`, counted in looks: where the whole process was held up, its plugin is not to blame. */
async function within<T>(ms: number, task: Promise<T>): Promise<T | null> {
  let timer: ReturnType<typeof setInterval> | undefined;
  let looks = Math.ceil(ms / LOOK_MS);
  const late = new Promise<null>((resolve) => {
    timer = setInterval(() => {
      if (--looks <= 0) resolve(null);
    }, LOOK_MS);
  });
  try {
    return await Promise.race([task, late]);
  } finally {
    clearInterval(timer);
  }
}
