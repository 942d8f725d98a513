import {
  compileRelabeling,
  createBatch,
  definePlugin,
  errorText,
  type LabelSet,
  NaNBits,
  type Processor,
  type RelabelConfig,
  SeriesDecisions,
  type SeriesId,
  type SeriesInfo,
} from "all-use-agent/sdk";
import { type Arithmetic, compileArithmetic, type ValueRule } from "./arithmetic.ts";

export interface MapConfig {
  readonly relabel_configs: readonly RelabelConfig[];
  readonly values: readonly ValueRule[];
  readonly report_interval_ms: number;
}

/** What becomes of a series' samples. */
interface Change {
  readonly target: SeriesId;
  readonly arithmetic: Arithmetic | null;
}

/** Codes of decisions: as it is, dropped, change n as 1 + n. */
const PASS = 1;
const DROP = -1;
const FIRST_CHANGE = 2;

export default definePlugin<"processor", MapConfig>("processor", (ctx, config): Processor => {
  const relabel = compileRelabeling(config.relabel_configs);
  const arithmetics = config.values.map(compileArithmetic);
  const bits = new NaNBits();
  const changes: Change[] = [];
  let dropped = 0;
  let failed = 0;

  /** The series that relabeling makes of one; null: none. Throws what `ctx.series` does. */
  const targetOf = (id: SeriesId, info: SeriesInfo, unit: string | undefined): SeriesId | null => {
    const labels: LabelSet = new Map([["__name__", info.name], ...Object.entries(info.labels)]);
    if (!relabel(labels)) return null;
    const name = labels.get("__name__") ?? "";
    // Labels that begin so are for rules to hand something on to each other.
    for (const label of labels.keys()) if (label.startsWith("__")) labels.delete(label);
    const same = name === info.name && sameLabels(labels, info);
    if (same) return id;
    const { type, help } = info;
    const of = unit ?? info.unit;
    return ctx.series(name, Object.fromEntries(labels), { type, help, ...(of === undefined ? {} : { unit: of }) });
  };

  const decisions = new SeriesDecisions((id) => {
    const info = ctx.seriesInfo(id);
    const arithmetic = arithmetics.find(({ fits }) => fits(info)) ?? null;
    let target: SeriesId | null = id;
    try {
      target = targetOf(id, info, arithmetic?.unit);
    } catch (error) {
      if (failed++ === 0) ctx.log.warn(`${info.name} stays as it is: ${errorText(error)}`);
    }
    if (target === null) return DROP;
    if (target === id && arithmetic === null) return PASS;
    changes.push({ target, arithmetic });
    return FIRST_CHANGE + changes.length - 1;
  });

  return {
    start() {
      const ids = [ctx.series("alluse_map_dropped_samples_total"), ctx.series("alluse_map_failed_series_total")];
      const report = createBatch(ids.length);
      ctx.every(config.report_interval_ms, () => {
        report.series.set(ids);
        report.timestamps.fill(ctx.clock.now());
        report.values.set([dropped, failed]);
        report.length = ids.length;
        ctx.emit(report);
      });
    },

    process(batch) {
      const { series, values, length } = batch;
      let kept = 0;
      for (let row = 0; row < length; row++) {
        const code = decisions.codes[series[row]] || decisions.of(series[row]);
        if (code === DROP) {
          dropped++;
          continue;
        }
        if (kept !== row) bits.move(batch, row, kept);
        if (code >= FIRST_CHANGE) {
          const { target, arithmetic } = changes[code - FIRST_CHANGE];
          series[kept] = target;
          const value = values[kept];
          // The end of a series stays what it is, bit for bit.
          if (arithmetic !== null && !Number.isNaN(value)) values[kept] = arithmetic.of(value);
        }
        kept++;
      }
      batch.length = kept;
    },
  };
});

function sameLabels(labels: LabelSet, info: SeriesInfo): boolean {
  const entries = Object.entries(info.labels);
  return (
    entries.length === labels.size - (labels.has("__name__") ? 1 : 0) &&
    entries.every(([name, value]) => labels.get(name) === value)
  );
}
