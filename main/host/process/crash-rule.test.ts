import { expect, it } from "vitest";
import { CrashRule } from "./crash-rule.ts";

const MINUTE = 60_000;

it("starts again after one second, then two, and no more after the third crash in five minutes", () => {
  const rule = new CrashRule();
  rule.started(0);
  expect(rule.crashed(100)).toBe(1000);
  rule.started(1100);
  expect(rule.crashed(1200)).toBe(2000);
  rule.started(3200);
  expect(rule.crashed(3300)).toBeNull();
});

it("three crashes that are far apart do not disable, but the wait goes on growing", () => {
  const rule = new CrashRule();
  rule.started(0);
  expect(rule.crashed(4 * MINUTE)).toBe(1000);
  rule.started(4 * MINUTE);
  expect(rule.crashed(8 * MINUTE)).toBe(2000);
  rule.started(8 * MINUTE);
  expect(rule.crashed(12 * MINUTE)).toBe(4000);
});

it("forgets after ten stable minutes, not before", () => {
  const rule = new CrashRule();
  rule.started(0);
  expect(rule.crashed(1000)).toBe(1000);
  rule.started(2000);
  expect(rule.crashed(2000 + 10 * MINUTE)).toBe(1000);
});

it("what a run left counts in the next one, until it lies five minutes back", () => {
  const rule = new CrashRule();
  rule.started(0);
  rule.crashed(1000);
  rule.crashed(3000);
  const history = rule.history(4000);
  expect(history).toEqual({ agosMs: [3000, 1000], inARow: 2 });

  const again = new CrashRule();
  again.recall(history, 100);
  expect(again.exhausted(100)).toBe(false);
  again.started(200);
  expect(again.crashed(300)).toBeNull();
  expect(again.exhausted(301)).toBe(true);
  expect(again.exhausted(300 + 5 * MINUTE)).toBe(false);
});

it("the wait goes on growing over a restart of the agent, and ten stable minutes end it", () => {
  const rule = new CrashRule();
  rule.recall({ agosMs: [], inARow: 4 }, 0);
  expect(rule.remembers).toBe(true);
  rule.started(0);
  expect(rule.crashed(6 * MINUTE)).toBe(16_000);
  rule.forget();
  expect(rule.remembers).toBe(false);
  rule.started(7 * MINUTE);
  expect(rule.crashed(8 * MINUTE)).toBe(1000);
});
