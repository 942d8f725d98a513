import { describe, expect, test } from "vitest";
import { formatDuration, parseDuration } from "./duration.ts";
import { formatFloat, formatSample, readNumber } from "./number.ts";

describe("numbers", () => {
  test.each([
    [1, "1", "1"],
    [0.1, "0.1", "0.1"],
    [-0, "-0", "-0"],
    [Number.NaN, "NaN", "NaN"],
    [Infinity, "+Inf", "+Inf"],
    [-Infinity, "-Inf", "-Inf"],
    [1e-6, "0.000001", "0.000001"],
    [1.5e-7, "0.00000015", "1.5e-07"],
    [-1e-10, "-0.0000000001", "-1e-10"],
    [5e-324, `0.${"0".repeat(323)}5`, "5e-324"],
    [1e20, "100000000000000000000", "100000000000000000000"],
    [1e21, "1000000000000000000000", "1e+21"],
    [1.2345e23, "123450000000000000000000", "1.2345e+23"],
    [1e100, `1${"0".repeat(100)}`, "1e+100"],
  ])("%d is written as Go writes it", (value, plain, sample) => {
    expect(formatFloat(value)).toBe(plain);
    expect(formatSample(value)).toBe(sample);
  });

  test.each([
    ["12.34e6", 12_340_000],
    ["0x1F", 31],
    ["010", 8],
    ["1_000", 1_000],
    [".5", 0.5],
    ["5m", 300],
    ["1h30m", 5_400],
    ["inF", Infinity],
  ])("%s is read", (text, value) => {
    expect(readNumber(text)).toBe(value);
  });
});

describe("durations", () => {
  test.each([
    ["5m", 300_000],
    ["1y2w3d4h5m6s7ms", 31_536_000_000 + 2 * 604_800_000 + 3 * 86_400_000 + 4 * 3_600_000 + 306_007],
    ["90", 90_000],
    ["0.5", 500],
    ["1e3", 1_000_000],
  ])("%s is read", (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.each(["", "m", "5m1h", "1.5h", "5 m", "abc"])("%j is refused", (text) => {
    expect(() => parseDuration(text)).toThrow(/not a duration/);
  });

  test.each([
    [0, "0s"],
    [300_000, "5m"],
    [5_400_000, "1h30m"],
    [604_800_000, "1w"],
    [8 * 86_400_000, "8d"],
    [1, "1ms"],
    [-90_000, "-1m30s"],
  ])("%d ms is %s", (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});
