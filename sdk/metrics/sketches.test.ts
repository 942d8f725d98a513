import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteReader } from "./bytes.ts";
import {
  bucketBound,
  bucketIndex,
  boundText,
  countAtBound,
  cumulativeBuckets,
  downscaleBuckets,
  isBucketBound,
} from "./exponential-buckets.ts";
import { ExponentialHistogram } from "./exponential-histogram.ts";
import { QuantileSketch } from "./quantile-sketch.ts";

/** A number of full precision, or zero: smaller ones count as zero. */
const isNormal = (one: number): boolean => one === 0 || Math.abs(one) >= 2 ** -1022;
const normal = fc.double({ noNaN: true, min: -1e9, max: 1e9 }).filter(isNormal);
/** Values of all sizes and both signs, with zero, among them many that lie near each other. */
const value = fc.oneof(
  normal,
  fc.double({ noNaN: true, min: 0.001, max: 10 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter(isNormal),
  fc.integer({ min: -3, max: 3 }),
);
const values = fc.array(value, { maxLength: 200 });

function sumOf(counts: ArrayLike<number>): number {
  return Array.from(counts).reduce((sum, count) => sum + count, 0);
}

describe("an exponential histogram", () => {
  const observed = (given: readonly number[], maxBuckets = 160): ExponentialHistogram => {
    const histogram = new ExponentialHistogram({ maxBuckets });
    for (const one of given) histogram.observe(one);
    return histogram;
  };
  /** All that it holds but the sum, whose last bits depend on the order. */
  const shape = (histogram: ExponentialHistogram): unknown => {
    const { positiveCounts, negativeCounts, ...rest } = histogram.buckets();
    const { count, min, max } = histogram;
    return { ...rest, positive: Array.from(positiveCounts), negative: Array.from(negativeCounts), count, min, max };
  };

  it("puts every value between the bounds of its bucket, at every scale", () => {
    fc.assert(
      fc.property(
        fc.double({ noNaN: true, min: 2 ** -1022, max: Number.MAX_VALUE }),
        fc.integer({ min: -11, max: 20 }),
        (size, scale) => {
          const index = bucketIndex(scale, size);
          expect(size).toBeGreaterThan(bucketBound(scale, index));
          expect(size).toBeLessThanOrEqual(bucketBound(scale, index + 1));
        },
      ),
    );
    for (let scale = -4; scale <= 20; scale++)
      for (const power of [-1022, -30, -1, 0, 1, 10, 1023]) {
        const bound = 2 ** power;
        expect(bucketBound(scale, bucketIndex(scale, bound) + 1)).toBeGreaterThanOrEqual(bound);
        if (scale >= 0) expect(bucketBound(scale, bucketIndex(scale, bound) + 1)).toBe(bound);
      }
  });

  it("has the same bounds at every scale that has them", () => {
    fc.assert(
      fc.property(fc.integer({ min: -4, max: 19 }), fc.integer({ min: -500, max: 500 }), (scale, index) => {
        const bound = bucketBound(scale, index);
        fc.pre(bound > 0 && bound < Infinity);
        expect(bucketBound(scale + 1, index * 2)).toBe(bound);
        expect(isBucketBound(scale, 0, bound)).toBe(true);
        expect(isBucketBound(scale, 0, -bound)).toBe(true);
        expect(isBucketBound(scale, 0, bucketBound(scale + 1, index * 2 + 1))).toBe(false);
      }),
    );
  });

  it("keeps count, sum and extremes, and every observation in a bucket of its sign", () => {
    fc.assert(
      fc.property(values, fc.integer({ min: 4, max: 160 }), (given, maxBuckets) => {
        const histogram = observed(given, maxBuckets);
        const buckets = histogram.buckets();
        expect(histogram.count).toBe(given.length);
        expect(sumOf(buckets.positiveCounts)).toBe(given.filter((one) => one > 0).length);
        expect(sumOf(buckets.negativeCounts)).toBe(given.filter((one) => one < 0).length);
        expect(histogram.zeroCount).toBe(given.filter((one) => one === 0).length);
        expect(histogram.min).toBe(given.reduce((a, b) => Math.min(a, b), Infinity));
        expect(buckets.positiveCounts.length).toBeLessThanOrEqual(maxBuckets);
      }),
    );
  });

  it("merged is what observing all would have made, in any order", () => {
    fc.assert(
      fc.property(values, values, fc.constantFrom(8, 40, 160), (one, two, maxBuckets) => {
        const all = shape(observed([...one, ...two], maxBuckets));
        const merged = observed(one, maxBuckets);
        merged.merge(observed(two, maxBuckets));
        expect(shape(merged)).toEqual(all);
        const reverse = observed(two, maxBuckets);
        reverse.merge(observed(one, maxBuckets));
        expect(shape(reverse)).toEqual(all);
      }),
    );
  });

  it("keeps its counts when it is made coarser, as the pure function does", () => {
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 12 }), (given, by) => {
        const histogram = observed(given);
        const before = histogram.buckets();
        const to = Math.max(-4, before.scale - by);
        const coarse = downscaleBuckets(before.positiveOffset, Array.from(before.positiveCounts), before.scale - to);
        expect(sumOf(coarse.counts)).toBe(sumOf(before.positiveCounts));
        histogram.downscale(to);
        expect(histogram.scale).toBe(to);
        const after = histogram.buckets();
        expect(Array.from(after.positiveCounts)).toEqual(Array.from(coarse.counts));
        if (coarse.counts.length > 0) expect(after.positiveOffset).toBe(coarse.offset);
      }),
    );
  });

  it("comes back from its bytes, and bytes of another kind are refused with the place", () => {
    fc.assert(
      fc.property(values, (given) => {
        const histogram = observed(given);
        const bytes = histogram.serialize();
        const back = ExponentialHistogram.deserialize(bytes);
        expect(shape(back)).toEqual(shape(histogram));
        expect(back.serialize()).toEqual(bytes);
      }),
    );
    expect(() => ExponentialHistogram.deserialize(new Uint8Array())).toThrow(/ends early, at byte 0/);
  });

  it("gives ascending bounds with counts that are exact at each of them", () => {
    fc.assert(
      fc.property(fc.array(normal, { maxLength: 60 }), (given) => {
        const cumulative = cumulativeBuckets(observed(given).buckets());
        expect(cumulative.total).toBe(given.length);
        const { bounds } = cumulative;
        for (let i = 0; i < bounds.length; i++) {
          if (i > 0) expect(bounds[i]).toBeGreaterThan(bounds[i - 1]);
          // A negative value on a bound belongs to the bucket above it: buckets are open towards zero.
          expect(cumulative.counts[i]).toBe(given.filter((one) => (one >= 0 ? one <= bounds[i] : one < bounds[i])).length);
          expect(countAtBound(cumulative, bounds[i])).toBe(cumulative.counts[i]);
        }
      }),
    );
  });

  it("writes bounds as Prometheus' clients do", () => {
    expect([0.005, 1, 10, 1e6, 123456.5, 2.5e-5, 1e21, Infinity, -0.5, 0].map(boundText)).toEqual([
      "0.005",
      "1",
      "10",
      "1e+06",
      "123456.5",
      "2.5e-05",
      "1e+21",
      "+Inf",
      "-0.5",
      "0",
    ]);
  });
});

describe("a quantile sketch", () => {
  const sketched = (given: readonly number[], maxBuckets = 2048): QuantileSketch => {
    const sketch = new QuantileSketch({ accuracy: 0.01, maxBuckets });
    for (const one of given) sketch.add(one);
    return sketch;
  };
  const QUANTILES = [0, 0.01, 0.25, 0.5, 0.9, 0.99, 1];

  it("gives quantiles within its accuracy, of any sign and with zeros", () => {
    const spread = fc.double({ noNaN: true, min: -1e8, max: 1e8 }).map((one) => (Math.abs(one) < 1e-8 ? 0 : one));
    fc.assert(
      fc.property(fc.array(spread, { minLength: 1, maxLength: 300 }), (given) => {
        const sketch = sketched(given);
        const sorted = [...given].sort((a, b) => a - b);
        for (const q of QUANTILES) {
          const truth = sorted[Math.floor(q * (sorted.length - 1))];
          expect(Math.abs(sketch.quantile(q) - truth)).toBeLessThanOrEqual(Math.abs(truth) * 0.0100000001);
        }
      }),
    );
  });

  it("merged is what adding all would have made, also when its lowest buckets collapse", () => {
    fc.assert(
      fc.property(values, values, fc.constantFrom(16, 64, 2048), (one, two, maxBuckets) => {
        const all = sketched([...one, ...two], maxBuckets);
        const merged = sketched(one, maxBuckets);
        merged.merge(sketched(two, maxBuckets));
        // The sum's last bits depend on the order.
        merged.sum = all.sum;
        expect(merged.serialize()).toEqual(all.serialize());
      }),
    );
  });

  it("stays bounded, and its large quantiles stay right, whatever the span", () => {
    const sketch = new QuantileSketch({ maxBuckets: 64 });
    for (let exponent = -300; exponent <= 300; exponent++) sketch.add(10 ** exponent);
    expect(sketch.serialize().length).toBeLessThan(300);
    expect(sketch.quantile(1)).toBe(1e300);
    expect(sketch.quantile(600 / 601)).toBeGreaterThan(0.98e299);
    expect(sketch.count).toBe(601);
  });

  it("comes back from its bytes, and garbage is refused", () => {
    fc.assert(
      fc.property(values, (given) => {
        const bytes = sketched(given).serialize();
        expect(QuantileSketch.deserialize(bytes).serialize()).toEqual(bytes);
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
        try {
          new ByteReader(bytes).end();
          QuantileSketch.deserialize(bytes);
        } catch (error) {
          expect(error).toMatchObject({ code: "sketch_invalid" });
        }
      }),
    );
  });

  it("has no quantile of nothing, and passes over what is no number", () => {
    const sketch = new QuantileSketch();
    sketch.add(NaN);
    expect([sketch.quantile(0.5), sketch.count, sketch.quantile(2)]).toEqual([NaN, 0, NaN]);
    sketch.add(Infinity);
    sketch.add(-Infinity);
    expect([sketch.quantile(0), sketch.quantile(1)]).toEqual([-Infinity, Infinity]);
    sketch.clear();
    sketch.add(3, 4);
    expect([sketch.count, sketch.sum, sketch.quantile(0.5)]).toEqual([4, 12, 3]);
  });

  it("refuses to merge with another shape", () => {
    expect(() => new QuantileSketch().merge(new QuantileSketch({ accuracy: 0.02 }))).toThrow(/different accuracy/);
    expect(() => new QuantileSketch({ accuracy: 2 })).toThrow(/0.0001 to 0.5/);
  });
});
