import { describe, expect, test } from "vitest";
import type { FindingReport, GapReport, RecommendationReport } from "all-use-agent/sdk";
import { dayMarks } from "./day.ts";
import { FINDINGS_LIMIT, withFinding, withRecommendation } from "./merge.ts";
import { PanelWatch } from "./panel-health.ts";

const finding = (id: string, startMs: number, endMs: number | null = null, more: Partial<FindingReport> = {}): FindingReport => ({
  id,
  kind: "anomaly",
  source: "analytics/anomaly",
  metric: "m",
  labels: {},
  startMs,
  endMs,
  score: 1,
  severity: "attention",
  summary: id,
  evidence: [],
  ...more,
});

const advice = (id: string, more: Partial<RecommendationReport> = {}): RecommendationReport => ({
  id,
  key: id,
  severity: "attention",
  title: id,
  reason: "",
  action: { kind: "x", text: "" },
  confidence: 0.8,
  evidence: [],
  expiresMs: 0,
  source: "s",
  status: "open",
  createdMs: 1,
  updatedMs: 1,
  decision: "",
  ...more,
});

describe("findings from the stream", () => {
  test("are put where their time is", () => {
    const list = [finding("c", 30), finding("a", 10)];
    expect(withFinding(list, finding("b", 20)).map(({ id }) => id)).toEqual(["c", "b", "a"]);
  });

  test("that are known are brought up to date in their place", () => {
    const list = withFinding([finding("b", 20), finding("a", 10)], finding("a", 10, 15));
    expect(list.map(({ id, endMs }) => [id, endMs])).toEqual([
      ["b", null],
      ["a", 15],
    ]);
  });

  test("are bounded, the oldest go", () => {
    let list: readonly FindingReport[] = [];
    for (let i = 0; i < FINDINGS_LIMIT + 5; i++) list = withFinding(list, finding(String(i), i));
    expect(list).toHaveLength(FINDINGS_LIMIT);
    expect(list[0].id).toBe(String(FINDINGS_LIMIT + 4));
  });
});

test("advice from the stream keeps the most urgent open one first", () => {
  const list = [advice("a"), advice("old", { status: "expired" })];
  const next = withRecommendation(list, advice("b", { severity: "critical" }));
  expect(next.map(({ id }) => id)).toEqual(["b", "a", "old"]);
  expect(
    withRecommendation(next, advice("b", { severity: "critical", status: "dismissed", updatedMs: 9 })).map(({ id }) => id),
  ).toEqual(["a", "b", "old"]);
});

describe("the day", () => {
  const gap = (fromMs: number, toMs: number): GapReport => ({ fromMs, toMs, reason: "asleep" });

  test("has what happened in it, in order, and nothing of other days", () => {
    const marks = dayMarks(
      [finding("late", 500), finding("yesterday", -50, -10), finding("night", -50, 40)],
      [gap(100, 200)],
      0,
      1000,
      900,
    );
    expect(marks.map(({ id, fromMs }) => [id, fromMs])).toEqual([
      ["night", 0],
      ["gap 100", 100],
      ["late", 500],
    ]);
  });

  test("puts two that overlap above each other", () => {
    const marks = dayMarks([finding("a", 100, 500), finding("b", 200, 300), finding("c", 600, 700)], [], 0, 1000, 900);
    expect(marks.map(({ half }) => half)).toEqual(["upper", "lower", null]);
  });

  test("has changes in a lane of their own", () => {
    expect(dayMarks([finding("a", 1, 1, { kind: "change" })], [], 0, 10, 10)[0].lane).toBe("changes");
  });
});

describe("which charts are outside", () => {
  const row = (value: number, low: number | null = 0, high: number | null = 10) => [
    { panel: "p", labels: {}, timestampMs: 0, value, low, high },
  ];

  test("is believed at once on opening, and later after three ticks", () => {
    expect(new PanelWatch().take(row(11)).get("p")).toEqual({ outside: true, learning: false });
    const watch = new PanelWatch();
    expect([5, 11, 11, 11, 5].map((value) => watch.take(row(value)).get("p")?.outside)).toEqual([
      false,
      false,
      false,
      true,
      false,
    ]);
  });

  test("is not known while learning", () => {
    expect(new PanelWatch().take(row(11, null, null)).get("p")).toEqual({ outside: false, learning: true });
  });
});
