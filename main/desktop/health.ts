import type { AgentStatus } from "all-use-agent/sdk";
import type { Attention } from "./attention.ts";

export interface Health {
  readonly level: "calm" | "attention" | "critical";
  /** The page's first line in few words. */
  readonly line: string;
}

export const STARTING: Health = { level: "calm", line: "Starting" };

/** Samples come every second; as long as the page waits before it says so. */
const STALE_AFTER_MS = 10_000;

/** In the page's order: what cannot be known comes first, then what has to be done, then calm. */
export function healthOf(status: AgentStatus, attention: Pick<Attention, "open" | "failedPlugins">, nowMs: number): Health {
  const { newestSampleMs, problems } = status;
  const sinceMs = newestSampleMs ?? status.startedMs;
  if (nowMs - sinceMs > STALE_AFTER_MS) return { level: "attention", line: `No data for ${duration(nowMs - sinceMs)}` };
  if (newestSampleMs === null) return STARTING;
  const open = attention.open();
  if (open.length > 0) {
    const level = open.some((each) => each.severity === "critical") ? "critical" : "attention";
    return { level, line: counted(open.length, "1 thing needs you", "things need you") };
  }
  if (problems.length > 0)
    return { level: "attention", line: counted(problems.length, "The agent has a problem", "problems of the agent") };
  const failed = attention.failedPlugins();
  if (failed > 0) return { level: "attention", line: counted(failed, "1 plugin has failed", "plugins have failed") };
  return { level: "calm", line: "Nothing needs you" };
}

function counted(count: number, one: string, many: string): string {
  return count === 1 ? one : `${count} ${many}`;
}

function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}
