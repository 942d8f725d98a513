import type { PluginReport, RecommendationReport } from "all-use-agent/sdk";
import type { StreamEvent } from "../api/view.ts";
import type { Door } from "./page-door.ts";
import { ORIGIN } from "./place.ts";

/** What waits for the operator, kept up to date by the agent's events. */
export interface Attention {
  /** Open recommendations. */
  open(): readonly RecommendationReport[];
  failedPlugins(): number;
  /** Takes an event into account. Returns whether it changed anything here. */
  note(event: StreamEvent): boolean;
}

/** Starts with what the page would be told. Throws when the door does not answer. */
export async function watchAttention(door: Door): Promise<Attention> {
  const advice = await ask<{ recommendations: RecommendationReport[] }>(door, "/api/agent/recommendations");
  const report = await ask<{ plugins: PluginReport[] }>(door, "/api/agent/plugins");
  const open = new Map<string, RecommendationReport>();
  for (const each of advice.recommendations) if (each.status === "open") open.set(each.id, each);
  let failed = countFailed(report.plugins);
  return {
    open: () => [...open.values()],
    failedPlugins: () => failed,
    note(event) {
      if (event.type === "recommendation") {
        if (event.data.status === "open") open.set(event.data.id, event.data);
        else open.delete(event.data.id);
        return true;
      }
      if (event.type !== "plugins") return false;
      failed = countFailed(event.data.plugins);
      return true;
    },
  };
}

function countFailed(plugins: readonly PluginReport[]): number {
  return plugins.filter((plugin) => plugin.state === "failed").length;
}

async function ask<T>(door: Door, path: string): Promise<T> {
  const answer = await door(new Request(`${ORIGIN}${path}`));
  if (!answer.ok) throw new Error(`expected ${path} to be answered, found status ${answer.status}`);
  return (await answer.json()) as T;
}
