import type { AgentStatus, RecommendationReport } from "all-use-agent/sdk";

export interface Health {
  readonly level: "calm" | "attention" | "critical";
  /** The page's line of truth. */
  readonly line: string;
}

/** Samples come every second: three missed in a row and a margin for a busy machine. */
const STALE_AFTER_MS = 10_000;

/** Stale data first: what is not measured cannot be called calm. */
export function healthOf(status: AgentStatus, open: readonly RecommendationReport[], nowMs: number): Health {
  const newestMs = status.newestSampleMs;
  const sinceMs = newestMs ?? status.startedMs;
  if (nowMs - sinceMs > STALE_AFTER_MS) return { level: "attention", line: `No new samples for ${duration(nowMs - sinceMs)}` };
  if (newestMs === null) return { level: "calm", line: "Starting" };
  const urgent = open.filter((each) => each.severity !== "info");
  const count = urgent.length + status.problems.length;
  if (count === 0) return { level: "calm", line: "All calm" };
  const level = urgent.some((each) => each.severity === "critical") ? "critical" : "attention";
  return { level, line: count === 1 ? "1 thing needs you" : `${count} things need you` };
}

function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}
