import {
  type Batch,
  createBatch,
  definePlugin,
  ensureCapacity,
  errorText,
  type Processor,
  SeriesDecisions,
} from "all-use-agent/sdk";
import { type JoinConfig, type Side, StreamJoin } from "./stream-join.ts";

export interface JoinPluginConfig {
  readonly joins: readonly JoinConfig[];
  readonly report_interval_ms: number;
}

const PASS = 1;
const FIRST_SIDES = 2;

export default definePlugin<"processor", JoinPluginConfig>("processor", (ctx, config): Processor => {
  let results: Batch = createBatch(64);
  const sides: Side[][] = [];
  const joins = config.joins.map(
    (join) =>
      new StreamJoin(join, {
        target: ({ name, help, unit }, left) =>
          ctx.series(name, left.labels, { type: "gauge", help, ...(unit === undefined ? {} : { unit }) }),
        emit(target, timestampMs, value) {
          const row = results.length;
          results = ensureCapacity(results, row + 1);
          results.series[row] = target;
          results.timestamps[row] = timestampMs;
          results.values[row] = value;
          results.length = row + 1;
        },
      }),
  );
  const decisions = new SeriesDecisions((id) => {
    try {
      const found = joins.flatMap((join) => join.sidesOf(ctx.seriesInfo(id)));
      return found.length === 0 ? PASS : FIRST_SIDES + sides.push(found) - 1;
    } catch (error) {
      ctx.log.warn(`${ctx.seriesInfo(id).name} is not joined: ${errorText(error)}`);
      return PASS;
    }
  });

  return {
    start() {
      if (joins.length === 0) return;
      const ids = config.joins.flatMap(({ name: join }) => [
        ctx.series("alluse_join_samples_total", { join }),
        ctx.series("alluse_join_unmatched_samples_total", { join, side: "left" }),
        ctx.series("alluse_join_unmatched_samples_total", { join, side: "right" }),
      ]);
      const report = createBatch(ids.length);
      ctx.every(config.report_interval_ms, () => {
        for (const join of joins) join.expire(ctx.clock.monotonic());
        report.series.set(ids);
        report.timestamps.fill(ctx.clock.now());
        report.values.set(joins.flatMap(({ joined, unmatchedLeft, unmatchedRight }) => [joined, unmatchedLeft, unmatchedRight]));
        report.length = ids.length;
        ctx.emit(report);
      });
    },

    process(batch) {
      const { series, timestamps, values, length } = batch;
      let arrivalMs = -1;
      for (let row = 0; row < length; row++) {
        const code = decisions.codes[series[row]] || decisions.of(series[row]);
        // The end of a series is nothing to compute with.
        if (code === PASS || Number.isNaN(values[row])) continue;
        if (arrivalMs < 0) arrivalMs = ctx.clock.monotonic();
        for (const side of sides[code - FIRST_SIDES]) side(timestamps[row], values[row], arrivalMs);
      }
      if (results.length === 0) return;
      results.backdated = batch.backdated === true;
      ctx.emit(results);
      results.length = 0;
    },
  };
});
