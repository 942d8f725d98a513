import type { RecommendationReport } from "all-use-agent/sdk";
import { afterEach, beforeEach, expect, test } from "vitest";
import { recorded, reset } from "../../test/desktop/fake-electron.ts";
import type { StreamEvent } from "../api/view.ts";
import { noticeCritical } from "./notice.ts";

let tell: (event: StreamEvent) => void;
let opened: string[];

beforeEach(() => {
  opened = [];
  const subscribe = (listener: (event: StreamEvent) => void) => {
    tell = listener;
    return { dispose: () => undefined };
  };
  noticeCritical({ subscribe }, (place) => void opened.push(place));
});

afterEach(reset);

function recommend(id: string, changes: Partial<RecommendationReport> = {}): void {
  const data = {
    id,
    severity: "critical",
    status: "open",
    title: `${id} is full`,
    action: { kind: "free", text: "Free it." },
    ...changes,
  };
  tell({ type: "recommendation", data: data as RecommendationReport });
}

test("a critical recommendation is told once, however often it is given again", () => {
  recommend("disk");
  recommend("disk");
  recommend("memory");
  expect(recorded.notifications.map(({ options }) => options.title)).toEqual(["disk is full", "memory is full"]);
});

test("less than critical stays on the page, until it becomes critical", () => {
  recommend("disk", { severity: "attention" });
  expect(recorded.notifications).toEqual([]);
  recommend("disk");
  expect(recorded.notifications).toHaveLength(1);
});

test("a click opens the advice", () => {
  recommend("disk");
  recorded.notifications[0].events.emit("click");
  expect(opened).toEqual(["#/advice"]);
});

test("what is settled is taken back", () => {
  recommend("disk");
  recommend("disk", { status: "expired" });
  recommend("memory", { status: "dismissed" });
  expect(recorded.notifications.map(({ state }) => state)).toEqual(["closed"]);
});

test("a plugin's notice is shown with who speaks; a click opens the plugins", () => {
  tell({ type: "notice", data: { source: "collectors/ups", title: "On battery", body: "20 minutes left", timeMs: 1 } });
  expect(recorded.notifications[0].options).toMatchObject({ title: "collectors/ups: On battery", body: "20 minutes left" });
  recorded.notifications[0].events.emit("click");
  expect(opened).toEqual(["#/plugins"]);
});
