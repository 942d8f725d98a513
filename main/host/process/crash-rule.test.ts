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
