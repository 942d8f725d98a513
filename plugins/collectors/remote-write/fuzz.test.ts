import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SliceTable } from "./slice-table.ts";
import { SnappyDecoder } from "./snappy.ts";
import { compressed, histogram, varint, writeV1, writeV2 } from "./testdata/encode.ts";
import { receiving } from "./testdata/receive.ts";

const T = 1_767_614_400_000;
const SERIES = [
  {
    labels: ["__name__", "a_total", "job", "x"],
    samples: [
      [T, 1],
      [T + 1000, 2],
    ] as const,
  },
  { labels: ["__name__", "b"], samples: [[T, 0]] as const, exemplars: 1, metadata: { type: 2, help: "B.", unit: "" } },
  {
    labels: ["__name__", "h"],
    histograms: [histogram({ timeMs: T, count: 3, sum: 1, schema: 2, positive: [{ offset: 0, counts: [1, 2] }] })],
  },
];

/** One to four bytes of a valid message are others, or it is cut. */
const mutations = fc.record({
  version: fc.constantFrom("v1" as const, "v2" as const),
  edits: fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { minLength: 1, maxLength: 4 }),
  cut: fc.option(fc.nat(400)),
});

describe("bodies that nobody sends", () => {
  it("are answered, whatever was changed in a valid message", async () => {
    const receivers = receiving();
    await fc.assert(
      fc.asyncProperty(mutations, async ({ version, edits, cut }) => {
        const plain = version === "v1" ? writeV1(SERIES, [{ family: "b", type: 2, help: "B." }]) : writeV2(SERIES);
        for (const [at, byte] of edits) plain[at % plain.length] = byte;
        const answer = await receivers[version](cut === null ? plain : plain.subarray(0, cut % plain.length));
        expect([204, 400]).toContain(answer.status);
        if (answer.status === 400) expect(answer.body).toMatch(/byte \d+|series \d+|their times/);
      }),
      { numRuns: 2000 },
    );
  });

  it("are answered, compressed or not, whatever their bytes", async () => {
    const receivers = receiving();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.boolean(), async (bytes, whole) => {
        const answer = await (whole ? receivers.v2(bytes) : receivers.send(bytes));
        expect([204, 400, 413]).toContain(answer.status);
      }),
      { numRuns: 2000 },
    );
  });

  it("do not make room for what they only announce", async () => {
    const { send } = receiving();
    const announced = async (size: number): Promise<number> =>
      (await send(Buffer.concat([varint(size), Buffer.alloc(40)]))).status;
    expect(await announced(2 ** 32 - 1)).toBe(413);
    expect(await announced(32 * 1024 * 1024)).toBe(400);
    expect((await send(Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]))).status).toBe(400);
    // A whole bomb: as much as is taken, of samples without anything in them.
    const bomb = Buffer.alloc(1024 * 1024);
    for (let at = 0; at < bomb.length; at += 2) bomb[at] = 0x12;
    const series = Buffer.concat([Buffer.from([0x0a]), varint(bomb.length), bomb]);
    const before = process.memoryUsage().rss;
    expect((await receiving({ max_samples_per_request: 10_000 }).v1(series)).status).toBe(413);
    expect(process.memoryUsage().rss - before).toBeLessThan(256 * 1024 * 1024);
  });
});

describe("SnappyDecoder", () => {
  it("gives back what snappyjs compressed, short, long and repeating", () => {
    const decoder = new SnappyDecoder();
    const repeating = fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 90 }), fc.integer({ min: 1, max: 2000 }));
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 3000 }),
      repeating.map(([unit, times]) => Buffer.concat(Array<Uint8Array>(times).fill(unit))),
    );
    fc.assert(
      fc.property(bytes, (plain) => {
        expect(Buffer.compare(decoder.decode(compressed(plain), 1e6), plain)).toBe(0);
      }),
    );
  });

  it("copies that overlap themselves repeat", () => {
    const decoder = new SnappyDecoder();
    // "ab", then 60 bytes from two bytes back.
    expect(Buffer.from(decoder.decode(Buffer.from([62, 4, 97, 98, (59 << 2) | 2, 2, 0]), 100)).toString()).toBe("ab".repeat(31));
  });

  it.each([
    ["an empty body", []],
    ["a size without end", [0x80, 0x80]],
    ["a literal that is cut off", [3, 8, 97]],
    ["a literal's length that is cut off", [200, 1, 0xf4, 1]],
    ["more than announced", [1, 4, 97, 98]],
    ["less than announced", [9, 4, 97, 98]],
    ["a copy from before the beginning", [6, 0, 97, 5, 2]],
    ["a copy from nowhere", [6, 0, 97, 1, 0]],
    ["a copy that is cut off", [6, 0, 97, 2, 1]],
  ])("refuses %s", (_, bytes) => {
    expect(() => new SnappyDecoder().decode(Uint8Array.from(bytes), 1e6)).toThrow(
      expect.objectContaining({ code: "snappy_invalid" }) as Error,
    );
  });
});

describe("SliceTable", () => {
  it("knows every string again under its number, in any order", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 300 }), (strings) => {
        const table = new SliceTable(1e6);
        const numbers = new Map<string, number>();
        for (let round = 0; round < 2; round++) {
          table.begin();
          for (const bytes of strings) {
            const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
            const key = Buffer.from(bytes).toString("hex");
            let slot = table.guess(view, 0, bytes.length);
            if (slot >= 0 && table.lengthOf(slot) === bytes.length) table.follow(slot);
            else {
              slot = table.find(bytes, view, 0, bytes.length);
              if (slot < 0) slot = table.add(bytes, 0, bytes.length);
            }
            expect(slot).toBe(numbers.get(key) ?? slot);
            numbers.set(key, slot);
          }
        }
        expect(new Set(numbers.values()).size).toBe(numbers.size);
      }),
    );
  });

  it("holds thousands of strings and forgets them all", () => {
    const table = new SliceTable(1e6);
    const text = (i: number): Uint8Array => Buffer.from(`series ${i} with a name`);
    const find = (i: number): number => {
      const bytes = text(i);
      return table.find(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0, bytes.length);
    };
    for (let i = 0; i < 5000; i++) expect(table.add(text(i), 0, text(i).length)).toBe(i);
    for (let i = 0; i < 5000; i++) expect(find(i)).toBe(i);
    table.clear();
    expect(find(1)).toBe(-1);
  });
});
