import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeStream, encodeStream, FORM } from "./column-codec.ts";
import { decodeIntegers, encodeResiduals, PREDICTOR_COUNT, residuals } from "./integer-stream.ts";
import { STALE } from "./testdata/support.ts";

function words(values: Float64Array): Uint32Array {
  return new Uint32Array(values.slice().buffer);
}

function cuts(count: number, parts: number): number[] {
  const ends = Array.from({ length: parts }, (_, i) => Math.max(1, Math.floor(((i + 1) * count) / parts)));
  return [...new Set(ends)];
}

function roundTrip(values: Float64Array, ends: number[], steps: Float64Array | null, thorough: boolean): number {
  const encoded = encodeStream(values, ends, steps, thorough);
  const out = new Float64Array(values.length);
  decodeStream(encoded, encoded.bytes, 0, encoded.bytes.length, ends, steps, out);
  expect(words(out)).toEqual(words(values));
  return encoded.form;
}

const special = fc.constantFrom(
  0,
  -0,
  NaN,
  Infinity,
  -Infinity,
  Number.MIN_VALUE,
  2 ** 53,
  -(2 ** 53),
  2 ** 53 + 2,
  Number.MAX_VALUE,
  0.1 + 0.2,
  1e-9,
  51.846000000000004,
);
const classes: Record<string, fc.Arbitrary<number>> = {
  "bytes and counts": fc.integer({ min: 0, max: 2 ** 40 }),
  "signed integers up to 2^53": fc.maxSafeInteger(),
  decimals: fc.tuple(fc.integer({ min: -1e9, max: 1e9 }), fc.integer({ min: 0, max: 9 })).map(([n, k]) => n / 10 ** k),
  "products with a fraction": fc
    .tuple(fc.integer({ min: 0, max: 1e12 }), fc.integer({ min: 1, max: 9 }))
    .map(([n, k]) => n * Number(`1e-${k}`)),
  "twice divided by a thousand": fc.integer({ min: 0, max: 1e12 }).map((n) => n / 1e3 / 1e3),
  "binary fractions": fc.tuple(fc.integer({ min: -1e9, max: 1e9 }), fc.integer({ min: 0, max: 40 })).map(([n, k]) => n * 2 ** -k),
  "arbitrary doubles": fc.double(),
  "special values": special,
  "integers with specials between": fc.oneof(
    { weight: 12, arbitrary: fc.integer({ min: 0, max: 1000 }) },
    { weight: 1, arbitrary: special },
  ),
};

describe("a column comes back bit for bit", () => {
  for (const [name, value] of Object.entries(classes)) {
    test(name, () => {
      fc.assert(
        fc.property(
          fc.array(value, { minLength: 1, maxLength: 200 }),
          fc.integer({ min: 1, max: 5 }),
          fc.boolean(),
          (list, parts, thorough) => {
            roundTrip(Float64Array.from(list), cuts(list.length, parts), null, thorough);
          },
        ),
        { numRuns: 60 },
      );
    });
  }

  test("arbitrary bits, signalling NaNs among them", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.nat(0xffffffff), fc.constantFrom(0x7ff00000, 0xfff00000, 2, 0, 1)), {
          minLength: 2,
          maxLength: 200,
        }),
        (list) => {
          const values = new Float64Array(Uint32Array.from(list.length % 2 ? list.slice(1) : list).buffer);
          roundTrip(values, [values.length], null, false);
        },
      ),
    );
  });

  test("rates, divided by steps of a clock that jitters", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(1e6), fc.integer({ min: 1, max: 5000 })), { minLength: 2, maxLength: 200 }),
        (list) => {
          const steps = Float64Array.from(list, ([, step], i) => (i === 0 ? 0 : step));
          const values = Float64Array.from(list, ([n], i) => (i === 0 ? 7 : n / (steps[i] / 1000)));
          roundTrip(values, [list.length], steps, false);
        },
      ),
    );
  });

  test("a long column of every predictor's liking", () => {
    for (const make of [
      () => 5,
      (i: number) => i * 17,
      (i: number) => i * i,
      (i: number) => Math.round(1000 * Math.sin(i / 9)),
      (i: number) => (i * 7919) % 613,
    ]) {
      roundTrip(
        Float64Array.from({ length: 3000 }, (_, i) => make(i)),
        [3000],
        null,
        true,
      );
    }
  });
});

test("forms are found: rates, decimals and doubles without form", () => {
  const steps = Float64Array.from({ length: 50 }, (_, i) => (i === 0 ? 0 : 1000 + (i % 7)));
  expect(
    roundTrip(
      Float64Array.from({ length: 50 }, (_, i) => (i === 0 ? 0 : (i * 3) / (steps[i] / 1000))),
      [50],
      steps,
      false,
    ),
  ).toBe(FORM.rate);
  expect(
    roundTrip(
      Float64Array.from({ length: 50 }, (_, i) => i / 100),
      [50],
      null,
      false,
    ),
  ).toBe(FORM.decimal);
  expect(
    roundTrip(
      Float64Array.from({ length: 50 }, (_, i) => Math.sqrt(i + 2)),
      [50],
      null,
      false,
    ),
  ).toBe(FORM.raw);
});

test("a stale marker at the end of a counter does not make the whole column raw", () => {
  const values = Float64Array.from({ length: 100 }, (_, i) => i * 3);
  new BigUint64Array(values.buffer)[99] = STALE;
  expect(roundTrip(values, [100], null, false)).toBe(FORM.decimal);
});

test("a constant column takes no bytes", () => {
  expect(encodeStream(new Float64Array(5000).fill(42.5), [5000], null, false).bytes.length).toBe(0);
});

test("integers come back by every predictor, whatever their size", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.integer({ min: -3, max: 3 }), fc.integer(), fc.integer({ min: -(2 ** 49), max: 2 ** 49 })), {
        minLength: 1,
        maxLength: 300,
      }),
      fc.nat(PREDICTOR_COUNT - 1),
      fc.integer({ min: 1, max: 6 }),
      (list, predictor, parts) => {
        const values = Float64Array.from(list);
        const ends = cuts(list.length, parts);
        const missed = new Float64Array(list.length);
        residuals(values, ends, predictor, missed);
        const bytes = encodeResiduals(missed, list.length);
        const out = new Float64Array(list.length);
        decodeIntegers(bytes, 0, bytes.length, ends, predictor, out);
        expect(Array.from(out, (n) => n + 0)).toEqual(list.map((n) => n + 0));
      },
    ),
  );
});

test("damaged bytes are decoded to something, never to an exception or an endless loop", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 400 }),
      fc.integer({ min: 1, max: 400 }),
      fc.nat(PREDICTOR_COUNT - 1),
      (bytes, count, predictor) => {
        decodeIntegers(bytes, 0, bytes.length, [count], predictor, new Float64Array(count));
        decodeStream(
          { form: FORM.raw, k: 0, predictor: 0, offset: 0, factor: 1, exceptions: 0 },
          bytes,
          0,
          bytes.length,
          [count],
          null,
          new Float64Array(count),
        );
      },
    ),
  );
});
