import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { niceStep, queryStepMs, stillFits, timeStep, timeTicks, valueScale, valueTicks } from "./scale.ts";

describe("a value axis", () => {
  test("fits the data, not 0 to 100", () => {
    expect(valueScale(40.6, 46.6, 2)).toMatchObject({ low: 40, high: 50 });
  });

  test("starts at nought when nought is near", () => {
    expect(valueScale(3, 21, 2)).toMatchObject({ low: 0 });
  });

  test("does not go beyond the quantity's end", () => {
    expect(valueScale(80, 99.5, 2, 100).high).toBe(100);
  });

  test("shows a line that hardly moves as hardly moving", () => {
    const { low, high } = valueScale(99.9, 100, 2, 100);
    expect(high).toBe(100);
    expect(low).toBeLessThanOrEqual(90);
  });

  test("stands when there is no data", () => {
    expect(valueScale(Infinity, -Infinity, 2)).toEqual({ low: 0, high: 1, step: 0.5 });
    expect(valueScale(0, 0, 2).high).toBeGreaterThan(0);
  });

  test("always holds what is shown, on ticks", () => {
    const value = fc.double({ min: -1e12, max: 1e12, noNaN: true }).filter((one) => one === 0 || Math.abs(one) > 1e-6);
    fc.assert(
      fc.property(value, value, (a, b) => {
        const [min, max] = a < b ? [a, b] : [b, a];
        const scale = valueScale(min, max, 2);
        const slack = Math.abs(scale.high - scale.low) * 1e-6;
        expect(scale.low).toBeLessThanOrEqual(min + slack);
        expect(scale.high).toBeGreaterThanOrEqual(max - slack);
        const ticks = valueTicks(scale);
        expect(ticks.length).toBeGreaterThanOrEqual(2);
        expect(ticks.length).toBeLessThanOrEqual(8);
      }),
    );
  });

  test("stays as it is while data moves within it", () => {
    const scale = valueScale(10, 45, 2);
    expect(stillFits(scale, 12, 44)).toBe(true);
    expect(stillFits(scale, 12, 80)).toBe(false);
    expect(stillFits(scale, 1, 4)).toBe(false);
  });

  test("has round steps", () => {
    expect(niceStep(0.3)).toBe(0.5);
    expect(niceStep(23)).toBe(25);
    expect(niceStep(2.1)).toBe(5);
    expect(niceStep(1000)).toBe(1000);
  });
});

describe("a time axis", () => {
  test("has ticks at round local times", () => {
    const from = new Date(2026, 10, 18, 8, 30, 12).getTime();
    const to = from + 6 * 3_600_000;
    const step = timeStep(from, to, 6);
    expect(step).toBe(3_600_000);
    const ticks = timeTicks(from, to, step);
    expect(ticks).toHaveLength(6);
    expect(new Date(ticks[0]).getHours()).toBe(9);
    expect(new Date(ticks[0]).getMinutes()).toBe(0);
  });

  test("never has more ticks than can be labelled", () => {
    fc.assert(
      fc.property(fc.integer({ min: 5000, max: 40 * 86_400_000 }), fc.integer({ min: 2, max: 12 }), (span, parts) => {
        const from = Date.UTC(2026, 2, 20);
        expect(timeTicks(from, from + span, timeStep(from, from + span, parts)).length).toBeLessThanOrEqual(parts + 1);
      }),
    );
  });
});

describe("a query's step", () => {
  test("is about a row a pixel in round seconds", () => {
    expect(queryStepMs(20 * 60_000, 500)).toBe(3000);
    expect(queryStepMs(9 * 86_400_000, 500)).toBe(1800_000);
  });

  test("is never under a second", () => {
    expect(queryStepMs(60_000, 2000)).toBe(1000);
  });
});
