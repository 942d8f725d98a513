import { type Batch, createBatch, definePlugin, NaNBits, type Processor } from "all-use-agent/sdk";
import { NewestTimes } from "./newest-times.ts";

export interface QualityConfig {
  late_window_ms: number;
  future_limit_ms: number;
  keep_infinite: boolean;
  report_interval_ms: number;
}

export const REASONS = ["nan", "infinite", "duplicate", "out_of_order", "future"] as const;
const NAN = 0;
const INFINITE = 1;
const DUPLICATE = 2;
const OUT_OF_ORDER = 3;
const FUTURE = 4;
const KEEP = -1;

/** A summary's quantile is NaN when nothing was observed: there it is an answer. */
const NAN_IS_MEANT = new Set(["summary", "histogram"]);

export default definePlugin<"processor", QualityConfig>("processor", (ctx, config): Processor => {
  const { late_window_ms: lateWindowMs, keep_infinite: keepInfinite } = config;
  const newest = new NewestTimes();
  const bits = new NaNBits();
  const dropped = new Float64Array(REASONS.length);

  /** The reason to drop a row whose value is not finite, or KEEP. */
  const judgeValue = (batch: Batch, row: number): number => {
    if (!Number.isNaN(batch.values[row])) return keepInfinite ? KEEP : INFINITE;
    if (bits.isStale(batch.values, row) || NAN_IS_MEANT.has(ctx.seriesInfo(batch.series[row]).type)) return KEEP;
    return NAN;
  };

  /** The reason to drop a row that is not newer than its series' newest, or KEEP. */
  const judgeOld = (id: number, timestampMs: number, newestMs: number, latestMs: number, backdated: boolean): number => {
    // The clock was far ahead when the newest came and has been set back since: order starts anew.
    if (newestMs > latestMs) {
      newest.times[id] = timestampMs;
      return KEEP;
    }
    if (timestampMs === newestMs) return DUPLICATE;
    return backdated || timestampMs >= newestMs - lateWindowMs ? KEEP : OUT_OF_ORDER;
  };

  return {
    start() {
      const ids = REASONS.map((reason) => ctx.series("alluse_quality_dropped_samples_total", { reason }));
      const report = createBatch(ids.length);
      report.length = ids.length;
      report.series.set(ids);
      ctx.every(config.report_interval_ms, () => {
        report.timestamps.fill(ctx.clock.now());
        report.values.set(dropped);
        // The pipeline runs through this very plugin, which may shorten what it is given.
        report.length = ids.length;
        ctx.emit(report);
      });
    },

    process(batch) {
      const { series, timestamps, values } = batch;
      const { length } = batch;
      const backdated = batch.backdated === true;
      const latestMs = ctx.clock.now() + config.future_limit_ms;
      let kept = 0;
      for (let row = 0; row < length; row++) {
        const id = series[row];
        const timestampMs = timestamps[row];
        const value = values[row];
        if (id >= newest.times.length) newest.grow(id);
        let reason = KEEP;
        if (timestampMs > latestMs) reason = FUTURE;
        // Infinities and NaN alone give NaN here.
        else if (value - value !== 0) reason = judgeValue(batch, row);
        if (reason === KEEP) {
          const newestMs = newest.times[id];
          if (timestampMs > newestMs) newest.times[id] = timestampMs;
          else reason = judgeOld(id, timestampMs, newestMs, latestMs, backdated);
        }
        if (reason === KEEP) {
          if (kept !== row) bits.move(batch, row, kept);
          kept++;
        } else dropped[reason]++;
      }
      batch.length = kept;
    },
  };
});
