import type { PluginReport, RecommendationReport } from "all-use-agent/sdk";
import type { StreamEvent } from "../api/view.ts";
import type { Door } from "./page-door.ts";
import { ORIGIN } from "./place.ts";

/** What waits for the operator, kept up to date by the agent's events. */
export interface Attention {
  /** Open recommendations. */
  open(): readonly RecommendationReport[];
  failedPlugins(): number;
  /** Takes an event into account. Returns whether it is about what waits. */
  note(event: StreamEvent): boolean;
  /** Takes what the page would be told; events noted meanwhile are newer and stand. Throws when the door does not answer. */
  load(door: Door): Promise<void>;
}

export function createAttention(): Attention {
  const open = new Map<string, RecommendationReport>();
  let failed: number | null = null;
  /** Ids with an event while loading; null when not loading. */
  let noted: Set<string> | null = null;

  return {
    open: () => [...open.values()],
    failedPlugins: () => failed ?? 0,
    note(event) {
      if (event.type === "recommendation") {
        const { id, status } = event.data;
        noted?.add(id);
        if (status === "open") open.set(id, event.data);
        else open.delete(id);
        return true;
      }
      if (event.type !== "plugins") return false;
      failed = countFailed(event.data.plugins);
      return true;
    },
    async load(door) {
      const since = (noted = new Set());
      const { recommendations } = await ask<{ recommendations: RecommendationReport[] }>(door, "/api/agent/recommendations");
      for (const each of recommendations) if (each.status === "open" && !since.has(each.id)) open.set(each.id, each);
      noted = null;
      const { plugins } = await ask<{ plugins: PluginReport[] }>(door, "/api/agent/plugins");
      failed ??= countFailed(plugins);
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
