import {
  AgentError,
  type Disposable,
  errorText,
  type Manifest,
  type PluginLifecycle,
  type PluginReport,
  type PluginState,
} from "all-use-agent/sdk";
import { startCollecting } from "../collect-loop.ts";
import { withDeadline } from "../deadline.ts";
import type { PluginFolder } from "../discover.ts";
import type { InstanceParts } from "../instance.ts";
import type { Instance } from "../instance-type.ts";
import { Meter } from "../meter.ts";
import { RealTime, SimulatedTime } from "../time.ts";
import { Broker } from "./broker.ts";
import { CrashRule } from "./crash-rule.ts";
import type { Message } from "./frames.ts";
import type { StartOrder } from "./messages.ts";
import { Permissions } from "./permissions.ts";
import { PluginProcess } from "./plugin-process.ts";
import { proxyOf } from "./proxy.ts";

const START_DEADLINE_MS = 10_000;
const STOP_DEADLINE_MS = 5_000;
const FAULTS_IN_A_ROW_MAX = 5;
const DEFAULT_INTERVAL_MS = 1000;
const SNAPSHOT_NAME = "snapshot";
const EVIDENCE_NAME = "crash.json";
const KINDS: readonly Manifest["kind"][] = ["collector", "analytics", "recommender", "exporter"];

/** What belongs to one run of the process and ends with it. */
interface Life {
  process: PluginProcess | null;
  broker: Broker | null;
  loop: Disposable | null;
}

/** An installed plugin: its code in a process of its own, here its state, its supervision and its calls. */
export class ProcessInstance implements Instance {
  readonly id: string;
  readonly manifest: Manifest;
  readonly folder: string;
  plugin: PluginLifecycle | null = null;

  private readonly parts: InstanceParts;
  private readonly meter: Meter;
  private readonly rule = new CrashRule();
  private readonly permissions: Permissions;
  private readonly abort = new AbortController();
  /** Deadlines of processes are real even where the agent's clock is not. */
  private readonly realTime = new RealTime();
  private life: Life | null = null;
  private restart: Disposable | null = null;
  private limits: readonly string[] = [];
  private restarts = 0;
  private endedCpuMs = 0;
  private state: PluginState = "starting";
  private reason: string | null = null;
  private code: string | null = null;
  private sinceMs: number;
  private faultsInARow = 0;
  private stopping: Promise<void> | null = null;

  constructor(parts: InstanceParts) {
    this.parts = parts;
    this.id = parts.manifest.id;
    this.manifest = parts.manifest;
    this.folder = parts.place.folder;
    this.sinceMs = parts.time.now();
    this.meter = new Meter(parts.time.monotonic());
    this.permissions = new Permissions(parts.manifest, parts.log);
  }

  get origin(): PluginFolder["origin"] {
    return this.parts.place.origin;
  }

  get signal(): AbortSignal {
    return this.abort.signal;
  }

  get running(): boolean {
    return (this.state === "ok" || this.state === "degraded") && this.plugin !== null;
  }

  get busyMs(): number {
    return this.endedCpuMs + (this.life?.process?.usage.cpuMs ?? 0);
  }

  async start(): Promise<void> {
    if (this.signal.aborted) return;
    const { kind } = this.manifest;
    if (!KINDS.includes(kind)) {
      const message = `a ${kind} works on the samples' way and cannot run in a process of its own: if you trust it with the agent's rights, set "inside": true for ${this.manifest.id} under "plugins" in config.json`;
      return this.fail(new AgentError("kind_not_isolated", message), "kind_not_isolated");
    }
    this.enter("starting", null, null);
    await this.launch();
  }

  stop(): Promise<void> {
    this.stopping ??= this.wind();
    return this.stopping;
  }

  async saveSnapshot(): Promise<void> {
    const plugin = this.plugin;
    if (!plugin?.snapshot) return;
    try {
      const bytes = await this.soon("keeping its state", plugin.snapshot());
      if (bytes.length > 0) await this.parts.store.write(SNAPSHOT_NAME, bytes);
    } catch (error) {
      this.parts.log.warn(`its state could not be kept: ${errorText(error)}`);
    }
  }

  /** What is metered is the time until the answer; CPU is the process's own. */
  call<T>(task: () => T): T {
    const startMs = performance.now();
    const measure = (): void => this.meter.add(performance.now() - startMs, 0);
    const result = task();
    if (result instanceof Promise) result.then(measure, measure);
    else measure();
    return result;
  }

  onWay(task: () => void): void {
    if (!this.running) return;
    try {
      task();
    } catch (error) {
      this.fault(error);
    }
  }

  crashed(error: unknown): void {
    this.meter.errors++;
    void this.fail(error, error instanceof AgentError ? error.code : "crashed");
  }

  report(): PluginReport {
    const { manifest, place, time } = this.parts;
    const process = this.life?.process;
    this.meter.busyMs = this.busyMs;
    return {
      id: manifest.id,
      title: manifest.title,
      kind: manifest.kind,
      version: manifest.version,
      folder: place.folder,
      origin: place.origin,
      state: this.state,
      reason: this.reason,
      code: this.code,
      sinceMs: this.sinceMs,
      cost: this.meter.report(time.monotonic()),
      isolation: {
        level: "process",
        pid: process?.pid ?? null,
        residentBytes: process?.usage.residentBytes ?? 0,
        restarts: this.restarts,
        denied: this.permissions.denied,
        limits: this.limits,
      },
    };
  }

  private async launch(): Promise<void> {
    const { parts } = this;
    const life: Life = { process: null, broker: null, loop: null };
    this.life = life;
    const javascript = this.manifest.entry.endsWith(".ts") ? this.javascript() : Promise.resolve({});
    try {
      const process = await PluginProcess.launch(this.folder, this.manifest, parts.log, {
        now: () => parts.time.now(),
        message: (message) => this.take(life, message),
        batch: (payload) => life.broker?.emit(payload),
        slowed: () => this.slowed(),
        wanted: () => this.life === life && !this.signal.aborted,
        ended: (error, final) => this.ended(life, error, final),
      });
      life.process = process;
      this.limits = process.limits;
      if (this.signal.aborted) return await process.close();
      life.broker = new Broker({
        ...parts,
        permissions: this.permissions,
        channel: process.channel,
        emitted: (samples) => void (this.meter.samples += samples),
        skipped: () => void this.meter.skipped++,
        fault: (error) => this.fault(error),
        worked: () => this.recovered("fault"),
        status: (state, reason) => this.reportStatus(state, reason),
      });
      await this.load(life, process, life.broker, javascript);
    } catch (error) {
      // When the process ended, `ended` has seen to it.
      if (this.life === life)
        await this.fail(error, error instanceof AgentError && error.code !== "failed" ? error.code : "start_failed");
    }
  }

  private async javascript(): Promise<StartOrder["javascript"]> {
    const { strippedSources } = await import("./typescript.ts");
    return strippedSources(this.folder, this.parts.store);
  }

  private async load(
    life: Life,
    process: PluginProcess,
    broker: Broker,
    javascript: Promise<StartOrder["javascript"]>,
  ): Promise<void> {
    const { manifest, config, store, time } = this.parts;
    const order: StartOrder = {
      folder: this.folder,
      manifest,
      config,
      snapshot: await store.read(SNAPSHOT_NAME),
      javascript: await javascript,
      simulated: time instanceof SimulatedTime,
    };
    const late = setTimeout(
      () =>
        process.kill(new AgentError("start_timeout", `starting ${this.id} took longer than ${START_DEADLINE_MS / 1000} s`), true),
      START_DEADLINE_MS,
    );
    try {
      const { value } = await process.channel.call("start", [order]);
      const methods = (value as { methods?: unknown } | null)?.methods;
      if (this.life !== life || this.signal.aborted) return;
      this.plugin = proxyOf({
        methods: Array.isArray(methods) ? methods.map(String) : [],
        channel: process.channel,
        broker,
        skipped: () => void this.meter.skipped++,
      });
      this.rule.started(time.monotonic());
      // What it said of itself while it started stands.
      if (this.state === "starting" || this.code !== null) this.enter("ok", null, null);
      if (manifest.kind === "collector") this.collectIn(life);
    } finally {
      clearTimeout(late);
    }
  }

  private collectIn(life: Life): void {
    const { collect } = this.plugin as { collect?: (signal: AbortSignal) => Promise<void> };
    if (!collect) return;
    const { interval_ms: configured } = this.parts.config;
    life.loop = startCollecting(collect, typeof configured === "number" ? configured : DEFAULT_INTERVAL_MS, {
      time: this.parts.time,
      // Who saved its code, or waits for it after a crash, is not kept waiting for the next second, or minute.
      atOnce: this.parts.time instanceof RealTime,
      call: (task) => this.call(task),
      skipped: () => void this.meter.skipped++,
      collected: () => this.recovered("collect_failed"),
      collectFailed: (error) => {
        this.meter.errors++;
        if (this.running && this.life === life) this.enter("degraded", errorText(error), "collect_failed");
      },
    });
  }

  private take(life: Life, message: Message): void {
    life.broker?.take(message);
  }

  /** The process is gone. It gets another, later and later, unless it crashed too often or did what no plugin may do. */
  private ended(life: Life, error: AgentError, final: boolean): void {
    if (this.life !== life) return;
    this.endLife(life);
    this.meter.errors++;
    if (this.signal.aborted || this.state === "failed") return;
    const delayMs = final ? null : this.rule.crashed(this.parts.time.monotonic());
    this.keepEvidence(life, error);
    if (delayMs === null) {
      const often = final ? "" : "; it crashed three times in five minutes and is not started again";
      return void this.fail(new AgentError(error.code, `${error.message}${often}`), error.code);
    }
    this.parts.log.warn(error.message);
    this.enter("degraded", `${error.message}; it starts again in ${delayMs / 1000} s`, error.code);
    this.restart = this.parts.time.after(delayMs, () => {
      this.restarts++;
      void this.launch();
    });
  }

  private keepEvidence(life: Life, error: AgentError): void {
    const evidence = {
      time: new Date(this.parts.time.now()).toISOString(),
      version: this.manifest.version,
      code: error.code,
      reason: error.message,
      printed: life.process?.lastLines ?? [],
    };
    this.parts.store
      .write(EVIDENCE_NAME, Buffer.from(`${JSON.stringify(evidence, null, 2)}\n`))
      .catch((reason: unknown) => this.parts.log.warn(`the evidence of its crash could not be kept: ${errorText(reason)}`));
  }

  private endLife(life: Life): void {
    this.endedCpuMs += life.process?.usage.cpuMs ?? 0;
    void life.loop?.dispose();
    life.broker?.dispose();
    this.life = null;
    this.plugin = null;
  }

  private slowed(): void {
    this.permissions.count("it sends faster than 4 MB a second: it is read more slowly");
  }

  private fault(error: unknown): void {
    this.meter.errors++;
    this.faultsInARow++;
    this.parts.log.warn(errorText(error));
    if (this.faultsInARow >= FAULTS_IN_A_ROW_MAX) void this.fail(error, "faults_repeated");
    else if (this.running) this.enter("degraded", errorText(error), "fault");
  }

  /** It works again: the state that `code` brought is over. */
  private recovered(code: string): void {
    this.faultsInARow = 0;
    if (this.running && this.code === code) this.enter("ok", null, null);
  }

  private reportStatus(state: "ok" | "degraded", reason: string | undefined): void {
    if (this.state === "failed" || this.signal.aborted) return;
    if (this.state === state && this.reason === (reason ?? null)) return;
    this.enter(state, reason ?? null, null);
  }

  private async fail(error: unknown, code: string): Promise<void> {
    if (this.state === "failed" || this.stopping) return;
    this.enter("failed", errorText(error), code);
    this.parts.log.error(`failed: ${errorText(error)}`);
    this.abort.abort();
    await this.closeLife();
  }

  private async wind(): Promise<void> {
    const failed = this.state === "failed";
    if (!failed) {
      await this.saveSnapshot();
      this.enter("stopping", null, null);
    }
    this.abort.abort();
    const channel = this.life?.process?.channel;
    try {
      if (channel && this.plugin) await this.soon("stopping", channel.call("stop"));
    } catch (error) {
      this.parts.log.warn(`did not stop cleanly: ${errorText(error)}`);
    }
    await this.closeLife();
    if (!failed) this.enter("stopped", null, null);
  }

  private async closeLife(): Promise<void> {
    void this.restart?.dispose();
    const { life } = this;
    if (!life) return;
    this.endLife(life);
    await life.process?.close();
  }

  private soon<T>(what: string, task: Promise<T> | T): Promise<T> {
    return withDeadline(this.realTime, STOP_DEADLINE_MS, "stop_timeout", `${what} ${this.id}`, task);
  }

  private enter(state: PluginState, reason: string | null, code: string | null): void {
    this.state = state;
    this.reason = reason;
    this.code = code;
    this.sinceMs = this.parts.time.now();
    this.parts.changed();
  }
}
