import type { AdviceView, Logger, Recommendation, RecommendationReport } from "all-use-agent/sdk";
import { TestContext } from "all-use-agent/sdk/testing";
import { beforeEach, describe, expect, it } from "vitest";
import { type Advisor, RecommendationDesk } from "./desk.ts";

const silent: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const view = {} as AdviceView;
let nowMs: number;
let desk: RecommendationDesk;
let told: RecommendationReport[];

beforeEach(() => {
  nowMs = 1_000_000;
  told = [];
  desk = new RecommendationDesk(
    new TestContext({ id: "test/desk", metrics: {} }).documents,
    silent,
    () => nowMs,
    (report) => void told.push(report),
  );
});

function advice(change: Partial<Recommendation> = {}): Recommendation {
  return {
    key: "disk:/:space",
    severity: "attention",
    title: "Disk / is 91 % full.",
    reason: "It grows.",
    action: { kind: "free_disk_space", text: "Free some space." },
    confidence: 0.8,
    evidence: [],
    expiresMs: nowMs + 30_000,
    ...change,
  };
}

const from = (id: string, ...given: Recommendation[]): Advisor => ({ id, advise: () => Promise.resolve(given) });
const open = async (): Promise<RecommendationReport[]> => (await desk.list()).filter(({ status }) => status === "open");

describe("RecommendationDesk", () => {
  it("opens a recommendation once and keeps its identity while it is given again", async () => {
    await desk.sit([from("a", advice())], view);
    const [first] = await open();
    nowMs += 5000;
    await desk.sit([from("a", advice({ title: "Disk / is 92 % full." }))], view);
    const [second] = await open();
    expect(second).toMatchObject({ id: first.id, createdMs: first.createdMs, title: "Disk / is 92 % full." });
    expect(told).toHaveLength(2);
  });

  it("does not tell the page again when nothing that is shown changed", async () => {
    for (let i = 0; i < 5; i++) await desk.sit([from("a", advice({ confidence: 0.8 + i / 1000 }))], view);
    expect(told).toHaveLength(1);
  });

  it("settles a conflict by severity, then confidence, and writes down why", async () => {
    const grow = advice({ action: { kind: "grow_disk", text: "Grow it." }, confidence: 0.9 });
    const critical = advice({ severity: "critical", confidence: 0.5 });
    for (const advisors of [
      [from("a", grow), from("b", critical)],
      [from("b", critical), from("a", grow)],
    ]) {
      await desk.sit(advisors, view);
      const [report, ...others] = await open();
      expect(others).toEqual([]);
      expect(report).toMatchObject({ source: "b", decision: "advised by b, ahead of grow_disk by a (attention, 90 % sure)" });
    }
  });

  it("supersedes an open one when another action wins later", async () => {
    await desk.sit([from("a", advice())], view);
    await desk.sit([from("a", advice({ action: { kind: "grow_disk", text: "Grow it." } }))], view);
    const all = await desk.list();
    expect(all.map(({ status }) => status)).toEqual(["open", "superseded"]);
  });

  it("lets it expire when it is no longer given, not before its time", async () => {
    await desk.sit([from("a", advice())], view);
    nowMs += 29_000;
    await desk.sit([], view);
    expect(await open()).toHaveLength(1);
    nowMs += 2000;
    await desk.sit([], view);
    expect(await open()).toEqual([]);
    expect((await desk.list())[0].status).toBe("expired");
  });

  it("stays quiet after a dismissal unless it gets worse", async () => {
    await desk.sit([from("a", advice())], view);
    const [{ id }] = await open();
    expect(desk.dismiss(id, " known, planned ").decision).toBe("dismissed by the operator: known, planned");
    nowMs += 60_000;
    await desk.sit([from("a", advice())], view);
    expect(await open()).toEqual([]);
    await desk.sit([from("a", advice({ severity: "critical" }))], view);
    expect(await open()).toHaveLength(1);
  });

  it("refuses a dismissal without a reason, of something unknown, or twice", async () => {
    await desk.sit([from("a", advice())], view);
    const [{ id }] = await open();
    expect(() => desk.dismiss(id, "  ")).toThrow(expect.objectContaining({ code: "reason_invalid" }));
    expect(() => desk.dismiss("nothing", "x")).toThrow(expect.objectContaining({ code: "recommendation_unknown" }));
    desk.dismiss(id, "x");
    expect(() => desk.dismiss(id, "x")).toThrow(expect.objectContaining({ code: "recommendation_closed" }));
  });

  it("goes on when one advisor fails", async () => {
    await desk.sit([{ id: "broken", advise: () => Promise.reject(new Error("no")) }, from("a", advice())], view);
    expect(await open()).toHaveLength(1);
  });
});
