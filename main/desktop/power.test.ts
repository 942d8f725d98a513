import { afterEach, beforeEach, expect, test } from "vitest";
import { cause, reset } from "../../test/desktop/fake-electron.ts";
import { recordSleep } from "./power.ts";

let nowMs: number;
let gaps: [number, number, string][];

beforeEach(() => {
  nowMs = 1000;
  gaps = [];
  recordSleep({ noteGap: (...gap) => void gaps.push(gap) }, () => nowMs);
});

afterEach(reset);

test("sleep is a gap from when it began to when it ended", () => {
  cause.suspend();
  nowMs = 61_000;
  cause.resume();
  expect(gaps).toEqual([[1000, 61_000, "sleep"]]);
});

test("announced twice, sleep began the first time", () => {
  cause.suspend();
  nowMs = 2000;
  cause.suspend();
  nowMs = 9000;
  cause.resume();
  expect(gaps).toEqual([[1000, 9000, "sleep"]]);
});

test("waking without having slept, or to a clock that was set back, is no gap", () => {
  cause.resume();
  cause.suspend();
  nowMs = 500;
  cause.resume();
  cause.resume();
  expect(gaps).toEqual([]);
});
