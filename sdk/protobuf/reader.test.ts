import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ProtobufReader, WIRE } from "./reader.ts";

function varintOf(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return [...bytes, Number(rest)];
}

function fixedOf(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, value), true);
  return bytes;
}

const readerOf = (...bytes: number[]): ProtobufReader => new ProtobufReader(Uint8Array.from(bytes));
const refusal: unknown = expect.objectContaining({
  code: "protobuf_invalid",
  where: expect.stringMatching(/^byte \d+$/) as string,
});

describe("ProtobufReader", () => {
  it("reads every kind of integer as BigInt arithmetic does", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }), (value) => {
        const unsigned = BigInt.asUintN(64, value);
        const signed = BigInt.asIntN(64, value);
        const bytes = varintOf(value);
        expect(readerOf(...bytes).varint()).toBe(Number(unsigned));
        expect(readerOf(...bytes).int64()).toBe(Number(signed));
        expect(new ProtobufReader(fixedOf(value)).fixed64()).toBe(Number(unsigned));
        expect(new ProtobufReader(fixedOf(value)).sfixed64()).toBe(Number(signed));
        expect(new ProtobufReader(fixedOf(value)).fixed64NanosAsMs()).toBe(Number(unsigned / 1_000_000n));
      }),
    );
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 51n), max: 2n ** 51n }), (value) => {
        expect(readerOf(...varintOf((value << 1n) ^ (value >> 63n))).zigzag()).toBe(Number(value));
      }),
    );
  });

  it("walks nested messages and passes over what nobody asks for", () => {
    // 1: varint 150, 2: { 3: "hé", 4: fixed32 }, 5: fixed64, 6: bytes
    const reader = readerOf(8, 150, 1, 18, 10, 26, 3, 104, 195, 169, 37, 1, 0, 0, 0, 41, 0, 0, 0, 0, 0, 0, 240, 63, 50, 1, 7);
    const seen: unknown[] = [];
    while (reader.next()) {
      if (reader.field === 1) seen.push(reader.varint());
      else if (reader.field === 2) {
        const outer = reader.enter();
        while (reader.next()) seen.push(reader.wire === WIRE.bytes ? reader.text() : reader.skip());
        reader.leave(outer);
      } else if (reader.field === 5) {
        reader.expect(WIRE.fixed64);
        seen.push(reader.double());
      } else reader.skip();
    }
    expect(seen).toEqual([150, "hé", undefined, 1]);
  });

  it("keeps the bits of a signalling NaN", () => {
    const reader = new ProtobufReader(fixedOf(0x7ff0000000000002n));
    const values = new Float64Array(2);
    reader.doubleInto(new Uint32Array(values.buffer), 1);
    expect(new BigUint64Array(values.buffer)[1]).toBe(0x7ff0000000000002n);
  });

  it("refuses what is cut off, too long, a group or no text, with the place", () => {
    expect(() => readerOf(0x80).varint()).toThrow(refusal);
    expect(() => readerOf(...Array<number>(11).fill(0x80), 1).varint()).toThrow(refusal);
    expect(() => readerOf(5, 1, 2).raw()).toThrow(refusal);
    expect(() => readerOf(1, 2, 3).double()).toThrow(refusal);
    expect(() => readerOf(2, 0xc3, 0x28).text()).toThrow(refusal);
    expect(() => readerOf(0).next()).toThrow(refusal);
    const group = readerOf(0x0b, 1);
    group.next();
    expect(() => group.skip()).toThrow(refusal);
    // A message inside cannot be longer than the one around it.
    const nested = readerOf(10, 2, 10, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    nested.next();
    nested.enter();
    nested.next();
    expect(() => nested.enter()).toThrow(refusal);
  });

  it("ends on any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const reader = new ProtobufReader(bytes);
        try {
          while (reader.next()) reader.skip();
        } catch (error) {
          expect(error).toEqual(refusal);
        }
      }),
    );
  });
});
