import type { PluginContext } from "../context.ts";
import { createBatch, ensureCapacity, type MetricInfo } from "../series.ts";

const counter = (help: string): MetricInfo => ({ type: "counter", help });
const seconds = (help: string): MetricInfo => ({ type: "gauge", unit: "seconds", help });

/** What every batch collector says of its sources. A plugin declares them as `alluse_batch_*`. */
export const BATCH_METRICS = {
  alluse_batch_rows_total: counter("Rows read."),
  alluse_batch_samples_total: counter("Samples handed on."),
  alluse_batch_refused_samples_total: counter("Samples that storage did not take because of their time."),
  alluse_batch_rejected_rows_total: counter("Rows that could not be read or did not fit, by reason."),
  alluse_batch_runs_total: counter("Runs by result."),
  alluse_batch_missed_runs_total: counter("Scheduled instants that nothing was run for."),
  alluse_batch_run_duration_seconds: seconds("Duration of the last run."),
  alluse_batch_last_success_timestamp_seconds: seconds("When the last run succeeded, in Unix time."),
  alluse_batch_next_run_timestamp_seconds: seconds("When the next run is due, in Unix time."),
  alluse_batch_lag_seconds: seconds("How old the newest sample is."),
} as const satisfies Record<string, MetricInfo>;

type BatchMetric = keyof typeof BATCH_METRICS;

/** Reasons and results are words of ours or error codes; of more than this something is wrong. */
const SERIES_MAX = 40;

/** One source's figures. */
export class SourceFigures {
  private readonly ctx: PluginContext;
  private readonly source: string;
  private readonly values = new Map<string, { readonly series: number; value: number }>();

  constructor(ctx: PluginContext, source: string) {
    this.ctx = ctx;
    this.source = source;
    for (const name of ["rows", "samples", "refused_samples", "missed_runs"] as const) this.add(`alluse_batch_${name}_total`, 0);
    for (const result of ["ok", "failed"]) this.add("alluse_batch_runs_total", 0, { result });
  }

  add(name: BatchMetric, amount: number, labels: Readonly<Record<string, string>> = {}): void {
    const entry = this.entry(name, labels);
    if (entry !== null) entry.value += amount;
  }

  set(name: BatchMetric, value: number): void {
    const entry = this.entry(name, {});
    if (entry !== null) entry.value = value;
  }

  get(name: BatchMetric, labels: Readonly<Record<string, string>> = {}): number {
    return this.values.get(keyOf(name, labels))?.value ?? 0;
  }

  /** Everything that is known, as samples of now. */
  emit(): void {
    const nowMs = this.ctx.clock.now();
    const batch = ensureCapacity(createBatch(0), this.values.size);
    for (const { series, value } of this.values.values()) {
      const row = batch.length++;
      batch.series[row] = series;
      batch.timestamps[row] = nowMs;
      batch.values[row] = value;
    }
    this.ctx.emit(batch);
  }

  private entry(name: BatchMetric, labels: Readonly<Record<string, string>>) {
    const key = keyOf(name, labels);
    const known = this.values.get(key);
    if (known !== undefined) return known;
    if (this.values.size >= SERIES_MAX) return null;
    const entry = { series: this.ctx.series(name, { source: this.source, ...labels }, BATCH_METRICS[name]), value: 0 };
    this.values.set(key, entry);
    return entry;
  }
}

function keyOf(name: string, labels: Readonly<Record<string, string>>): string {
  return `${name} ${Object.values(labels).join(" ")}`;
}
