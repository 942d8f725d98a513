import type { PluginContext } from "../context.ts";
import { AgentError } from "../errors.ts";
import { type Batch, createBatch, ensureCapacity, type SeriesId } from "../series.ts";
import type { SourceFigures } from "./batch-metrics.ts";
import { type Rejects, shapeOf, shownRow } from "./rejects.ts";
import { AHEAD_MAX_MS, type RowPlan, type SampleSink } from "./row-plan.ts";
import type { BatchRun, RowHandler, RowPlace } from "./types.ts";

/** Rows between two commits, so that little is read twice after a kill, and a flush costs nothing beside them. */
const COMMIT_ROWS = 50_000;
/** Samples that are handed on at once: a millisecond or two of the pipeline's time. */
const EMIT_SAMPLES = 2000;

/** Gathers samples until they are handed on. */
export class SampleGatherer implements SampleSink {
  batch: Batch = createBatch(EMIT_SAMPLES);
  newestMs: number | null = null;

  sample(series: SeriesId, timeMs: number, value: number): void {
    const row = this.batch.length;
    if (row >= this.batch.series.length) this.batch = ensureCapacity(this.batch, row + 1);
    this.batch.series[row] = series;
    this.batch.timestamps[row] = timeMs;
    this.batch.values[row] = value;
    this.batch.length = row + 1;
    if (this.newestMs === null || timeMs > this.newestMs) this.newestMs = timeMs;
  }
}

export interface RunParts {
  readonly ctx: PluginContext;
  readonly signal: AbortSignal;
  readonly scheduledMs: number;
  readonly mark: unknown;
  /** null for a source whose rows need no mapping. */
  readonly plan: RowPlan | null;
  readonly gatherer: SampleGatherer;
  readonly figures: SourceFigures;
  readonly rejects: Rejects;
  /** Keeps the mark durably. */
  readonly keep: (mark: unknown) => Promise<void>;
}

/** A run under way. */
export class ActiveRun implements BatchRun {
  readonly signal: AbortSignal;
  readonly scheduledMs: number;
  readonly mark: unknown;
  private readonly parts: RunParts;
  private rowsSinceCommit = 0;
  private uncounted = 0;

  constructor(parts: RunParts) {
    this.parts = parts;
    this.signal = parts.signal;
    this.scheduledMs = parts.scheduledMs;
    this.mark = parts.mark;
  }

  get columns(): readonly string[] {
    return this.parts.plan?.columns ?? [];
  }

  get newestMs(): number | null {
    return this.parts.gatherer.newestMs;
  }

  bind(columns: readonly string[]): RowHandler {
    const { plan, rejects, scheduledMs } = this.parts;
    if (plan === null)
      throw new AgentError("batch_config_invalid", "the source has rows and needs values or long: which columns are metrics");
    const names = [...columns];
    const take = plan.bind(names);
    const shown = plan.shownColumns();
    return (cells, place) => {
      this.count(1);
      const rejection = take(cells, scheduledMs);
      if (rejection !== null) rejects.add(rejection.reason, rejection.message, place, shownRow(names, cells, shown));
    };
  }

  samples(batch: Batch, timeMs: number): void {
    const { ctx, gatherer, rejects } = this.parts;
    const latestMs = ctx.clock.now() + AHEAD_MAX_MS;
    for (let row = 0; row < batch.length; row++) {
      const given = batch.timestamps[row];
      if (given > latestMs) rejects.add("time_ahead", `the time ${given} is ahead of the clock`, { line: row + 1 }, "");
      else gatherer.sample(batch.series[row], Number.isNaN(given) ? timeMs : given, batch.values[row]);
    }
    this.count(batch.length);
  }

  reject(reason: string, message: string, place: RowPlace, text: string): void {
    this.count(1);
    this.parts.rejects.add(reason, message, place, shapeOf(text));
  }

  async breathe(mark: () => unknown): Promise<void> {
    this.goOn();
    this.settle();
    if (this.parts.gatherer.batch.length >= EMIT_SAMPLES) this.handOn();
    if (this.rowsSinceCommit >= COMMIT_ROWS) await this.commit(await mark());
    else await new Promise<void>((resolve) => setImmediate(resolve));
    this.goOn();
  }

  async commit(mark: unknown): Promise<void> {
    this.goOn();
    this.settle();
    this.handOn();
    await this.parts.ctx.flush();
    await this.parts.rejects.keep();
    // Whoever was stopped meanwhile says nothing any more of how far it came.
    this.goOn();
    await this.parts.keep(mark);
    this.rowsSinceCommit = 0;
  }

  /** Brings the figures up to date. */
  settle(): void {
    this.parts.figures.add("alluse_batch_rows_total", this.uncounted);
    this.uncounted = 0;
  }

  private count(rows: number): void {
    this.rowsSinceCommit += rows;
    this.uncounted += rows;
  }

  private handOn(): void {
    const { ctx, gatherer, figures } = this.parts;
    const { batch } = gatherer;
    if (batch.length === 0) return;
    batch.backdated = true;
    const refused = ctx.emit(batch);
    figures.add("alluse_batch_samples_total", batch.length - refused);
    figures.add("alluse_batch_refused_samples_total", refused);
    batch.length = 0;
  }

  private goOn(): void {
    if (this.signal.aborted) throw new AgentError("stopped", "the run was ended");
  }
}
