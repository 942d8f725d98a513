import { Notification } from "electron";
import type { Disposable, RecommendationReport } from "all-use-agent/sdk";
import type { Agent } from "../agent.ts";

/** Enough to remember everything that can be open at once; the oldest are forgotten. */
const REMEMBERED_MAX = 1000;

/** Where the page lists what is open, the most urgent first. */
const ADVICE_PLACE = "#/advice";

/** Tells once, through the operating system, of each critical recommendation; a click opens its place. */
export function noticeCritical(agent: Pick<Agent, "subscribe">, open: (place: string) => void): Disposable {
  const told = new Set<string>();
  /** Kept while shown: a collected notification loses its click. */
  const shown = new Map<string, Notification>();

  function tell(recommendation: RecommendationReport): void {
    const notification = new Notification({ title: recommendation.title, body: recommendation.action.text, urgency: "critical" });
    notification.on("click", () => open(ADVICE_PLACE));
    notification.on("close", () => shown.delete(recommendation.id));
    shown.set(recommendation.id, notification);
    if (shown.size > REMEMBERED_MAX) shown.delete(shown.keys().next().value as string);
    notification.show();
  }

  return agent.subscribe((event) => {
    if (event.type !== "recommendation") return;
    const { id, severity, status } = event.data;
    if (status !== "open") {
      shown.get(id)?.close();
      return;
    }
    if (severity !== "critical" || told.has(id) || !Notification.isSupported()) return;
    told.add(id);
    if (told.size > REMEMBERED_MAX) told.delete(told.keys().next().value as string);
    tell(event.data);
  });
}
