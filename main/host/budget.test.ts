import { beforeEach, describe, expect, it } from "vitest";
import { BUDGET_LOOK_MS, budgetReason, BudgetRule, halfPace } from "./budget.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;

let nowMs = 0;
let cpuMs = 0;
let rule: BudgetRule;

beforeEach(() => {
  nowMs = 5_000_000;
  cpuMs = 1234;
  rule = new BudgetRule(100, true);
  rule.started();
  rule.look(nowMs, cpuMs);
});

/** Uses so much for so long, at most until it is ended; the verdicts with the seconds after which they came. */
function use(msPerS: number, forMs: number): [string, number][] {
  const verdicts: [string, number][] = [];
  for (let atMs = BUDGET_LOOK_MS; atMs <= forMs; atMs += BUDGET_LOOK_MS) {
    nowMs += BUDGET_LOOK_MS;
    cpuMs += (msPerS * BUDGET_LOOK_MS) / SECOND;
    const found = rule.look(nowMs, cpuMs);
    if (found) verdicts.push([found.verdict, atMs / SECOND]);
    if (found?.verdict === "suspend" || found?.verdict === "fail") break;
  }
  return verdicts;
}

describe("BudgetRule", () => {
  it("leaves alone who keeps to it, also with a burst", () => {
    expect(use(99, 30 * MINUTE)).toEqual([]);
    expect(use(20, MINUTE)).toEqual([]);
    expect(use(400, 10 * SECOND)).toEqual([]);
    expect(use(20, MINUTE)).toEqual([]);
  });

  it("slows who is over it in the mean of a minute, suspends two more minutes later, and the third time is the last", () => {
    expect(use(400, 3 * MINUTE + 20 * SECOND)).toEqual([
      ["slow", 60],
      ["suspend", 180],
    ]);
    rule.started();
    rule.look(nowMs, cpuMs);
    expect(use(400, 3 * MINUTE)).toEqual([
      ["slow", 60],
      ["suspend", 180],
    ]);
    rule.started();
    rule.look(nowMs, cpuMs);
    expect(use(400, 3 * MINUTE)).toEqual([
      ["slow", 60],
      ["fail", 180],
    ]);
  });

  it("lets who is within it at half the pace go on so, and at its own pace when it needs less than half", () => {
    use(150, MINUTE);
    expect(rule.slowed).toBe(true);
    expect(use(75, 20 * MINUTE)).toEqual([]);
    expect(rule.slowed).toBe(true);
    expect(use(20, 2 * MINUTE)).toEqual([["normal", 30]]);
    expect(rule.slowed).toBe(false);
  });

  it("counts two minutes anew for who was within it in between", () => {
    use(400, MINUTE);
    expect(use(80, 2 * MINUTE)).toEqual([]);
    expect(use(400, 2 * MINUTE)).toEqual([]);
    expect(use(400, MINUTE)).toMatchObject([["suspend", expect.any(Number)]]);
  });

  it("forgets suspensions after ten minutes within it", () => {
    for (let i = 0; i < 2; i++) {
      expect(use(400, 3 * MINUTE).at(-1)?.[0]).toBe("suspend");
      rule.started();
      rule.look(nowMs, cpuMs);
    }
    use(10, 12 * MINUTE);
    expect(use(400, 4 * MINUTE).at(-1)?.[0]).toBe("suspend");
  });

  it("slows and never suspends who may not be suspended", () => {
    rule = new BudgetRule(100, false);
    rule.look(nowMs, cpuMs);
    expect(use(400, 30 * MINUTE)).toEqual([["slow", 60]]);
  });

  it("a machine that slept makes nobody guilty", () => {
    use(90, MINUTE);
    nowMs += 8 * 60 * MINUTE;
    expect(use(90, 2 * MINUTE)).toEqual([]);
  });

  it("says the figures and what follows", () => {
    expect(budgetReason({ verdict: "slow", usedMsPerS: 412.3 }, 100)).toBe(
      "it used 412 ms of CPU a second in the last minute; its budget is 100 (budget.cpu_ms_per_s): it runs at half its pace until it needs less",
    );
    expect(budgetReason({ verdict: "suspend", usedMsPerS: 412 }, 100)).toMatch(/starts again in 10 minutes$/);
    expect(budgetReason({ verdict: "fail", usedMsPerS: 412 }, 100)).toMatch(/suspended 2 times before: it is not started again$/);
  });
});

it("half the pace is every other tick, and all of them when it is over", () => {
  let slowed = true;
  const leaveOut = halfPace(() => slowed);
  expect([1, 2, 3, 4].map(leaveOut)).toEqual([true, false, true, false]);
  slowed = false;
  expect([1, 2, 3].map(leaveOut)).toEqual([false, false, false]);
});
