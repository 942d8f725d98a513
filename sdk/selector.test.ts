import { expect, test } from "vitest";
import * as fc from "fast-check";
import { AgentError } from "./errors.ts";
import { compileExpression } from "./expression.ts";
import { compileSelector, parseSelector } from "./selector.ts";

const CPU = { name: "node_cpu_seconds_total", labels: { mode: "idle", cpu: "0" } };

test.each([
  ["node_cpu_seconds_total", true],
  ["node_cpu", false],
  ["{}", true],
  ["", false, "selector_invalid"],
  ['{__name__=~"node_.+", mode!="user"}', true],
  ['node_cpu_seconds_total{mode!~"idle|iowait"}', false],
  ["{mode='idle',}", true],
  ['{toString=""}', true],
  ['{absent="x"}', false],
  ['{a="\\"\\n"}', false],
  ['{mode="idle"', false, "selector_invalid"],
  ['{mode="idle"} x', false, "selector_invalid"],
  ['{mode=~"("}', false, "selector_invalid"],
])("the selector %j", (text, matches, code?: string) => {
  if (code === undefined) expect(compileSelector(text)(CPU)).toBe(matches);
  else expect(() => compileSelector(text)).toThrow(expect.objectContaining({ code }));
});

test("any text is a selector or says where it is none", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z_:{}"'=~!,\\ ]*$/), (text) => {
      try {
        parseSelector(text);
      } catch (error) {
        expect(error).toBeInstanceOf(AgentError);
        expect((error as AgentError).where).toMatch(/^\d+$/);
      }
    }),
  );
});

test.each([
  ["a / b", 2],
  ["(a - b) * 100 / a", 50],
  ["-a ^ 2", -64],
  ["2 ^ 3 ^ 2", 512],
  ["2 ^ -1", 0.5],
  ["a % 3 + 1e3", 1002],
  ["clamp(a * 10, 0, 50) + min(a, b, 1) - max(a)", 43],
  ["abs(b - a) + .5", 4.5],
  ["a - - b", 12],
])("%s is %d", (text, value) => {
  expect(compileExpression(text, ["a", "b"])([8, 4])).toBe(value);
});

test.each([
  "",
  "a b",
  "c",
  "a +",
  "clamp(a)",
  "(a",
  "a)",
  "constructor(a)",
  "min a",
  `${"(".repeat(60)}a`,
  `${"-".repeat(60)}a`,
  "1".repeat(501),
])("%j is refused with its place", (text) => {
  expect(() => compileExpression(text, ["a"])).toThrow(expect.objectContaining({ code: "expression_invalid" }));
});

test("any text is an expression or an error", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[ab0-9.+*/()^%,-]*$/), (text) => {
      try {
        expect(typeof compileExpression(text, ["a", "b"])([1, 2])).toBe("number");
      } catch (error) {
        expect(error).toBeInstanceOf(AgentError);
      }
    }),
  );
});
