import type { PluginContext } from "../context.ts";
import { AgentError, errorText, RetryableError } from "../errors.ts";
import { ActiveRun, SampleGatherer } from "./active-run.ts";
import { SourceFigures } from "./batch-metrics.ts";
import { dueAt } from "./due.ts";
import { Rejects } from "./rejects.ts";
import { RetryAfterError } from "./retry-after.ts";
import { RowPlan } from "./row-plan.ts";
import { type Schedule, scheduleOf } from "./schedule.ts";
import { readState, type SourceState, writeState } from "./source-state.ts";
import type { BatchSource, BatchSourceConfig } from "./types.ts";

const RETRY_FIRST_MS = 5000;
const RETRY_MAX_MS = 600_000;
/** Rounds of one run of a source that says that more waits; the rest comes with the next run. */
const ROUNDS_MAX = 10_000;

export interface SourceParts {
  readonly ctx: PluginContext;
  readonly config: BatchSourceConfig;
  readonly source: BatchSource;
  /** Whether its rows are mapped. */
  readonly mapped: boolean;
  /** Something to be told of has changed. */
  readonly changed: () => void;
}

/** How a source is doing. */
export interface SourceReport {
  readonly name: string;
  readonly state: "waiting" | "running" | "retrying";
  /** Why the last run failed, in a sentence, or null. */
  readonly problem: string | null;
  readonly nextMs: number | null;
  readonly lastSuccessMs: number | null;
  readonly newestMs: number | null;
  readonly rows: number;
  readonly samples: number;
}

/** One source: runs it when its schedule says so, keeps how far it came, tries again what may be mended by waiting. */
export class SourceRunner {
  readonly name: string;
  readonly rejects: Rejects;
  problem: string | null = null;
  private readonly parts: SourceParts;
  private readonly schedule: Schedule;
  private readonly plan: RowPlan | null;
  private readonly gatherer = new SampleGatherer();
  private readonly figures: SourceFigures;
  private state: SourceState | null = null;
  private running: Promise<void> | null = null;
  /** When to try again, by the clock that nobody sets. */
  private retry: number | null = null;
  private failures = 0;
  private nextMs: number | null = null;

  /** Throws `batch_config_invalid`. */
  constructor(parts: SourceParts) {
    const { ctx, config } = parts;
    this.parts = parts;
    this.name = config.name;
    this.schedule = scheduleOf(config);
    this.plan = parts.mapped ? new RowPlan(ctx, config, config.zone ?? "", this.gatherer) : null;
    const label = `${ctx.id.slice(ctx.id.indexOf("/") + 1)}/${config.name}`;
    this.figures = new SourceFigures(ctx, label);
    this.rejects = new Rejects(ctx, label, this.figures);
  }

  /** Reads how far it came. Nothing runs yet. */
  async open(): Promise<void> {
    const { ctx, config, source } = this.parts;
    const nowMs = ctx.clock.now();
    const kept = await readState(ctx.store, config.name);
    const fresh = config.run_at_start === true ? nowMs : null;
    const { identity } = source;
    this.state =
      kept === null
        ? { v: 1, identity, servedMs: nowMs, pendingMs: fresh, mark: null, newestMs: null, lastSuccessMs: null }
        : { ...kept, pendingMs: kept.pendingMs ?? fresh };
    if (this.state.identity !== identity) {
      ctx.log.info(`${config.name} reads another source than before: it begins anew`);
      this.state.identity = identity;
      this.state.mark = null;
    }
    this.gatherer.newestMs = this.state.newestMs;
    // From now on a restart knows what it has missed.
    if (kept === null) await writeState(ctx.store, config.name, this.state);
    this.lookAhead();
  }

  /** To be called every second. Resolves when nothing of it is under way any more. */
  async tick(signal: AbortSignal): Promise<void> {
    const { state } = this;
    if (state === null || this.running !== null || signal.aborted) return;
    const nowMs = this.parts.ctx.clock.now();
    if (state.pendingMs !== null) {
      if (this.retry !== null && this.parts.ctx.clock.monotonic() < this.retry) return;
      await this.begin(state.pendingMs, signal);
      return;
    }
    // Most ticks end here.
    if (this.nextMs !== null && nowMs < this.nextMs && nowMs >= state.servedMs) return;
    const due = dueAt(this.schedule, state.servedMs, nowMs, this.parts.config.catch_up ?? "one");
    this.figures.add("alluse_batch_missed_runs_total", due.missed);
    if (due.instants.length === 0) {
      if (due.servedMs !== state.servedMs) {
        state.servedMs = due.servedMs;
        await this.keep();
      }
      this.lookAhead();
      return;
    }
    const [first] = due.instants;
    // Of several instants the others stay due. What was left out before them is served.
    state.servedMs = due.instants.length > 1 ? first : due.servedMs;
    await this.begin(first, signal);
  }

  /** Runs now, in between. Throws `batch_busy` while it runs. */
  async runNow(signal: AbortSignal): Promise<void> {
    if (this.running !== null || this.state === null)
      throw new AgentError("batch_busy", `${this.name} is running already: wait for its end`);
    await this.begin(this.parts.ctx.clock.now(), signal);
  }

  /** Resolves when no run is under way. */
  async settled(): Promise<void> {
    await this.running;
  }

  emitFigures(): void {
    const { ctx } = this.parts;
    const nowMs = ctx.clock.now();
    const { newestMs } = this.gatherer;
    if (newestMs !== null) this.figures.set("alluse_batch_lag_seconds", Math.max(0, nowMs - newestMs) / 1000);
    const success = this.state?.lastSuccessMs ?? null;
    if (success !== null) this.figures.set("alluse_batch_last_success_timestamp_seconds", success / 1000);
    if (this.nextMs !== null) this.figures.set("alluse_batch_next_run_timestamp_seconds", this.nextMs / 1000);
    this.figures.emit();
  }

  report(): SourceReport {
    return {
      name: this.name,
      state: this.running !== null ? "running" : this.retry !== null ? "retrying" : "waiting",
      problem: this.problem,
      nextMs: this.nextMs,
      lastSuccessMs: this.state?.lastSuccessMs ?? null,
      newestMs: this.gatherer.newestMs,
      rows: this.figures.get("alluse_batch_rows_total"),
      samples: this.figures.get("alluse_batch_samples_total"),
    };
  }

  private begin(scheduledMs: number, signal: AbortSignal): Promise<void> {
    this.running = this.work(scheduledMs, signal).finally(() => (this.running = null));
    return this.running;
  }

  private async work(scheduledMs: number, signal: AbortSignal): Promise<void> {
    const { ctx } = this.parts;
    const startedMs = ctx.clock.monotonic();
    const state = this.state!;
    try {
      if (state.pendingMs !== scheduledMs) {
        state.pendingMs = scheduledMs;
        await this.keep();
      }
      await this.rounds(scheduledMs, signal);
      state.pendingMs = null;
      state.lastSuccessMs = ctx.clock.now();
      await this.keep();
      this.succeeded();
    } catch (error) {
      if (signal.aborted) return;
      await this.failed(error);
    } finally {
      if (!signal.aborted) {
        this.figures.set("alluse_batch_run_duration_seconds", (ctx.clock.monotonic() - startedMs) / 1000);
        this.lookAhead();
        this.parts.changed();
      }
    }
  }

  private async rounds(scheduledMs: number, signal: AbortSignal): Promise<void> {
    const { ctx, source } = this.parts;
    const state = this.state!;
    this.rejects.runBegins();
    for (let round = 0; round < ROUNDS_MAX; round++) {
      this.gatherer.batch.length = 0;
      const run = new ActiveRun({
        ctx,
        signal,
        scheduledMs,
        mark: state.mark,
        plan: this.plan,
        gatherer: this.gatherer,
        figures: this.figures,
        rejects: this.rejects,
        keep: async (mark) => {
          state.mark = mark;
          await this.keep();
        },
      });
      try {
        if ((await source.run(run)) !== true) return;
      } finally {
        run.settle();
        await this.rejects.keep();
      }
    }
  }

  private succeeded(): void {
    this.figures.add("alluse_batch_runs_total", 1, { result: "ok" });
    if (this.problem !== null) this.parts.ctx.log.info(`${this.name} works again`);
    this.failures = 0;
    this.retry = null;
    const { ofThisRun } = this.rejects;
    this.problem = null;
    if (ofThisRun > 0)
      this.parts.ctx.log.warn(`${this.name}: ${ofThisRun} rows were rejected; the newest are kept with the reason`);
  }

  private async failed(cause: unknown): Promise<void> {
    const { ctx } = this.parts;
    this.figures.add("alluse_batch_runs_total", 1, { result: "failed" });
    this.failures++;
    const text = errorText(cause);
    if (isRetryable(cause)) {
      const backOffMs = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** Math.min(20, this.failures - 1));
      const afterMs = cause instanceof RetryAfterError ? cause.afterMs : backOffMs;
      this.retry = ctx.clock.monotonic() + afterMs;
      this.problem = `${text}; it is tried again in ${Math.ceil(afterMs / 1000)} s`;
    } else {
      // The same would fail again: the next scheduled time is another chance.
      this.retry = null;
      this.state!.pendingMs = null;
      this.problem = text;
      await this.keep().catch((again: unknown) => ctx.log.warn(`${this.name}: ${errorText(again)}`));
    }
    ctx.log.warn(`${this.name}: ${this.problem}`);
  }

  private async keep(): Promise<void> {
    const state = this.state!;
    state.newestMs = this.gatherer.newestMs;
    await writeState(this.parts.ctx.store, this.name, state);
  }

  private lookAhead(): void {
    this.nextMs = this.schedule.after(this.state!.servedMs);
  }
}

/** Waiting may mend it: what says so, a store that cannot be written, and what took too long. */
function isRetryable(error: unknown): boolean {
  if (error instanceof RetryableError) return true;
  return error instanceof AgentError && ["storage_write_failed", "timeout", "fetch_failed"].includes(error.code);
}
