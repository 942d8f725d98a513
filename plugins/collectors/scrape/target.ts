import {
  AgentError,
  type Batch,
  createBatch,
  ensureCapacity,
  errorText,
  ExpositionParser,
  familyInfo,
  type Labels,
  markStale,
  type PluginContext,
  type SeriesId,
  SERIES_REFUSED,
  type TextReading,
  type TextSeries,
} from "all-use-agent/sdk";
import { failure, type HttpClient, type Page } from "./http-client.ts";
import type { TargetSpec } from "./targets.ts";

const REPORTS = [
  "up",
  "scrape_duration_seconds",
  "scrape_samples_scraped",
  "scrape_samples_post_metric_relabeling",
  "scrape_series_added",
] as const;

/** Stands for all series that are left out, so that their samples are counted. */
const DROPPED = 0xffffffff;

/** One target with what is remembered of it between scrapes: the parser's series by their text, and which ones came last. */
export class Target {
  readonly spec: TargetSpec;
  /** Why the last scrape failed; null: it did not, or there was none. */
  problem: string | null = null;
  running = false;
  private readonly ctx: PluginContext;
  private readonly parsers = new Map<string, ExpositionParser>();
  private reports: readonly SeriesId[] | null = null;
  /** The series of the last scrape that follow its time: they end when a scrape lacks them. */
  private present = new Uint32Array(0);
  private batch: Batch = createBatch(64);
  private limitBroken = "";
  private refusal: string | null = null;

  constructor(ctx: PluginContext, spec: TargetSpec) {
    this.ctx = ctx;
    this.spec = spec;
  }

  /** Scrapes once and emits, `up` whatever happens. `timestampMs` is given to all that has no time of its own. Never rejects. */
  async scrape(client: HttpClient, timestampMs: number): Promise<void> {
    this.running = true;
    const startMs = this.ctx.clock.monotonic();
    try {
      const page = await client.get(this.spec.url, this.spec.job);
      if (this.ctx.signal.aborted) return;
      const reading = this.read(page);
      this.problem = this.refusal;
      this.take(reading, timestampMs, (this.ctx.clock.monotonic() - startMs) / 1000);
    } catch (error) {
      if (this.ctx.signal.aborted) return;
      this.problem = errorText(error);
      this.fail(timestampMs, (this.ctx.clock.monotonic() - startMs) / 1000);
    } finally {
      this.running = false;
    }
  }

  /** The target is gone: all that it gave ends. */
  end(timestampMs: number): void {
    const { batch } = this;
    batch.length = 0;
    this.endAll(timestampMs);
    if (this.reports !== null) for (const id of this.reports) this.endSeries(id, timestampMs);
    this.emit();
  }

  private read(page: Page): TextReading {
    const { job } = this.spec;
    const format = page.contentType.startsWith("application/openmetrics-text") ? "openmetrics" : "prometheus";
    const parser = this.parserOf(format);
    let reading: TextReading;
    try {
      parser.push(page.text);
    } finally {
      reading = parser.end();
    }
    const [fault] = reading.faults;
    if (fault !== undefined) throw failure(`line ${fault.line} column ${fault.column}: ${fault.message}`);
    if (reading.refused > 0) throw failure(this.limitBroken);
    if (format === "openmetrics" && !reading.whole) throw failure("the answer does not end with # EOF");
    if (job.sample_limit > 0 && reading.batch.length > job.sample_limit)
      throw failure(`${reading.batch.length} samples are more than sample_limit, ${job.sample_limit}`);
    return reading;
  }

  private parserOf(format: "openmetrics" | "prometheus"): ExpositionParser {
    let parser = this.parsers.get(format);
    if (parser === undefined) {
      parser = new ExpositionParser({ format, define: (series) => this.define(series) });
      this.parsers.set(format, parser);
    }
    return parser;
  }

  /** Asked once a series: everything about labels is decided here, and costs nothing later. */
  private define(series: TextSeries): SeriesId {
    const labels = this.spec.metricRelabel({ __name__: series.name, ...this.merged(series.labels) });
    if (labels === null) return DROPPED;
    const { __name__: name = "", ...rest } = labels;
    const own: Record<string, string> = rest;
    for (const label of Object.keys(own)) if (label.startsWith("__")) delete own[label];
    const broken = this.limitOf(name, own);
    if (broken !== null) {
      this.limitBroken = broken;
      return SERIES_REFUSED;
    }
    try {
      return this.ctx.series(name, own, familyInfo(series));
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      this.refusal = error.message;
      return DROPPED;
    }
  }

  private merged(scraped: Labels): Labels {
    const { labels, job } = this.spec;
    if (job.honor_labels) return { ...labels, ...scraped };
    const merged: Record<string, string> = {};
    for (const [name, value] of Object.entries(scraped)) {
      let free = name;
      while (Object.hasOwn(labels, free) || (free !== name && Object.hasOwn(scraped, free))) free = `exported_${free}`;
      merged[free] = value;
    }
    return { ...merged, ...labels };
  }

  private limitOf(name: string, labels: Labels): string | null {
    const { label_limit: count, label_name_length_limit: nameLength, label_value_length_limit: valueLength } = this.spec.job;
    const names = Object.keys(labels);
    if (count > 0 && names.length > count) return `${name} has ${names.length} labels, more than label_limit, ${count}`;
    for (const label of names) {
      if (nameLength > 0 && label.length > nameLength)
        return `a label's name of ${name} is longer than label_name_length_limit, ${nameLength}`;
      if (valueLength > 0 && labels[label].length > valueLength)
        return `the label ${label} of ${name} is longer than label_value_length_limit, ${valueLength}`;
    }
    return null;
  }

  private take({ batch: read }: TextReading, timestampMs: number, durationS: number): void {
    const honor = this.spec.job.honor_timestamps;
    this.batch = ensureCapacity(this.batch, read.length + this.present.length + REPORTS.length);
    const { series, timestamps, values } = this.batch;
    let length = 0;
    let following = 0;
    for (let row = 0; row < read.length; row++) {
      if (read.series[row] === DROPPED) continue;
      const given = read.timestamps[row];
      const own = honor && given === given;
      series[length] = read.series[row];
      timestamps[length] = own ? given : timestampMs;
      values[length++] = read.values[row];
      if (!own) following++;
    }
    this.batch.length = length;
    const added = this.follow(following, timestampMs);
    this.report(timestampMs, [1, durationS, read.length, length, added]);
    this.emit();
  }

  /** Ends the series that came last and not now. Returns how many are new. Costs one comparison when they are the same. */
  private follow(following: number, timestampMs: number): number {
    const { present } = this;
    const { series, timestamps, length } = this.batch;
    if (following === length && sameIds(present, series, length)) return 0;
    const now = new Uint32Array(following);
    let at = 0;
    for (let row = 0; row < length && at < following; row++)
      if (following === length || timestamps[row] === timestampMs) now[at++] = series[row];
    const ids = new Set(now);
    const before = new Set(present);
    for (const id of before) if (!ids.has(id)) this.endSeries(id, timestampMs);
    this.present = now;
    let added = 0;
    for (const id of ids) if (!before.has(id)) added++;
    return added;
  }

  private fail(timestampMs: number, durationS: number): void {
    this.batch.length = 0;
    this.endAll(timestampMs);
    this.report(timestampMs, [0, durationS, 0, 0, 0]);
    this.emit();
  }

  private endAll(timestampMs: number): void {
    for (const id of this.present) this.endSeries(id, timestampMs);
    this.present = new Uint32Array(0);
  }

  private endSeries(id: SeriesId, timestampMs: number): void {
    const row = this.row(id, timestampMs);
    const { values } = this.batch;
    markStale(new Uint32Array(values.buffer, values.byteOffset), row);
  }

  private report(timestampMs: number, values: readonly number[]): void {
    this.reports ??= REPORTS.map((name) => this.ctx.series(name, this.spec.labels));
    for (const [i, id] of this.reports.entries()) {
      const row = this.row(id, timestampMs);
      this.batch.values[row] = values[i];
    }
  }

  private row(id: SeriesId, timestampMs: number): number {
    const row = this.batch.length;
    this.batch = ensureCapacity(this.batch, row + 1);
    this.batch.series[row] = id;
    this.batch.timestamps[row] = timestampMs;
    this.batch.length = row + 1;
    return row;
  }

  private emit(): void {
    this.batch.backdated = true;
    if (this.batch.length > 0) this.ctx.emit(this.batch);
  }
}

function sameIds(before: Uint32Array, series: Uint32Array, length: number): boolean {
  if (before.length !== length) return false;
  for (let row = 0; row < length; row++) if (before[row] !== series[row]) return false;
  return true;
}
