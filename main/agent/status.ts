import { hostname } from "node:os";
import type { AgentStatus, PluginReport } from "all-use-agent/sdk";
import packageJson from "../../package.json" with { type: "json" };
import type { AgentCore } from "./core.ts";

/** How the agent is, in one answer. */
export function agentStatus(core: AgentCore, startedMs: number, shell: AgentStatus["shell"]): AgentStatus {
  const store = core.store();
  const stats = store?.plugin.stats();
  const reports = core.host.reports();
  const safeMode = core.options.journal.report();
  return {
    version: packageJson.version,
    host: hostname(),
    platform: process.platform,
    node: process.version,
    pid: process.pid,
    startedMs,
    nowMs: core.options.time.now(),
    shell,
    dataDir: core.options.dataDir,
    newestSampleMs: core.pipeline.newestMs ?? stats?.newestMs ?? null,
    cost: core.vitals.cost(stats?.diskBytes ?? 0),
    storage: {
      series: stats?.series ?? 0,
      samples: stats?.samples ?? 0,
      oldestMs: stats?.oldestMs ?? null,
      samplesPerSecond: core.vitals.samplesPerSecond(),
      counters: stats?.counters ?? {},
    },
    safeMode,
    ...(core.load && { load: { level: core.load.level, reason: core.load.reason } }),
    problems: [
      ...core.permissions.problems(),
      ...(safeMode ? [safeMode.reason] : []),
      ...(stats ? [] : ["No series store runs: nothing is kept."]),
      ...core.live.problems(),
      ...complaints(reports, "failed"),
      ...complaints(reports, "degraded"),
      ...suspended(reports),
    ],
  };
}

/** Those left out of the start are told of by safe mode itself. */
function suspended(reports: readonly PluginReport[]): string[] {
  return reports
    .filter(({ state, code }) => state === "stopped" && code === "budget_exceeded")
    .map(({ id, reason }) => `Plugin ${id} is suspended: ${reason ?? "no reason given"}.`);
}

function complaints(reports: readonly PluginReport[], state: "failed" | "degraded"): string[] {
  return reports
    .filter((report) => report.state === state)
    .map(({ id, reason }) => `Plugin ${id} ${state === "failed" ? "failed" : "is degraded"}: ${reason ?? "no reason given"}.`);
}
