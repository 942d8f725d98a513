import { describe, expect, test } from "vitest";
import {
  dayAround,
  decimalsFor,
  formatAxisTime,
  formatDuration,
  formatFigure,
  formatInterval,
  formatMoment,
  formatName,
  formatNumber,
  formatQuantity,
  formatSentence,
  placesFor,
  scaleFor,
  splitUnit,
} from "./format.ts";

const plain = (text: string): string => text.replaceAll("\u00a0", " ");

describe("numbers", () => {
  test("keep their decimals, so that columns do not jump", () => {
    expect(formatNumber(7, 1)).toBe("7.0");
    expect(formatNumber(1814.26, 0)).toBe("1,814");
  });

  test("have a real minus, and none before nought", () => {
    expect(formatNumber(-13.94, 1)).toBe("−13.9");
    expect(formatNumber(-0.001, 1)).toBe("0.0");
  });

  test("that are none read as a dash", () => {
    expect(formatNumber(NaN)).toBe("–");
    expect(formatQuantity(Infinity, "bytes")).toBe("–");
  });

  test("have four significant digits at most", () => {
    expect(decimalsFor(0.0123)).toBe(4);
    expect(decimalsFor(1234.5)).toBe(0);
    expect(decimalsFor(10)).toBe(1);
    expect(placesFor(2e9 * 1e-9)).toBe(0);
    expect(placesFor(0.25)).toBe(2);
  });
});

describe("units", () => {
  test("are those that people read", () => {
    expect(plain(formatQuantity(68.2e6, "bytes"))).toBe("68.2 MB");
    expect(plain(formatQuantity(999, "bytes"))).toBe("999 B");
    expect(plain(formatQuantity(4_900_000, "bytes_per_second"))).toBe("4.90 MB/s");
    expect(plain(formatQuantity(0.134, "ratio"))).toBe("13.4 %");
    expect(plain(formatQuantity(0.0021, "seconds"))).toBe("2.10 ms");
    expect(plain(formatQuantity(412, "milliseconds"))).toBe("412 ms");
    expect(plain(formatQuantity(16, "cores"))).toBe("16 cores");
    expect(plain(formatQuantity(12_300, "operations_per_second"))).toBe("12.3 k/s");
    expect(scaleFor("celsius", 50).symbol).toBe("°C");
  });

  test("are one for both ends of an interval", () => {
    expect(plain(formatInterval(0.8e9, 1e9, "bytes"))).toBe("0.8 to 1.0 GB");
  });

  test("end a figure's name", () => {
    expect(splitUnit("slope_bytes_per_second")).toEqual({ stem: "slope", unit: "bytes_per_second" });
    expect(splitUnit("node_cpu_seconds_total")).toEqual({ stem: "node_cpu", unit: "seconds" });
    expect(splitUnit("usual_high")).toEqual({ stem: "usual_high", unit: null });
    expect(formatName("time_to_full")).toBe("Time to full");
    expect(plain(formatFigure(2.5e9, "bytes", 0))).toBe("2.5 GB");
    expect(plain(formatFigure(1.814e12, "bytes", 0))).toBe("1.814 TB");
  });
});

describe("times", () => {
  const noon = new Date(2026, 10, 18, 12, 0, 0).getTime();

  test("lengths have two units at most", () => {
    expect(plain(formatDuration(400))).toBe("0.4 s");
    expect(plain(formatDuration(192_000))).toBe("3 min 12 s");
    expect(plain(formatDuration(2 * 3_600_000 + 5 * 60_000))).toBe("2 h 5 min");
    expect(plain(formatDuration(38 * 86_400_000))).toBe("38 days");
    expect(plain(formatDuration(-5))).toBe("0 s");
  });

  test("moments are as short as they stay clear", () => {
    expect(formatMoment(noon - 3_600_000, noon)).toBe("11:00");
    expect(formatMoment(noon - 86_400_000, noon)).toBe("Tue 12:00");
    expect(formatMoment(noon - 30 * 86_400_000, noon)).toMatch(/19.*12:00|Oct.*12:00/);
  });

  test("axis labels are as fine as their distance", () => {
    expect(formatAxisTime(noon, 10_000)).toBe("12:00:00");
    expect(formatAxisTime(noon, 3_600_000)).toBe("12:00");
  });

  test("a day runs from midnight to midnight", () => {
    const { fromMs, toMs } = dayAround(noon);
    expect(new Date(fromMs).getHours()).toBe(0);
    expect(toMs).toBeGreaterThan(noon);
    expect(new Date(toMs).getHours()).toBe(0);
  });
});

test("a program's message becomes a sentence", () => {
  expect(formatSentence("the query is too long")).toBe("The query is too long.");
  expect(formatSentence("Is it?")).toBe("Is it?");
  expect(formatSentence("  ")).toBe("");
});

test("nothing is said in the unit it was given in", () => {
  expect(plain(formatQuantity(0, "milliseconds"))).toBe("0 ms");
  expect(plain(formatQuantity(0, "seconds"))).toBe("0 s");
});
