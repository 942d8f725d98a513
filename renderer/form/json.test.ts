import { describe, expect, test } from "vitest";
import { partsOf, pointerOf, sameJson } from "./json.ts";

describe("a JSON pointer", () => {
  test("leads through names and numbers, escaped ones included", () => {
    expect(partsOf("/targets/0/port")).toEqual(["targets", "0", "port"]);
    expect(partsOf("#/a~1b/c~0d")).toEqual(["a/b", "c~d"]);
    expect(pointerOf(["a/b", 0, "c~d"])).toBe("/a~1b/0/c~0d");
  });

  test("to the whole document has no parts", () => {
    for (const whole of ["", "/", "#", "#/"]) expect(partsOf(whole)).toEqual([]);
  });
});

test("JSON is the same whatever the order of its names", () => {
  expect(sameJson({ a: 1, b: [1, { c: null }] }, { b: [1, { c: null }], a: 1 })).toBe(true);
  expect(sameJson({ a: 1 }, { a: 1, b: 2 })).toBe(false);
  expect(sameJson([1, 2], [2, 1])).toBe(false);
  expect(sameJson(undefined, null)).toBe(false);
  expect(sameJson([], {})).toBe(false);
});
