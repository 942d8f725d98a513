import fc from "fast-check";
import { expect, it } from "vitest";
import { CounterTotal } from "./index.ts";

it("is the reading as long as it only rises", () => {
  const total = new CounterTotal();
  expect([5, 5, 8, 100].map((value) => total.read(value))).toEqual([5, 5, 8, 100]);
  expect(total.resets).toBe(0);
});

it("counts all of a reading that fell, or that was counted since a later time", () => {
  const total = new CounterTotal();
  expect([total.read(100, 1000), total.read(7, 1000), total.read(9, 1000), total.read(50, 2000)]).toEqual([100, 107, 109, 159]);
  expect(total.resets).toBe(2);
});

it("passes over what is no reading", () => {
  const total = new CounterTotal();
  expect([total.read(NaN), total.read(3), total.read(NaN), total.read(-1), total.read(Infinity), total.read(4)]).toEqual([
    NaN,
    3,
    3,
    3,
    3,
    4,
  ]);
});

it("wraps at 64 bits without losing a bit between", () => {
  const total = new CounterTotal({ wraps: 64 });
  total.read(2n ** 64n - 3n);
  const before = total.total;
  total.read(4n);
  expect(total.total - before).toBeLessThanOrEqual(4096);
  const small = new CounterTotal({ wraps: 64 });
  small.read(2n ** 63n + 1n);
  expect(small.resets).toBe(0);
  small.read(2n ** 63n + 8n);
  expect(small.read(2n ** 63n + 9n) - small.read(2n ** 63n + 9n)).toBe(0);
});

it("finds every increment of a 32-bit counter that is read often enough", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      fc.array(fc.integer({ min: 0, max: 2 ** 30 }), { maxLength: 50 }),
      (from, steps) => {
        const total = new CounterTotal({ wraps: 32 });
        let value = from;
        let sum = from;
        total.read(value);
        for (const step of steps) {
          value = (value + step) % 2 ** 32;
          sum += step;
          expect(total.read(value)).toBe(sum);
        }
      },
    ),
  );
});
