import { describe, expect, test } from "vitest";
import { endsOutside, missingRuns, outsideRuns } from "./band.ts";

const array = (...values: number[]): Float64Array => Float64Array.from(values);
const runs = (value: Float64Array, low = 0, high = 10) =>
  outsideRuns(
    value,
    value.map(() => low),
    value.map(() => high),
    0,
    value.length,
  );

describe("the part outside the band", () => {
  test("is marked from its first to its last row", () => {
    expect(runs(array(5, 5, 12, 13, 14, 5, 5, 5))).toEqual([{ from: 2, to: 4 }]);
  });

  test("is not marked when it is one or two rows of noise", () => {
    expect(runs(array(5, 12, 5, 5, 5, 13, 12, 5, 5, 5))).toEqual([]);
  });

  test("goes on over a row or two that come back", () => {
    expect(runs(array(12, 12, 5, 5, 12, 12, 5, 5, 5))).toEqual([{ from: 0, to: 5 }]);
  });

  test("lies below as well as above", () => {
    expect(runs(array(5, -1, -2, -3, 5))).toEqual([{ from: 1, to: 3 }]);
  });

  test("ends at a gap, and where nothing is learnt there is none", () => {
    expect(runs(array(12, 12, 12, NaN, 12, 12, 12))).toEqual([
      { from: 0, to: 2 },
      { from: 4, to: 6 },
    ]);
    const value = array(12, 12, 12);
    expect(outsideRuns(value, array(NaN, NaN, NaN), array(NaN, NaN, NaN), 0, 3)).toEqual([]);
  });

  test("counts as now only when the newest rows are in it", () => {
    const low = array(0, 0, 0, 0, 0);
    const high = array(10, 10, 10, 10, 10);
    expect(endsOutside(array(5, 5, 11, 12, 13), low, high, 0, 5)).toBe(true);
    expect(endsOutside(array(11, 12, 13, 14, 5), low, high, 0, 5)).toBe(false);
    expect(endsOutside(array(11, 12, 13, 14, 15), low, high, 3, 5)).toBe(false);
  });
});

describe("what was not measured", () => {
  test("is found between two measured rows, not before the first", () => {
    const x = array(0, 1, 2, 10, 11, 12);
    expect(missingRuns(x, array(NaN, 1, 1, 1, NaN, 1), 0, 6, 3)).toEqual([{ from: 2, to: 3 }]);
  });
});

test("a constant with the rounding of its sums is in its own band", () => {
  const value = array(0, 0, 0, 0);
  expect(runs(value, 2.8e-14, 2.8e-14)).toEqual([]);
});
