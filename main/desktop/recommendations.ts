import type { RecommendationReport } from "all-use-agent/sdk";
import type { StreamEvent } from "../api/view.ts";
import { ORIGIN } from "./place.ts";
import type { Door } from "./page-door.ts";

/** The recommendations that are open now, kept up to date by the agent's events. */
export interface OpenRecommendations {
  list(): readonly RecommendationReport[];
  /** Takes an event of the agent into account. */
  note(event: StreamEvent): void;
}

/** Starts with what the page would be told; throws when the door does not answer. */
export async function followRecommendations(door: Door): Promise<OpenRecommendations> {
  const open = new Map<string, RecommendationReport>();
  const answer = await door(new Request(`${ORIGIN}/api/agent/recommendations`));
  if (!answer.ok) throw new Error(`The door answered ${answer.status} when asked for recommendations.`);
  const { recommendations } = (await answer.json()) as { recommendations: RecommendationReport[] };
  for (const each of recommendations) if (each.status === "open") open.set(each.id, each);
  return {
    list: () => [...open.values()],
    note(event) {
      if (event.type !== "recommendation") return;
      if (event.data.status === "open") open.set(event.data.id, event.data);
      else open.delete(event.data.id);
    },
  };
}
