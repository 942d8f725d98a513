import { createBatch, compileSelector, definePlugin, NaNBits, type Processor, SeriesDecisions } from "all-use-agent/sdk";
import { Sampler } from "./sampler.ts";

export interface FilterRule {
  readonly name: string;
  readonly series: string;
  readonly action: "keep" | "drop";
  readonly min?: number;
  readonly max?: number;
  readonly every: number;
  readonly interval_ms: number;
}

export interface FilterConfig {
  readonly rules: readonly FilterRule[];
  readonly default: "keep" | "drop";
  readonly report_interval_ms: number;
}

/** Codes of decisions: kept, dropped by rule n as −1 − n, by value or sampling of rule n as 2 + n. */
const KEEP = 1;
const FIRST_BY_VALUE = 2;

export default definePlugin<"processor", FilterConfig>("processor", (ctx, config): Processor => {
  const { rules } = config;
  const tests = rules.map(({ series }) => compileSelector(series));
  const bits = new NaNBits();
  const sampler = new Sampler();
  /** By rule, and of the default. */
  const dropped = new Float64Array(rules.length + 1);
  const decisions = new SeriesDecisions((id) => {
    const info = ctx.seriesInfo(id);
    const rule = tests.findIndex((test) => test(info));
    if (rule < 0) return config.default === "keep" ? KEEP : -1 - rules.length;
    const { action, min, max, every, interval_ms } = rules[rule];
    const ranged = min !== undefined || max !== undefined;
    if (action === "drop") return ranged ? FIRST_BY_VALUE + rule : -1 - rule;
    return ranged || every > 1 || interval_ms > 0 ? FIRST_BY_VALUE + rule : KEEP;
  });

  const passes = (rule: FilterRule, id: number, timestampMs: number, value: number): boolean => {
    const { action, min = -Infinity, max = Infinity, every, interval_ms: intervalMs } = rule;
    if (action === "drop") return !(value >= min && value <= max);
    if (value < min || value > max) return false;
    // A series that ends must end for whoever follows its thinned-out samples, too.
    return Number.isNaN(value) || sampler.takes(id, timestampMs, every, intervalMs);
  };

  return {
    start() {
      const ids = [...rules.map(({ name }) => name), "default"].map((rule) =>
        ctx.series("alluse_filter_dropped_samples_total", { rule }),
      );
      const report = createBatch(ids.length);
      ctx.every(config.report_interval_ms, () => {
        report.series.set(ids);
        report.timestamps.fill(ctx.clock.now());
        report.values.set(dropped);
        report.length = ids.length;
        ctx.emit(report);
      });
    },

    process(batch) {
      const { series, timestamps, values, length } = batch;
      let kept = 0;
      for (let row = 0; row < length; row++) {
        const id = series[row];
        const code = decisions.codes[id] || decisions.of(id);
        if (code < 0) dropped[-1 - code]++;
        else if (code === KEEP || passes(rules[code - FIRST_BY_VALUE], id, timestamps[row], values[row])) {
          if (kept !== row) bits.move(batch, row, kept);
          kept++;
        } else dropped[code - FIRST_BY_VALUE]++;
      }
      batch.length = kept;
    },
  };
});
