import { type Batch, definePlugin, NaNBits, type Processor } from "all-use-agent/sdk";
import { Checks, type QualityRule } from "./checks.ts";
import { Columns } from "./columns.ts";
import { Expectation } from "./expectation.ts";
import { DUPLICATE, FUTURE, INFINITE, NAN, OUT_OF_ORDER, REASONS, VIOLATIONS } from "./reasons.ts";
import { RecentTimes } from "./recent-times.ts";
import { Report } from "./report.ts";
import { type Source, Sources } from "./sources.ts";

export interface QualityConfig {
  late_window_ms: number;
  future_limit_ms: number;
  keep_infinite: boolean;
  rules: readonly QualityRule[];
  score: boolean;
  source_labels: readonly string[];
  report_interval_ms: number;
}

/** No reason to drop. */
const KEEP = -1;
/** A summary's quantile is NaN when nothing was observed: there it is an answer. */
const NAN_IS_MEANT = new Set(["summary", "histogram"]);
/** Nothing is expected of these at intervals. */
const IRREGULAR = new Set(["event"]);
/** How much longer than its interval a sample may take to be as regular as ever, and how much shorter. */
const LATEST = 1.5;
const EARLIEST = 0.5;
/** Of batches further apart than this it is not known when the next is due. */
const LAG_MAX_MS = 300_000;

export default definePlugin<"processor", QualityConfig>("processor", (ctx, config): Processor => {
  const { late_window_ms: lateWindowMs, keep_infinite: keepInfinite } = config;
  const columns = new Columns();
  const bits = new NaNBits();
  const recent = new RecentTimes();
  const checks = new Checks(config.rules);
  const sources = new Sources(config.source_labels);
  const expectation = new Expectation(columns, ctx.clock.now());
  const dropped = new Float64Array(REASONS.length);

  /** Looks at a series for the first time. */
  const meet = (id: number): number => {
    const info = ctx.seriesInfo(id);
    const code = checks.codeOf(info);
    columns.checks[id] = code;
    columns.sources[id] = sources.indexOf(info);
    columns.values[id] = -Infinity;
    if (config.score && !IRREGULAR.has(info.type)) expectation.declare(id, checks.intervalOf(code));
    return code;
  };

  /** The reason to drop a row whose value is not finite, or KEEP. */
  const judgeValue = (batch: Batch, row: number): number => {
    // What somebody else measured is kept as it is: its sender is told that it was.
    const received = batch.backdated === true;
    if (!Number.isNaN(batch.values[row])) return keepInfinite || received ? KEEP : INFINITE;
    if (bits.isStale(batch.values, row)) {
      expectation.end(batch.series[row]);
      return KEEP;
    }
    return received || NAN_IS_MEANT.has(ctx.seriesInfo(batch.series[row]).type) ? KEEP : NAN;
  };

  /** The reason to drop a row that is not newer than its series' newest, or KEEP. */
  const judgeOld = (batch: Batch, row: number, latestMs: number): number => {
    const id = batch.series[row];
    const timestampMs = batch.timestamps[row];
    const newestMs = columns.times[id];
    // The clock was far ahead when the newest came and has been set back since: order starts anew.
    if (newestMs > latestMs) {
      columns.times[id] = timestampMs;
      return KEEP;
    }
    if (batch.backdated) return recent.repeats(id, timestampMs, bits.words(batch.values), row) ? DUPLICATE : KEEP;
    if (timestampMs === newestMs) return DUPLICATE;
    return timestampMs >= newestMs - lateWindowMs ? KEEP : OUT_OF_ORDER;
  };

  /** How far apart batches of a source come whose times others give: what waits there for its batch is not overdue. */
  const hear = (source: Source, nowMs: number): void => {
    const apartMs = nowMs - source.batchMs;
    source.batchMs = nowMs;
    // After the first batch nobody knows when the second is due.
    if (apartMs === Infinity) source.lagMs = LAG_MAX_MS;
    else if (source.lagMs === LAG_MAX_MS) source.lagMs = apartMs;
    else if (apartMs > 0 && apartMs < LAG_MAX_MS) source.lagMs = Math.max(apartMs, source.lagMs + (apartMs - source.lagMs) / 8);
  };

  const look = (): void => {
    const nowMs = ctx.clock.now();
    report.counts("alluse_quality_dropped_samples_total", "reason", REASONS, dropped);
    report.counts("alluse_quality_violations_total", "check", VIOLATIONS, checks.violations);
    if (config.score) {
      const passedMs = expectation.look(nowMs, sources.list);
      for (const source of sources.list) {
        sources.settle(source, passedMs, nowMs);
        const score = sources.score(source, nowMs);
        if (score) report.score(source, score);
      }
    }
    report.emit();
  };
  const report = new Report(ctx);

  return {
    start() {
      ctx.every(config.report_interval_ms, look);
      ctx.on("gap", ({ toMs }) => expectation.excuse(toMs));
    },

    process(batch) {
      const { series, timestamps, values } = batch;
      const { length } = batch;
      const words = batch.backdated === true ? bits.words(values) : null;
      const nowMs = ctx.clock.now();
      const latestMs = nowMs + config.future_limit_ms;
      let heard: Source | null = null;
      let kept = 0;
      for (let row = 0; row < length; row++) {
        const id = series[row];
        const timestampMs = timestamps[row];
        const value = values[row];
        if (id >= columns.capacity) columns.grow(id);
        const check = columns.checks[id] || meet(id);
        const source = sources.list[columns.sources[id]];
        source.rows++;
        if (words !== null && source !== heard) hear((heard = source), nowMs);
        let reason = KEEP;
        if (timestampMs > latestMs) reason = FUTURE;
        // Infinities and NaN alone give NaN here.
        else if (value - value !== 0) reason = judgeValue(batch, row);
        if (reason === KEEP) {
          const gapMs = timestampMs - columns.times[id];
          if (gapMs > 0) {
            columns.times[id] = timestampMs;
            const intervalMs = columns.intervals[id];
            if (!(gapMs < intervalMs * LATEST && gapMs > intervalMs * EARLIEST) && value === value)
              expectation.learn(id, timestampMs, gapMs, nowMs, source);
            if (words !== null) recent.add(id, timestampMs, words, row);
            if (check > 0 && value === value) {
              const before = columns.values[id];
              columns.values[id] = value;
              reason = checks.judge(check, value, before, gapMs);
              if (checks.violates) source.invalid++;
            }
          } else reason = judgeOld(batch, row, latestMs);
        }
        if (reason === KEEP) {
          if (kept !== row) bits.move(batch, row, kept);
          kept++;
          continue;
        }
        dropped[reason]++;
        if (reason === DUPLICATE) source.duplicates++;
        else if (reason === OUT_OF_ORDER || reason === FUTURE) source.disordered++;
        else if (reason === NAN || reason === INFINITE) source.invalid++;
      }
      batch.length = kept;
    },
  };
});
