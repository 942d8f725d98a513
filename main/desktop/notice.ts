import { Notification } from "electron";
import type { Disposable, NoticeReport, RecommendationReport } from "all-use-agent/sdk";
import type { Agent } from "../agent.ts";

/** Enough to remember everything that can be open at once; the oldest are forgotten. */
const REMEMBERED_MAX = 1000;

/** Where the page tells of the plugin that sent a notice. */
const PLUGINS_PLACE = "#/plugins";

/** Where the page lists what is open, the most urgent first. */
const ADVICE_PLACE = "#/advice";

/** Tells once, through the operating system, of each critical recommendation and each notice; a click opens its place. */
export function noticeCritical(agent: Pick<Agent, "subscribe">, open: (place: string) => void): Disposable {
  const told = new Set<string>();
  /** Kept while shown: a collected notification loses its click. */
  const shown = new Map<string, Notification>();

  function tell({ id, title, action }: RecommendationReport): void {
    show(id, ADVICE_PLACE, { title, body: action.text, urgency: "critical" });
  }

  /** Who speaks is said by the agent: the rest are the plugin's words. */
  function tellNotice({ source, title, body, timeMs }: NoticeReport): void {
    if (Notification.isSupported()) show(`${source} ${timeMs}`, PLUGINS_PLACE, { title: `${source}: ${title}`, body });
  }

  function show(id: string, place: string, options: ConstructorParameters<typeof Notification>[0]): void {
    const notification = new Notification(options);
    notification.on("click", () => open(place));
    notification.on("close", () => shown.delete(id));
    shown.set(id, notification);
    if (shown.size > REMEMBERED_MAX) shown.delete(shown.keys().next().value as string);
    notification.show();
  }

  return agent.subscribe((event) => {
    if (event.type === "notice") return tellNotice(event.data);
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
