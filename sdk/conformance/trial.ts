import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fillConfig, walkConfig } from "../config-schema.ts";
import type { Disposable } from "../context.ts";
import { AgentError, errorText } from "../errors.ts";
import type { PluginFactory, PluginKinds } from "../kinds.ts";
import type { Manifest } from "../manifest.ts";
import type { Batch, Labels, MetricInfo, SeriesId } from "../series.ts";
import { TestContext, type TestContextOptions } from "../testing.ts";

/** A plugin's module, or its factory. */
export type PluginLoad = () => unknown;

/** Every method that a plugin of any kind may have. */
export type AnyPlugin = Partial<
  PluginKinds["collector"] &
    Omit<PluginKinds["processor"], "start"> &
    Omit<PluginKinds["analytics"], "start"> &
    Omit<PluginKinds["model"], "task"> &
    PluginKinds["recommender"] &
    PluginKinds["exporter"]
> & { readonly task?: string };

/** Throws what a check found. */
export function demand(holds: boolean, sentence: string): asserts holds {
  if (!holds) throw new AgentError("conformance", sentence);
}

const LABEL_NAME = /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/;
/** The high word of Prometheus' stale marker, 7ff0000000000002: the one NaN that is meant. */
const STALE_BITS = 0x7ff0000000000002n;
/** A timestamp further ahead of the clock than this is a unit mixed up, not a clock that is off. */
const AHEAD_MAX_MS = 600_000;
/** 2001-01-20: a time that is older was given in seconds. */
const OLDEST_MS = 1e12 - 2e10;

/** The test context, watching what the plugin does through it. */
export class TrialContext extends TestContext {
  /** What it did that a host would refuse or the pipeline drop, each kind once. */
  readonly faults = new Set<string>();
  closed = false;
  private readonly own = new Set<SeriesId>();
  private readonly bits = new BigUint64Array(1);
  private readonly float = new Float64Array(this.bits.buffer);

  /** Calls of ctx that wait for their answer. */
  waiting = 0;
  private held: Promise<void> | null = null;
  private letGo: () => void = () => {};

  /** From now on nothing that the plugin waits for comes, and nobody waits for its timers. */
  hold(): void {
    this.held ??= new Promise((resolve) => (this.letGo = resolve));
  }

  release(): void {
    this.letGo();
    this.held = null;
  }

  /** What the host does first of all at stop. */
  stop(): void {
    this.abort.abort();
  }

  protected override async answer<T>(answer: () => T | Promise<T>): Promise<T> {
    this.waiting++;
    try {
      await this.held;
      return await super.answer(answer);
    } finally {
      this.waiting--;
    }
  }

  /** As the agent does it: a call that is still running makes the next one be left out, and keeps nobody else waiting. */
  override every(intervalMs: number, task: (signal: AbortSignal) => void | Promise<void>): Disposable {
    let running = false;
    const call = async (signal: AbortSignal): Promise<void> => {
      running = true;
      try {
        await task(signal);
      } finally {
        running = false;
      }
    };
    return super.every(intervalMs, (signal) => {
      if (running) return undefined;
      const ended = call(signal);
      if (!this.held) return ended;
      // The host counts what a timer throws; only what is no answer is a fault of the plugin.
      ended.catch((error: unknown) => error instanceof AgentError || this.faults.add(errorText(error)));
      return undefined;
    });
  }

  override series(name: string, labels: Labels = {}, info?: MetricInfo): SeriesId {
    for (const [label, value] of Object.entries(labels)) {
      if (!LABEL_NAME.test(label) || typeof value !== "string")
        this.faults.add(`label ${label} of ${name} must be a valid name with text as its value`);
    }
    try {
      const id = super.series(name, labels, info);
      this.own.add(id);
      return id;
    } catch (error) {
      this.faults.add(errorText(error));
      throw error;
    }
  }

  override emit(batch: Batch): number {
    if (this.closed) {
      this.faults.add("it emits after it was stopped");
      throw new AgentError("stopped", `${this.id} is stopped`);
    }
    for (let row = 0; row < batch.length; row++) this.checkRow(batch, row);
    return super.emit(batch);
  }

  /** Drops what was recorded, so that a long run measures the plugin and not this. */
  forget(): void {
    this.emitted.length = 0;
    this.findings.length = 0;
    this.logs.length = 0;
    this.states.length = 0;
    this.outside.notices.length = 0;
  }

  private checkRow(batch: Batch, row: number): void {
    const id = batch.series[row];
    if (!this.own.has(id)) {
      this.faults.add(`it emits the series number ${id}, which it did not get from ctx.series()`);
      return;
    }
    const { name, type } = this.seriesInfo(id);
    const timestampMs = batch.timestamps[row];
    if (!Number.isInteger(timestampMs) || timestampMs < OLDEST_MS || timestampMs > this.clock.now() + AHEAD_MAX_MS)
      this.faults.add(`${name} has the timestamp ${timestampMs}; it must be whole Unix milliseconds, not far ahead of the clock`);
    const value = batch.values[row];
    if (type === "histogram" || type === "summary") return;
    this.float[0] = value;
    if (!Number.isFinite(value) && this.bits[0] !== STALE_BITS)
      this.faults.add(`${name} has the value ${value}; leave a row out rather than emit what is not a number`);
    if (type === "counter" && value < 0) this.faults.add(`${name} is a counter and has the value ${value}`);
  }
}

export interface TrialParts {
  readonly manifest: Manifest;
  readonly load: PluginLoad;
  readonly config: Readonly<Record<string, unknown>>;
}

/** One instance of the plugin in a world of its own: context, clock, configuration, folder. */
export class Trial {
  readonly ctx: TrialContext;
  readonly plugin: AnyPlugin;
  readonly manifest: Manifest;
  readonly config: Readonly<Record<string, unknown>>;
  private readonly folder: string;

  private constructor(parts: TrialParts, ctx: TrialContext, plugin: AnyPlugin, config: Record<string, unknown>, folder: string) {
    this.manifest = parts.manifest;
    this.ctx = ctx;
    this.plugin = plugin;
    this.config = config;
    this.folder = folder;
  }

  /** Makes an instance as a host does, not yet started. */
  static async make(parts: TrialParts, options: TestContextOptions): Promise<Trial> {
    const folder = await mkdtemp(join(tmpdir(), "alluse-conformance-"));
    try {
      const ctx = new TrialContext(parts.manifest, options);
      const config = configIn(folder, parts);
      const plugin: unknown = (await factoryOf(parts))(ctx, config);
      demand(typeof plugin === "object" && plugin !== null, "the factory must return an object with the methods of its kind");
      return new Trial(parts, ctx, plugin, config, folder);
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  get intervalMs(): number {
    const { interval_ms: configured } = this.config;
    return typeof configured === "number" ? configured : 1000;
  }

  async start(): Promise<void> {
    await this.plugin.start?.(this.ctx.signal);
  }

  /** Stops, twice as is legal, and undoes what was done through the context. Then nothing is left of it on disk. */
  async end(): Promise<void> {
    try {
      await this.plugin.stop?.();
      await this.ctx.dispose();
      this.ctx.closed = true;
      await this.plugin.stop?.();
    } finally {
      await rm(this.folder, { recursive: true, force: true, maxRetries: 3 });
    }
  }

  /** Fails when the plugin did something a host would refuse. */
  demandFaultless(): void {
    demand(this.ctx.faults.size === 0, [...this.ctx.faults].slice(0, 3).join("; "));
  }
}

async function factoryOf({ load, manifest }: TrialParts): Promise<PluginFactory> {
  const loaded: unknown = await load();
  const factory = typeof loaded === "function" ? loaded : (loaded as { default?: unknown } | null)?.default;
  demand(
    typeof factory === "function",
    `${manifest.entry!} must export its factory as default: export default (ctx, config) => ({ … })`,
  );
  return factory as PluginFactory;
}

/** The defaults of the manifest's schema under what was given; a `data-path` lies in the trial's folder. */
function configIn(folder: string, { manifest, config: given }: TrialParts): Record<string, unknown> {
  const schema = manifest.config ?? {};
  const config = fillConfig(schema, given);
  walkConfig(schema, config, ({ name, schema: inner, set }) => {
    if (inner["format"] === "data-path") set(join(folder, name));
  });
  return config;
}
