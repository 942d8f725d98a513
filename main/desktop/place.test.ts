import { expect, test } from "vitest";
import { placeOfArguments, placeOfLink } from "./place.ts";

test("a link names a place of the page", () => {
  expect(placeOfLink("alluse://app/#/plugins?plugin=storage%2Fseries")).toBe("#/plugins?plugin=storage%2Fseries");
  expect(placeOfLink("alluse://app#/now")).toBe("#/now");
});

test.each([
  "alluse://app/",
  "alluse://app/#now",
  "alluse://app/api/agent/status#/now",
  "alluse://app/?token=x#/now",
  "alluse://app.example.com/#/now",
  "alluse://user@app:80/#/now",
  "https://app/#/now",
  "alluse:#/now",
  "javascript:alert(1)#/",
  "not a link",
  `alluse://app/#/${"x".repeat(3000)}`,
])("%.40s names none", (link) => {
  expect(placeOfLink(link)).toBeNull();
});

test("the last link among a command line's arguments counts", () => {
  expect(placeOfArguments(["electron", ".", "alluse://app/#/now", "--flag", "alluse://app/#/advice"])).toBe("#/advice");
  expect(placeOfArguments(["electron", "."])).toBeNull();
  expect(placeOfArguments(["electron", "alluse://evil/#/now"])).toBeNull();
});
