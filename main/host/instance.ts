import { AgentError, type Collector, type Disposable, errorText, type Manifest, type PluginReport } from "all-use-agent/sdk";
import { attributed } from "./attribution.ts";
import { hideError } from "./config/redact.ts";
import { type ContextOwner, createContext } from "./context.ts";
import { withDeadline } from "./deadline.ts";
import { errorCode } from "./error-code.ts";
import { makePlugin } from "./factory.ts";
import { InsideBudget } from "./inside-budget.ts";
import { InstanceBase, type InstanceParts, outsideOf } from "./instance-base.ts";
import type { Instance } from "./instance-type.ts";
import { Permissions } from "./process/permissions.ts";

const START_DEADLINE_MS = 10_000;
const STOP_DEADLINE_MS = 5_000;
/** This many failed calls in a row of a plugin on the samples' way fail it: it must not burn the way for all. */
const FAULTS_IN_A_ROW_MAX = 5;
const SNAPSHOT_NAME = "snapshot";
/** Others stand on the samples' way, or are asked: to leave something out would cost more than it saves. */
const SLOWABLE: readonly Manifest["kind"][] = ["collector", "analytics", "exporter"];

/** One running plugin: its state, its calls, its cost, and everything to undo when it stops. */
export class PluginInstance extends InstanceBase implements Instance, ContextOwner {
  closed = false;
  halted = false;

  private readonly disposables = new Set<Disposable>();
  private readonly budget: InsideBudget | null;
  /** What its calls took in those whom they handed samples to. */
  private elsewhereMs = 0;
  private faultsInARow = 0;
  private stopping: Promise<void> | null = null;

  constructor(parts: InstanceParts) {
    super(parts);
    const { cpu_ms_per_s: limit } = parts.manifest.budget ?? {};
    this.budget = limit === undefined ? null : new InsideBudget(limit);
  }

  get instance(): string {
    return this.parts.instance;
  }

  /** Started and not failed. */
  get running(): boolean {
    return this.state === "ok" || this.state === "degraded";
  }

  /** Loads the code, restores the last snapshot, starts. Never throws: what goes wrong is the plugin's state. */
  async start(standby = false): Promise<void> {
    const { time } = this.parts;
    if (this.signal.aborted) return;
    this.enter("starting", null, null);
    try {
      await withDeadline(
        time,
        START_DEADLINE_MS,
        "start_timeout",
        `starting ${this.id}`,
        attributed(this, () => this.load()),
      );
      if (this.state !== "starting") return;
      this.enter("ok", null, null);
      if (!standby) this.scheduleCollect(null);
    } catch (error) {
      await this.fail(error, error instanceof AgentError ? error.code : "start_failed");
    }
  }

  /** Keeps the snapshot, stops, undoes everything. Legal in any state, and twice. */
  stop(keep = true): Promise<void> {
    this.stopping ??= this.wind(this.state === "failed" ? "failed" : "stopped", keep);
    return this.stopping;
  }

  async halt(): Promise<number> {
    this.halted = true;
    this.loop?.dispose();
    await this.loop?.idle();
    return this.loop?.servedMs ?? this.parts.time.now();
  }

  begin(servedMs: number): void {
    this.scheduleCollect(servedMs);
  }

  /** Keeps the plugin's snapshot if it has one. A failure is logged: the previous snapshot stays. */
  async saveSnapshot(): Promise<void> {
    const plugin = this.plugin;
    if (!plugin?.snapshot) return;
    try {
      const bytes = await this.call(() => plugin.snapshot!());
      await this.parts.store.write(SNAPSHOT_NAME, bytes);
    } catch (error) {
      this.parts.log.warn(`its state could not be kept: ${errorText(error)}`);
    }
  }

  /** Calls into the plugin: attributed, its synchronous part metered. Errors pass through: they may be answers. */
  call<T>(task: () => T): T {
    const { hide } = this;
    const { trail } = this.parts;
    const startMs = performance.now();
    const elsewhereMs = this.elsewhereMs;
    trail?.enter(this.id);
    try {
      const result = attributed(this, task);
      // Whoever gets the error shows it.
      if (!hide || !(result instanceof Promise)) return result;
      return result.catch((error: unknown) => {
        throw hideError(error, hide);
      }) as T;
    } catch (error) {
      throw hide ? hideError(error, hide) : error;
    } finally {
      trail?.leave();
      const elapsedMs = performance.now() - startMs;
      this.meter.add(elapsedMs, elapsedMs - (this.elsewhereMs - elsewhereMs));
    }
  }

  /** A call on the samples' way: what it throws is counted, and too many in a row fail the plugin. */
  onWay(task: () => void): void {
    if (!this.running) return;
    try {
      this.call(task);
      if (this.faultsInARow > 0) this.recovered("fault");
    } catch (error) {
      this.fault(error);
    }
  }

  run(task: () => void | Promise<void>): void | Promise<void> {
    if (this.signal.aborted) return;
    try {
      const pending = this.call(task);
      return pending?.catch((error: unknown) => this.fault(error));
    } catch (error) {
      this.fault(error);
    }
  }

  crashed(error: unknown): void {
    this.meter.errors++;
    void this.fail(error, "crashed");
  }

  emitted(samples: number, elsewhereMs: number): void {
    this.meter.samples += samples;
    this.elsewhereMs += elsewhereMs;
  }

  skipped(): void {
    this.meter.skipped++;
  }

  leftOut(batches: number): void {
    this.meter.skipped += batches;
  }

  get slowed(): boolean {
    return (this.budget?.slowed ?? false) && SLOWABLE.includes(this.manifest.kind);
  }

  lookAtBudget(): void {
    const reason = this.budget?.look(this.busyMs) ?? null;
    if (!this.running || !this.budget) return;
    if (this.budget.slowed && this.code === null) this.enter("degraded", reason ?? this.budget.reason, "budget_exceeded");
    else if (!this.budget.slowed) this.recovered("budget_exceeded");
  }

  reportStatus(state: "ok" | "degraded", reason: string | undefined): void {
    if (!this.running) return;
    if (this.state === state && this.reason === (reason ?? null)) return;
    this.enter(state, reason ?? null, null);
  }

  get busyMs(): number {
    return this.meter.busyMs;
  }

  report(): PluginReport {
    return this.reportOf();
  }

  private async load(): Promise<void> {
    const { manifest, config, log, store } = this.parts;
    const outside = outsideOf(this.parts, new Permissions(manifest, log, this.parts.uses), this.signal);
    const context = () => createContext({ ...this.parts, store: store.own, owner: this, disposables: this.disposables, outside });
    const plugin = await makePlugin(this.folder, manifest, context, config);
    const snapshot = plugin.restore ? await store.read(SNAPSHOT_NAME) : null;
    try {
      if (snapshot) plugin.restore?.(snapshot);
    } catch (error) {
      log.warn(`its kept state was not usable, it starts empty: ${errorText(error)}`);
    }
    this.plugin = plugin;
    await plugin.start?.(this.signal);
    // Its deadline passed meanwhile: it was stopped before it had started.
    if (this.signal.aborted) await plugin.stop?.();
  }

  private scheduleCollect(servedMs: number | null): void {
    const collector: Collector | null = this.plugin;
    if (this.manifest.kind !== "collector" || !collector?.collect) return;
    this.loop = this.collecting(
      (signal) => collector.collect?.(signal),
      {
        time: this.parts.time,
        call: (task) => this.call(task),
        skipped: () => this.skipped(),
        slowed: () => this.slowed,
        collected: () => this.recovered("collect_failed"),
        collectFailed: (error) => {
          this.meter.errors++;
          this.parts.log.warn(errorText(error), { code: errorCode(error, "collect_failed") });
          if (this.running) this.enter("degraded", errorText(error), "collect_failed");
        },
        held: (code, reason) => {
          this.parts.log.warn(reason, { code });
          if (this.running) this.enter("degraded", reason, code);
        },
        released: (code) => this.recovered(code),
      },
      null,
      servedMs,
    );
    this.disposables.add(this.loop);
  }

  /** It works again: the state that `code` brought is over. */
  private recovered(code: string): void {
    this.faultsInARow = 0;
    if (this.code === code && this.running) this.enter("ok", null, null);
  }

  private fault(error: unknown): void {
    this.meter.errors++;
    this.faultsInARow++;
    this.parts.log.warn(errorText(error), { code: errorCode(error, "fault") });
    if (this.faultsInARow >= FAULTS_IN_A_ROW_MAX) void this.fail(error, "faults_repeated");
    else if (this.running) this.enter("degraded", errorText(error), "fault");
  }

  private async fail(error: unknown, code: string): Promise<void> {
    if (this.state === "failed" || this.state === "stopped" || this.state === "stopping") return;
    this.enter("failed", errorText(error), code);
    this.parts.log.error(`failed: ${errorText(error)}`, { code });
    this.stopping ??= this.wind("failed", false);
    await this.stopping;
  }

  private async wind(end: "failed" | "stopped", keep: boolean): Promise<void> {
    if (end === "stopped") {
      if (keep) await this.saveSnapshot();
      this.enter("stopping", null, null);
    }
    this.abort.abort();
    const plugin = this.plugin;
    try {
      await withDeadline(
        this.parts.time,
        STOP_DEADLINE_MS,
        "stop_timeout",
        `stopping ${this.id}`,
        attributed(this, () => plugin?.stop?.()),
      );
    } catch (error) {
      this.parts.log.warn(`did not stop cleanly: ${errorText(error)}`);
    }
    this.plugin = null;
    this.closed = true;
    for (const resource of [...this.disposables].reverse()) {
      try {
        await attributed(this, () => resource.dispose());
      } catch (error) {
        this.parts.log.warn(`could not undo something at stop: ${errorText(error)}`);
      }
    }
    this.disposables.clear();
    this.loop = null;
    if (end === "stopped") this.enter("stopped", null, null);
  }
}
