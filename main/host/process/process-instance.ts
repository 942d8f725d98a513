import { AgentError, type Disposable, errorText, type PluginReport } from "all-use-agent/sdk";
import { SUSPENDED_MS } from "../budget.ts";
import { hideError } from "../config/redact.ts";
import { withDeadline } from "../deadline.ts";
import { errorCode } from "../error-code.ts";
import { InstanceBase, type InstanceParts, outsideOf } from "../instance-base.ts";
import type { Instance } from "../instance-type.ts";
import type { CollectLoop, CollectOwner } from "../strategy/collect-loop.ts";
import { RealTime, SimulatedTime } from "../time.ts";
import { Broker } from "./broker.ts";
import { CrashRecord, tooOften } from "./crash-record.ts";
import type { Message } from "./frames.ts";
import { errorFrom, type StartOrder } from "./messages.ts";
import { Permissions } from "./permissions.ts";
import { ProcessBudget } from "./process-budget.ts";
import { PluginProcess } from "./plugin-process.ts";
import { ProcessorQueue } from "./processor-queue.ts";
import { proxyOf } from "./proxy.ts";

const START_DEADLINE_MS = 10_000;
const STOP_DEADLINE_MS = 5_000;
const FAULTS_IN_A_ROW_MAX = 5;
const SNAPSHOT_NAME = "snapshot";

/** What belongs to one run of the process and ends with it. */
interface Life {
  process: PluginProcess | null;
  broker: Broker | null;
  loop: CollectLoop | null;
  /** While it lasts, earlier crashes are not yet forgotten. */
  trial: Disposable | null;
  /** What is with a processor that changes batches. */
  queue: ProcessorQueue | null;
}

/** An installed plugin: its code in a process of its own, here its state, its supervision and its calls. */
export class ProcessInstance extends InstanceBase implements Instance {
  /** Nothing is read: it has not begun, or another takes over. */
  private standby = false;
  private halted = false;
  private readonly crashes: CrashRecord;
  private readonly budget: ProcessBudget;
  private readonly permissions: Permissions;
  /** Deadlines of processes are real even where the agent's clock is not. */
  private readonly realTime = new RealTime();
  private life: Life | null = null;
  private restart: Disposable | null = null;
  private limits: readonly string[] = [];
  private restarts = 0;
  private endedCpuMs = 0;
  private faultsInARow = 0;
  private stopping: Promise<void> | null = null;

  constructor(parts: InstanceParts) {
    super(parts);
    this.crashes = new CrashRecord({ ...this.parts, folder: this.folder, hide: this.hide });
    this.budget = new ProcessBudget(parts.manifest, this.parts.log);
    this.permissions = new Permissions(parts.manifest, this.parts.log, parts.uses);
  }

  get running(): boolean {
    return (this.state === "ok" || this.state === "degraded") && this.plugin !== null;
  }

  get away(): ProcessorQueue | null {
    return this.life?.queue ?? null;
  }

  get busyMs(): number {
    return this.endedCpuMs + (this.life?.process?.usage.cpuMs ?? 0);
  }

  async start(standby = false): Promise<void> {
    if (this.signal.aborted) return;
    this.standby = standby;
    if (this.manifest.kind === "storage" && this.manifest.provides?.includes("series")) {
      const message = `a store of series holds every sample there is and answers at once, so it cannot run in a process of its own: if you trust it with the agent's rights, set "inside": true for ${this.manifest.id} under "plugins" in config.json`;
      return this.fail(new AgentError("kind_not_isolated", message), "kind_not_isolated");
    }
    this.enter("starting", null, null);
    const before = await this.crashes.recall();
    if (before !== null) return this.fail(new AgentError(before.code, `${before.reason}${tooOften(this.id)}`), before.code);
    await this.launch();
  }

  stop(keep = true): Promise<void> {
    this.stopping ??= this.wind(keep);
    return this.stopping;
  }

  async halt(): Promise<number> {
    const { life } = this;
    this.halted = true;
    life?.broker?.halt();
    life?.loop?.dispose();
    await life?.loop?.idle();
    return life?.loop?.servedMs ?? this.parts.time.now();
  }

  begin(servedMs: number): void {
    this.standby = false;
    if (this.life && this.plugin) this.collectIn(this.life, servedMs);
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
    const { hide } = this;
    const result = task();
    if (result instanceof Promise) result.then(measure, measure);
    else measure();
    if (!hide || !(result instanceof Promise)) return result;
    return result.catch((error: unknown) => {
      throw hideError(error, hide);
    }) as T;
  }

  onWay(task: () => void): void {
    if (!this.running) return;
    try {
      task();
    } catch (error) {
      this.fault(error);
    }
  }

  get slowed(): boolean {
    return this.budget.slowed;
  }

  leftOut(batches: number): void {
    this.meter.skipped += batches;
  }

  lookAtBudget(): void {
    if (!this.running) return;
    const found = this.budget.look(this.realTime.monotonic(), this.busyMs);
    if (found === null) {
      // It may have said meanwhile that it is well; its pace says otherwise.
      if (this.budget.slowed && this.code === null) this.enter("degraded", this.budget.reason, "budget_exceeded");
      return;
    }
    const { verdict, error } = found;
    if (verdict === "normal") return this.recovered(error.code);
    if (verdict === "slow") return this.enter("degraded", error.message, error.code);
    if (this.life) this.crashes.keepEvidence(error, this.life.process?.lastLines ?? []);
    void (verdict === "fail" ? this.fail(error, error.code) : this.suspend(error));
  }

  crashed(error: unknown): void {
    this.meter.errors++;
    void this.fail(error, error instanceof AgentError ? error.code : "crashed");
  }

  report(): PluginReport {
    const process = this.life?.process;
    this.meter.busyMs = this.busyMs;
    return this.reportOf({
      level: "process",
      pid: process?.pid ?? null,
      residentBytes: process?.usage.residentBytes ?? 0,
      restarts: this.restarts,
      denied: this.permissions.denied,
      limits: this.limits,
    });
  }

  /** Ends its process in good order, and starts another one later. */
  private async suspend(error: AgentError): Promise<void> {
    const { life } = this;
    await this.saveSnapshot();
    if (this.life !== life || this.signal.aborted) return;
    this.enter("stopped", error.message, error.code);
    await this.endInOrder();
    if (this.signal.aborted) return;
    this.restart = this.parts.time.after(SUSPENDED_MS, () => {
      this.restarts++;
      this.enter("starting", null, null);
      void this.launch();
    });
  }

  private async launch(): Promise<void> {
    const { parts } = this;
    const life: Life = { process: null, broker: null, loop: null, trial: null, queue: null };
    this.life = life;
    const javascript = this.manifest.entry!.endsWith(".ts") ? this.javascript() : Promise.resolve({});
    try {
      const process = await PluginProcess.launch(this.folder, this.manifest, parts.log, {
        now: () => parts.time.now(),
        message: (message) => this.take(life, message),
        batch: (payload) => life.broker?.emit(payload),
        processed: (payload) => {
          if (!life.queue) throw new AgentError("frame_invalid", "its process answered what it was not asked");
          life.queue.answered(payload);
        },
        slowed: () => this.tooFast(),
        wanted: () => this.life === life && !this.signal.aborted,
        ended: (error, final) => this.ended(life, error, final),
      });
      life.process = process;
      this.limits = process.limits;
      if (this.signal.aborted) return await process.close();
      life.broker = new Broker({
        ...parts,
        store: parts.store.own,
        permissions: this.permissions,
        outside: (signal) => outsideOf(parts, this.permissions, signal),
        channel: process.channel,
        latestPipe: process.latestPipe,
        violated: (error) => process.kill(error, true),
        emitted: (samples) => void (this.meter.samples += samples),
        skipped: () => void this.meter.skipped++,
        slowed: () => this.slowed,
        fault: (error) => this.fault(error),
        worked: () => this.recovered("fault"),
        status: (state, reason) => this.reportStatus(state, reason),
      });
      if (this.manifest.kind === "processor" && this.manifest.mutates) life.queue = this.queueTo(process, life.broker);
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
      instance: this.parts.instance,
      snapshot: await store.read(SNAPSHOT_NAME),
      javascript: await javascript,
      simulated: time instanceof SimulatedTime,
      latest: process.latestPipe !== null,
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
        id: this.id,
        methods: Array.isArray(methods) ? methods.map(String) : [],
        channel: process.channel,
        broker,
        queue: life.queue,
        skipped: () => void this.meter.skipped++,
        fault: (error) => this.fault(error),
        worked: () => this.recovered("fault"),
      });
      life.trial = this.crashes.started();
      this.budget.started();
      // What it said of itself while it started stands.
      if (this.state === "starting" || this.code !== null) this.enter("ok", null, null);
      else this.parts.changed();
      if (!this.standby && !this.halted) this.collectIn(life, null);
    } finally {
      clearTimeout(late);
    }
  }

  private collectIn(life: Life, servedMs: number | null): void {
    if (this.manifest.kind !== "collector") return;
    const { collect } = this.plugin as { collect?: (signal: AbortSignal) => Promise<void> };
    if (!collect) return;
    const owner: CollectOwner = {
      time: this.parts.time,
      // Who saved its code, or waits for it after a crash, is not kept waiting for the next second, or minute.
      atOnce: this.parts.time instanceof RealTime,
      call: (task) => this.call(task),
      skipped: () => void this.meter.skipped++,
      slowed: () => this.slowed,
      collected: () => this.recovered("collect_failed"),
      collectFailed: (error) => {
        this.meter.errors++;
        this.parts.log.warn(errorText(error), { code: errorCode(error, "collect_failed") });
        if (this.running && this.life === life) this.enter("degraded", errorText(error), "collect_failed");
      },
      held: (code, reason) => {
        this.parts.log.warn(reason, { code });
        if (this.running && this.life === life) this.enter("degraded", reason, code);
      },
      released: (code) => this.recovered(code),
    };
    this.loop = life.loop = this.collecting(collect, owner, this.permissions, servedMs);
  }

  /** The way to a processor and back. */
  private queueTo(process: PluginProcess, broker: Broker): ProcessorQueue {
    const { channel } = process;
    return new ProcessorQueue({
      withdraw: (batch) => broker.withdraw(batch),
      send: (seq, batch) => {
        if (channel.congested) return false;
        channel.send({ t: "process", seq, batch });
        return true;
      },
      check: (sent, answer) => broker.checkProcessed(sent, answer),
      processed: (tookMs) => {
        this.meter.add(tookMs, 0);
        this.recovered("fault");
      },
      skipped: () => void this.meter.skipped++,
      late: (reason) => {
        if (reason === null) this.recovered("processor_late");
        else if (this.running && this.code !== "processor_late") this.enter("degraded", reason, "processor_late");
      },
      fault: (error) => this.fault(error),
      stuck: (error) => process.kill(error),
    });
  }

  private take(life: Life, message: Message): void {
    if (message.json.t === "unprocessed" && life.queue) life.queue.failed(message.json["seq"], errorFrom(message.json["error"]));
    else life.broker?.take(message);
  }

  /** The process is gone. It gets another, later and later, unless it crashed too often or did what no plugin may do. */
  private ended(life: Life, error: AgentError, final: boolean): void {
    if (this.life !== life) return;
    this.endLife(life);
    this.meter.errors++;
    if (this.signal.aborted || this.state === "failed") return;
    const delayMs = final ? null : this.crashes.crashed(error);
    this.crashes.keepEvidence(error, life.process?.lastLines ?? []);
    if (delayMs === null) {
      const often = final ? "" : tooOften(this.id);
      return void this.fail(new AgentError(error.code, `${error.message}${often}`), error.code);
    }
    this.parts.log.warn(error.message, { code: error.code });
    this.enter("degraded", `${error.message}; it starts again in ${delayMs / 1000} s`, error.code);
    this.restart = this.parts.time.after(delayMs, () => {
      this.restarts++;
      void this.launch();
    });
  }

  private endLife(life: Life): void {
    this.endedCpuMs += life.process?.usage.cpuMs ?? 0;
    life.loop?.dispose();
    this.loop = null;
    void life.trial?.dispose();
    life.broker?.dispose();
    this.life = null;
    this.plugin = null;
    life.queue?.end();
  }

  private tooFast(): void {
    this.permissions.count("it sends faster than 4 MB a second: it is read more slowly");
  }

  private fault(error: unknown): void {
    this.meter.errors++;
    this.faultsInARow++;
    this.parts.log.warn(errorText(error), { code: errorCode(error, "fault") });
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
    this.parts.log.error(`failed: ${errorText(error)}`, { code });
    this.abort.abort();
    await this.closeLife();
  }

  private async wind(keep: boolean): Promise<void> {
    const failed = this.state === "failed";
    if (!failed) {
      if (keep) await this.saveSnapshot();
      // Samples that it still has come back before those that will not be given to it.
      await this.away?.close();
      this.enter("stopping", null, null);
    }
    this.abort.abort();
    await this.endInOrder();
    await this.crashes.settled();
    if (!failed) this.enter("stopped", null, null);
  }

  private async endInOrder(): Promise<void> {
    const channel = this.life?.process?.channel;
    try {
      if (channel && this.plugin) await this.soon("stopping", channel.call("stop"));
    } catch (error) {
      this.parts.log.warn(`did not stop cleanly: ${errorText(error)}`);
    }
    await this.closeLife();
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
}
