import { expect, test } from "vitest";
import type { AgentStatus, FindingReport, PluginReport, RecommendationReport } from "all-use-agent/sdk";
import { type Known, tellTruth } from "./truth.ts";

const nowMs = new Date(2026, 10, 18, 14, 32, 32).getTime();
const status = {
  host: "lisbon-ws-2",
  cost: { cpuPercent: 0.71, residentBytes: 68.2e6, diskBytes: 412e6, eventLoopDelayP99Ms: 3 },
  problems: [],
} as unknown as AgentStatus;
const calm: Known = {
  connection: "live",
  nowMs,
  status,
  cost: status.cost,
  newestSampleMs: nowMs - 400,
  stale: false,
  recommendations: [],
  findings: [],
  plugins: [],
};
const advice = { status: "open", severity: "attention" } as RecommendationReport;
const failed = { state: "failed" } as PluginReport;
const anomaly = { endMs: null, severity: "attention" } as FindingReport;

const say = (known: Partial<Known>): string => tellTruth({ ...calm, ...known }).sentence;
const facts = (known: Partial<Known>): string =>
  tellTruth({ ...calm, ...known })
    .facts.map(({ text }) => text)
    .join(" · ")
    .replaceAll("\u00a0", " ");

test("all calm is said only when all is", () => {
  expect(say({})).toBe("All calm.");
  expect(say({ findings: [anomaly] })).toBe("Nothing needs you, 1 thing is unusual.");
  expect(say({ plugins: [failed] })).toBe("1 plugin has failed.");
  expect(say({ status: { ...status, problems: ["The disk is full."] } })).toBe("The agent has a problem.");
});

test("what needs the operator is counted", () => {
  expect(say({ recommendations: [advice] })).toBe("1 thing needs you.");
  expect(say({ recommendations: [advice, advice, { ...advice, status: "dismissed" }] })).toBe("2 things need you.");
});

test("a remark needs nobody", () => {
  expect(say({ recommendations: [{ ...advice, severity: "info" }] })).toBe("All calm.");
});

test("old data is said before anything else, with its time", () => {
  const stale = { newestSampleMs: nowMs - 192_000, stale: true, recommendations: [advice] };
  expect(say(stale).replaceAll("\u00a0", " ")).toBe("No data for 3 min 12 s. Everything below is from 14:29.");
  expect(facts(stale)).toContain("14:29:20");
});

test("being disconnected is said before that", () => {
  expect(say({ connection: "lost", stale: true })).toBe("Disconnected, trying again. Everything below is from 14:32.");
  expect(say({ connection: "lost", newestSampleMs: null, status: null })).toBe("Disconnected, trying again.");
});

test("a fresh start has no data yet, and says so", () => {
  expect(say({ newestSampleMs: null })).toBe("The agent runs, and has no data yet.");
  expect(say({ status: null, connection: "connecting" })).toBe("Asking the agent…");
});

test("the facts are host, age of the newest sample and what the agent costs", () => {
  expect(facts({})).toBe("lisbon-ws-2 · newest sample 0.4 s ago · the agent costs 0.7 % of a core, 68.2 MB, 412 MB on disk");
});

test("a failed plugin leads to the list of plugins", () => {
  expect(tellTruth({ ...calm, plugins: [failed], recommendations: [advice] }).facts).toContainEqual({
    text: "1 plugin has failed",
    tone: "attention",
    place: "plugins",
  });
});
