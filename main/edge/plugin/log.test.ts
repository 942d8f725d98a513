import { expect, it } from "vitest";
import { newer } from "./log.ts";

const line = (timeMs: number, message: string) => ({ timeMs, level: "info", message });

it("shows each line once, also those of one millisecond", () => {
  const shown = [line(1, "a"), line(2, "b"), line(2, "c")];
  expect(newer([...shown, line(2, "d"), line(3, "e")], shown).map(({ message }) => message)).toEqual(["d", "e"]);
  expect(newer(shown, shown)).toEqual([]);
  expect(newer([], shown)).toEqual([]);
});

it("shows what is left when everything shown has been pushed out", () => {
  expect(newer([line(8, "x")], [line(1, "a")])).toEqual([line(8, "x")]);
});
