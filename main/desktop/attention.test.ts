import type { PluginReport, RecommendationReport } from "all-use-agent/sdk";
import { expect, test } from "vitest";
import type { StreamEvent } from "../api/view.ts";
import { createAttention } from "./attention.ts";

const advice = (id: string, status = "open"): RecommendationReport => ({ id, status }) as RecommendationReport;
const plugins = (...states: string[]): PluginReport[] => states.map((state) => ({ state }) as PluginReport);
const adviceEvent = (id: string, status?: string): StreamEvent => ({ type: "recommendation", data: advice(id, status) });

function door(recommendations: RecommendationReport[], reports: PluginReport[], before: () => void = () => undefined) {
  return (request: Request): Promise<Response> => {
    const isAdvice = request.url.endsWith("/recommendations");
    // As they were when asked; what comes until the answer is read is newer.
    const answer = Response.json(isAdvice ? { recommendations } : { plugins: reports });
    before();
    return Promise.resolve(answer);
  };
}

test("starts with what the page would be told", async () => {
  const attention = createAttention();
  await attention.load(door([advice("disk"), advice("memory", "dismissed")], plugins("ok", "failed", "stopped")));
  expect(attention.open().map(({ id }) => id)).toEqual(["disk"]);
  expect(attention.failedPlugins()).toBe(1);
});

test("follows events: advice opens and settles, plugins fail and recover", () => {
  const attention = createAttention();
  expect(attention.note(adviceEvent("disk"))).toBe(true);
  expect(attention.note(adviceEvent("memory"))).toBe(true);
  expect(attention.note(adviceEvent("disk", "expired"))).toBe(true);
  expect(attention.open().map(({ id }) => id)).toEqual(["memory"]);
  expect(attention.note({ type: "plugins", data: { plugins: plugins("failed", "failed") } })).toBe(true);
  expect(attention.failedPlugins()).toBe(2);
  expect(attention.note({ type: "tick" } as StreamEvent)).toBe(false);
});

test("an event that comes while loading is newer than what is loaded", async () => {
  const attention = createAttention();
  const answering = door([advice("disk"), advice("memory")], plugins("failed"), () => {
    attention.note(adviceEvent("disk", "dismissed"));
    attention.note({ type: "plugins", data: { plugins: plugins("ok") } });
  });
  await attention.load(answering);
  expect(attention.open().map(({ id }) => id)).toEqual(["memory"]);
  expect(attention.failedPlugins()).toBe(0);
});

test("a door that does not answer is an error, not calm", async () => {
  await expect(createAttention().load(() => Promise.resolve(new Response(null, { status: 503 })))).rejects.toThrow(
    "found status 503",
  );
});
