import { AgentError, createBatch, definePlugin, type Processor, RowWriter } from "all-use-agent/sdk";
import { Routes } from "./routes.ts";
import { Rule, type RuleConfig } from "./rule.ts";
import { Windows } from "./windows.ts";

export interface AggregateConfig {
  rules: RuleConfig[];
}

const TICK_MS = 1000;
const REPORT_MS = 10_000;
/** The clock was set back by more than what two readings of it may differ. */
const CLOCK_STEP_MS = 1000;
/** Restored series that have not come by then are gone. */
const RESTORED_KEPT_MS = 600_000;
const VERSION = 1;

export default definePlugin<"processor", AggregateConfig>("processor", (ctx, config): Processor => {
  const rows = new RowWriter();
  const rules = config.rules.map((rule) => new Rule(rule));
  const twice = rules.find(({ key }, i) => rules.findIndex((other) => other.key === key) !== i);
  if (twice) throw new AgentError("config_invalid", `there are two rules of the same words: ${twice.key}`, { where: "/rules" });
  const begin = (): Windows[] => rules.map((rule) => new Windows(rule, ctx, rows, (id) => routes.exclude(id)));
  const all = begin();
  const routes = new Routes(ctx, all);
  let newestNowMs = -Infinity;

  const heedClock = (nowMs: number): void => {
    if (nowMs < newestNowMs - CLOCK_STEP_MS) {
      for (const windows of all) windows.heedStep(newestNowMs - nowMs, nowMs);
      newestNowMs = nowMs;
    } else if (nowMs > newestNowMs) newestNowMs = nowMs;
  };

  const startReports = (): void => {
    const ids = [
      ctx.series("alluse_aggregate_late_samples_total"),
      ctx.series("alluse_aggregate_refused_series_total"),
      ctx.series("alluse_aggregate_series"),
    ];
    for (const id of ids) routes.exclude(id);
    const report = createBatch(ids.length);
    const startMs = ctx.clock.monotonic();
    ctx.every(REPORT_MS, () => {
      const monotonicMs = ctx.clock.monotonic();
      let freed = false;
      for (const windows of all) {
        for (const id of windows.sweep(monotonicMs)) {
          routes.forget(id);
          freed = true;
        }
        if (monotonicMs - startMs > RESTORED_KEPT_MS) windows.forgetRestored();
      }
      if (freed) routes.retryRefused();
      report.series.set(ids);
      report.timestamps.fill(ctx.clock.now());
      report.values[0] = sum(all, (windows) => windows.late);
      report.values[1] = sum(all, (windows) => windows.refused);
      report.values[2] = sum(all, (windows) => windows.size);
      report.length = ids.length;
      ctx.emit(report);
    });
  };

  return {
    start() {
      if (all.length === 0) return;
      startReports();
      ctx.every(TICK_MS, () => {
        const nowMs = ctx.clock.now();
        heedClock(nowMs);
        for (const windows of all) windows.closeQuiet(nowMs, ctx.clock.monotonic());
        rows.emit(ctx, true);
      });
    },

    process(batch) {
      if (all.length === 0) return;
      const nowMs = ctx.clock.now();
      const monotonicMs = ctx.clock.monotonic();
      heedClock(nowMs);
      const { series, timestamps, values, length } = batch;
      let kept = 0;
      for (let row = 0; row < length; row++) {
        const id = series[row];
        if (id >= routes.heads.length) routes.grow(id);
        let head = routes.heads[id];
        // 0 is one not seen yet, below are those of no rule.
        if (head === 0) head = routes.find(id);
        if (head > 0) {
          const route = routes.routes[head - 1]!;
          const value = values[row];
          if (value === value)
            for (let i = 0; i < route.windows.length; i++)
              route.windows[i].take(route.targets[i], timestamps[row], value, nowMs, monotonicMs);
          if (route.drop) continue;
        }
        if (kept !== row) {
          series[kept] = id;
          timestamps[kept] = timestamps[row]!;
          // Bytes, not numbers: a staleness marker keeps its bits.
          values.copyWithin(kept, row, row + 1);
        }
        kept++;
      }
      batch.length = kept;
      rows.emit(ctx, true);
    },

    snapshot() {
      const saved = Object.fromEntries(all.map((windows) => [windows.rule.key, windows.save()]));
      return new TextEncoder().encode(JSON.stringify({ version: VERSION, rules: saved }));
    },

    restore(snapshot) {
      try {
        const { version, rules: saved } = JSON.parse(new TextDecoder().decode(snapshot)) as {
          version: number;
          rules: Record<string, unknown>;
        };
        if (version !== VERSION) throw new Error(`it has version ${version}`);
        for (const windows of all) if (Object.hasOwn(saved, windows.rule.key)) windows.load(saved[windows.rule.key]);
      } catch (error) {
        all.splice(0, all.length, ...begin());
        throw new AgentError("snapshot_invalid", "the snapshot of open windows is damaged, so they begin anew", { cause: error });
      }
    },
  };
});

function sum(all: readonly Windows[], of: (windows: Windows) => number): number {
  let total = 0;
  for (const windows of all) total += of(windows);
  return total;
}
