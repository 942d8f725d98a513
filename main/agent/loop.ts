import type { AdviceView, Disposable } from "all-use-agent/sdk";
import { GapWatch } from "../flow/gap-watch.ts";
import { SELF_METRICS, SelfMetrics } from "../host/self-metrics.ts";
import { everyAligned } from "../host/time.ts";
import type { Advisor } from "../learning/desk.ts";
import type { AgentCore } from "./core.ts";

const TICK_MS = 1000;
/** Within the second: after the collectors, so that panels show this tick's samples. */
const PANEL_PHASE_MS = 200;
const DESK_INTERVAL_MS = 5000;
const DESK_PHASE_MS = 600;
const ADVICE_DEADLINE_MS = 4000;

/** What the agent itself does on a schedule: its own metrics, gaps, panels, the live stream, the recommendation desk. */
export function startLoop(core: AgentCore): Disposable {
  const { time } = core.options;
  const gapWatch = new GapWatch(time.now(), time.monotonic());
  const selfMetrics = new SelfMetrics({
    vitals: core.vitals,
    register: (name, labels) => core.registry.register(name, labels, SELF_METRICS[name]),
    emit: (batch) => core.pipeline.emit(batch),
    seriesCount: () => core.registry.size,
    pluginBusyMs: () => core.host.busyMs(),
    loadLevel: () => core.load?.level ?? 0,
    paces: () => core.host.paces(),
    flow: () => core.pipeline.load,
    edges: () => core.edges(),
  });
  const timers = [
    everyAligned(time, TICK_MS, () => {
      const nowMs = time.now();
      const gap = gapWatch.tick(nowMs, time.monotonic());
      if (gap) core.noteGap(gap.fromMs, gap.toMs, gap.reason);
      // Also when nobody emits: a load that ended must be noticed.
      core.pipeline.load.look(time.monotonic());
      core.vitals.tick(core.pipeline.samples);
      selfMetrics.tick(nowMs);
    }),
    everyAligned(time, TICK_MS, () => recordPanels(core), undefined, PANEL_PHASE_MS),
    everyAligned(time, DESK_INTERVAL_MS, () => sitAtDesk(core), undefined, DESK_PHASE_MS),
  ];
  return {
    dispose: () => {
      for (const timer of timers) void timer.dispose();
    },
  };
}

async function recordPanels(core: AgentCore): Promise<void> {
  const nowMs = core.options.time.now();
  // Panels show this tick's samples, also those that a processor in its process still has.
  if (core.pipeline.waiting) await core.pipeline.settled();
  await core.panels.record(core.host.panels(), nowMs);
  if (!core.listened) return;
  const diskBytes = core.store()?.plugin.stats().diskBytes ?? 0;
  core.tell({
    type: "tick",
    data: { nowMs, newestSampleMs: core.pipeline.newestMs, panels: core.panels.latest(), cost: core.vitals.cost(diskBytes) },
  });
  if (core.pluginsChanged) core.tell({ type: "plugins", data: { plugins: core.host.reports() } });
  core.pluginsChanged = false;
}

async function sitAtDesk(core: AgentCore): Promise<void> {
  const { time } = core.options;
  const deadline = AbortSignal.timeout(ADVICE_DEADLINE_MS);
  const advisors: Advisor[] = core.host.running("recommender").map(({ instance, plugin }) => ({
    id: instance.id,
    advise: async (view) => instance.call(() => plugin.advise(view, AbortSignal.any([instance.signal, deadline]))),
  }));
  const view: AdviceView = {
    nowMs: time.now(),
    findings: core.findings.current(),
    query: (expr, timeMs = time.now()) => core.queryInstant(expr, timeMs),
    queryRange: (expr, fromMs, toMs, stepMs) => core.queryRange(expr, fromMs, toMs, stepMs, deadline),
    forecast: (data, stepMs, count, level) => core.forecasts.series(data, stepMs, count, level, deadline),
  };
  await core.desk.sit(advisors, view);
}
