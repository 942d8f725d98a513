import { type Batch, createBatch, type Finding, type Manifest, type QueryRow, type SeriesInfo, type Topics } from "all-use-agent/sdk";
import { SimulatedTime } from "../../time.ts";
import { CollectLoop, type CollectOwner } from "../collect-loop.ts";
import { Emissions } from "../emissions.ts";
import type { LoadLevel } from "../load-rule.ts";
import type { Rights } from "../mode.ts";
import { settleStrategy } from "../settle.ts";
import type { Surroundings } from "../surroundings.ts";

export const START_MS = Date.UTC(2026, 2, 28, 12);

export interface LoopOptions {
  readonly strategy?: Readonly<Record<string, unknown>>;
  readonly manifest?: Partial<Manifest>;
  readonly intervalMs?: number;
  readonly seed?: string;
  readonly instance?: string;
  readonly rights?: Rights;
  readonly atOnce?: boolean;
  readonly servedMs?: number;
  readonly startMs?: number;
  readonly time?: SimulatedTime;
}

/** A collector's loop in simulated time, with everything around it in the test's hands. */
export class LoopUnderTest {
  readonly time: SimulatedTime;
  readonly loop: CollectLoop;
  readonly emissions = new Emissions();
  /** Wall clock of each try. */
  readonly readAt: number[] = [];
  readonly failures: string[] = [];
  /** What it was held for, and is: code → reason. */
  readonly held = new Map<string, string>();
  readonly holds: string[] = [];
  skipped = 0;
  collected = 0;
  overlapped = false;
  /** What a reading does. */
  onCollect: (signal: AbortSignal) => void | Promise<void> = () => {};
  onQuery: (expr: string) => QueryRow[] = () => [];
  /** What each random number is. */
  random = 0.5;
  slowed = false;
  level: LoadLevel = 0;
  battery = false;
  up = true;
  infos: SeriesInfo[] = [];
  private running = false;
  private readonly loadListeners = new Set<() => void>();
  private readonly networkListeners = new Set<() => void>();
  private readonly topics = new Map<string, Set<(event: never) => void>>();

  constructor(options: LoopOptions = {}) {
    const { strategy: given, manifest = {}, intervalMs = 1000, seed = "here" } = options;
    const whole: Manifest = {
      id: "collectors/demo",
      version: "1.0.0",
      api: 1,
      kind: "collector",
      entry: "index.ts",
      title: "Demo",
      stability: "beta",
      ...manifest,
    };
    const { strategy, problems } = settleStrategy(whole, { manifest: whole.strategy, plugin: given }, intervalMs);
    if (!strategy || problems.length > 0) throw new Error(JSON.stringify(problems));
    this.time = options.time ?? new SimulatedTime(options.startMs ?? START_MS);
    const surroundings: Surroundings = {
      seed,
      load: this.load,
      onLoad: (listener) => added(this.loadListeners, listener),
      onBattery: () => this.battery,
      networkUp: () => this.up,
      onNetwork: (listener) => added(this.networkListeners, listener),
    };
    const owner: CollectOwner = {
      time: this.time,
      atOnce: options.atOnce ?? false,
      call: (task) => task(),
      skipped: () => void this.skipped++,
      slowed: () => this.slowed,
      collected: () => void this.collected++,
      collectFailed: (error) => void this.failures.push((error as Error).message),
      held: (code, reason) => {
        this.held.set(code, reason);
        this.holds.push(code);
      },
      released: (code) => void this.held.delete(code),
    };
    this.loop = new CollectLoop(
      (signal) => this.collect(signal),
      {
        id: whole.id,
        instance: options.instance ?? "default",
        strategy,
        emissions: this.emissions,
        surroundings,
        random: () => this.random,
        rights: options.rights ?? null,
        services: {
          query: (expr) => Promise.resolve().then(() => this.onQuery(expr)),
          queriedMetrics: (expr) => [expr.split(/[^a-z0-9_]/)[0]],
          seriesInfo: (id) => this.infos[id],
          on: <T extends keyof Topics>(topic: T, listener: (event: Topics[T]) => void) => {
            const set = this.topics.get(topic) ?? new Set();
            this.topics.set(topic, set);
            return added(set, listener);
          },
        },
      },
      owner,
      options.servedMs ?? null,
    );
  }

  /** Seconds since the start of each try. */
  get seconds(): number[] {
    return this.readAt.map((ms) => (ms - START_MS) / 1000);
  }

  get intervalMs(): number | null {
    return this.loop.pace().intervalMs;
  }

  /** Moves time to just after the next reading, which must come within an hour. */
  async nextReading(): Promise<void> {
    const before = this.readAt.length;
    for (let i = 0; i < 36_000 && this.readAt.length === before; i++) await this.time.advance(100);
    if (this.readAt.length === before) throw new Error("no reading within an hour");
  }

  /** Forgets what was counted, to look at what comes. */
  forget(): void {
    this.readAt.length = 0;
    this.skipped = 0;
    this.failures.length = 0;
  }

  setLevel(level: LoadLevel): void {
    this.level = level;
    for (const listener of this.loadListeners) listener();
  }

  setUp(up: boolean): void {
    this.up = up;
    for (const listener of this.networkListeners) listener();
  }

  tell<T extends keyof Topics>(topic: T, event: Topics[T]): void {
    for (const listener of this.topics.get(topic) ?? []) (listener as (event: Topics[T]) => void)(event);
  }

  /** The wall clock jumps, and the agent's watch notices. */
  jump(ms: number): void {
    const fromMs = this.time.now();
    this.time.step(ms);
    this.tell("gap", { fromMs, toMs: this.time.now(), reason: "the machine slept or the clock was set" });
  }

  /** Emits one row a series, as a reading would. */
  emit(...values: readonly number[]): void {
    const batch: Batch = createBatch(values.length);
    values.forEach((value, i) => {
      this.infos[i] ??= { name: `demo_${i}`, labels: {}, type: "gauge", help: "x" };
      this.emissions.registered(this.infos[i].name);
      batch.series[i] = i;
      batch.timestamps[i] = this.time.now();
      batch.values[i] = value;
    });
    batch.length = values.length;
    this.emissions.emitted(batch);
  }

  private get load(): Surroundings["load"] {
    const level = (): LoadLevel => this.level;
    return {
      get level() {
        return level();
      },
      get reason() {
        return level() === 0 ? null : "a test";
      },
    };
  }

  private collect(signal: AbortSignal): void | Promise<void> {
    if (this.running) this.overlapped = true;
    this.readAt.push(this.time.now());
    this.running = true;
    let pending: void | Promise<void>;
    try {
      pending = this.onCollect(signal);
    } catch (error) {
      this.running = false;
      throw error;
    }
    if (pending) return pending.finally(() => (this.running = false));
    this.running = false;
  }
}

export function finding(metric: string, more: Partial<Finding> = {}): Finding {
  const startMs = START_MS;
  const base = { id: metric, kind: "anomaly" as const, metric, labels: {}, startMs, endMs: null, score: 1 };
  return { ...base, severity: "attention", summary: "odd", evidence: [], ...more };
}

/** Lets what waits for promises alone go on. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

function added<T>(set: Set<T>, one: T): { dispose(): void } {
  set.add(one);
  return { dispose: () => void set.delete(one) };
}
