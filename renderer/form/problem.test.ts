import type { ConfigProblem } from "all-use-agent/sdk";
import { expect, test } from "vitest";
import { draftOf, type GroupDraft } from "./draft.ts";
import { formOf } from "./field.ts";
import type { JsonObject } from "./json.ts";
import { placeProblems } from "./problem.ts";

const schema: JsonObject = {
  type: "object",
  properties: {
    host: { type: "string" },
    targets: {
      type: "array",
      items: { type: "object", properties: { host: { type: "string" }, "a/b": { type: "integer" } } },
    },
    rules: { type: "object", additionalProperties: { type: "object" } },
  },
};
const config: JsonObject = { targets: [{ host: "x" }] };
const form = formOf(schema, config);
const draft = draftOf(form, config) as GroupDraft;

function placed(...problems: ConfigProblem[]): { top: readonly string[]; at: Readonly<Record<string, readonly string[]>> } {
  const { top, at } = placeProblems(form, draft, problems);
  return { top, at: Object.fromEntries(at) };
}

test("a problem stands at the field its pointer names, in the agent's words", () => {
  expect(placed({ where: "/host", message: "expected string, found 5" })).toEqual({
    top: [],
    at: { "/host": ["expected string, found 5"] },
  });
  expect(placed({ where: "/targets/0/a~1b", message: "expected integer, found 1.5" }).at).toEqual({
    "/targets/0/a~1b": ["expected integer, found 1.5"],
  });
});

test("a missing property is said where it can be typed", () => {
  expect(placed({ where: "/", message: '"host" is missing' }).at).toEqual({ "/host": ['"host" is missing'] });
  expect(placed({ where: "/targets/0", message: '"host", "a/b" is missing' }).at).toEqual({
    "/targets/0/host": ['"host", "a/b" is missing'],
  });
});

test("one inside of JSON, or of a row that is gone, says where, at the nearest field", () => {
  expect(placed({ where: "/rules/a/unit", message: "expected string, found 5" }).at).toEqual({
    "/rules": ["a/unit: expected string, found 5"],
  });
  expect(placed({ where: "/targets/7/host", message: "too long" }).at).toEqual({ "/targets": ["7/host: too long"] });
});

test("one of no field stands on top", () => {
  expect(placed({ where: "/", message: '"old" is not known here' })).toEqual({ top: ['"old" is not known here'], at: {} });
  expect(placed({ where: "/elsewhere", message: "wrong" })).toEqual({ top: ["elsewhere: wrong"], at: {} });
});

test("several at one field are all said", () => {
  const { at } = placed({ where: "/host", message: "one" }, { where: "/host", message: "two" });
  expect(at["/host"]).toEqual(["one", "two"]);
});
