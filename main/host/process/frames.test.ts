import type { Batch } from "all-use-agent/sdk";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  BATCH_MAX_ROWS,
  decodeBatch,
  decodeMessage,
  encodeBatch,
  encodeFrame,
  encodeMessage,
  FRAME_BATCH,
  FRAME_MAX_BYTES,
  FRAME_MESSAGE,
  FrameReader,
} from "./frames.ts";

const batches = fc.array(fc.tuple(fc.nat(0xffffffff), fc.double(), fc.double()), { maxLength: 200 }).map((rows): Batch => ({
  length: rows.length,
  series: Uint32Array.from(rows, ([id]) => id),
  timestamps: Float64Array.from(rows, ([, time]) => time),
  values: Float64Array.from(rows, ([, , value]) => value),
}));

/** Feeds `bytes` in pieces of the given sizes and collects copies of the frames. */
function read(bytes: Uint8Array, sizes: readonly number[], maxBytes = FRAME_MAX_BYTES): [number, Buffer][] {
  const frames: [number, Buffer][] = [];
  const reader = new FrameReader(maxBytes);
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const size = Math.max(1, sizes[i % sizes.length] ?? bytes.length);
    reader.push(bytes.subarray(at, at + size), (type, payload) => frames.push([type, Buffer.from(payload)]));
    at += size;
  }
  return frames;
}

describe("frames", () => {
  it("bring every batch back, bit by bit, however the stream is cut", () => {
    fc.assert(
      fc.property(
        fc.array(batches, { maxLength: 5 }),
        fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1 }),
        (all, sizes) => {
          const frames = read(Buffer.concat(all.map((batch) => encodeBatch(batch))), sizes);
          expect(frames.map(([type]) => type)).toEqual(all.map(() => FRAME_BATCH));
          frames.forEach(([, payload], i) => {
            const batch = decodeBatch(payload);
            expect(batch.length).toBe(all[i].length);
            for (const column of ["series", "timestamps", "values"] as const) {
              expect(Buffer.from(batch[column].buffer, 0, batch.length * batch[column].BYTES_PER_ELEMENT)).toEqual(
                Buffer.from(all[i][column].buffer),
              );
            }
          });
        },
      ),
    );
  });

  it("bring messages and their bytes back", () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.string().filter((key) => key !== "t" && key !== "__proto__"),
          fc.jsonValue(),
        ),
        fc.uint8Array(),
        (rest, bytes) => {
          const json = JSON.parse(JSON.stringify({ ...rest, t: "demo" })) as { t: string };
          const [[type, payload]] = read(encodeMessage(json, bytes), [3]);
          expect(type).toBe(FRAME_MESSAGE);
          const message = decodeMessage(payload);
          expect(JSON.stringify(message.json)).toBe(JSON.stringify(json));
          expect(Buffer.from(message.bytes)).toEqual(Buffer.from(bytes));
        },
      ),
    );
  });

  it("a stream cut short gives no frame and no error", () => {
    fc.assert(
      fc.property(batches, fc.nat(), (batch, cut) => {
        const whole = encodeBatch(batch);
        expect(read(whole.subarray(0, cut % whole.length), [7])).toEqual([]);
      }),
    );
  });

  it("any bytes at all are frames or frame_invalid, never anything else", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 400 }),
        fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }),
        (bytes, sizes) => {
          try {
            for (const [type, payload] of read(bytes, sizes)) {
              if (type === FRAME_BATCH) decodeBatch(payload);
              else decodeMessage(payload);
            }
          } catch (error) {
            expect(error).toMatchObject({ code: "frame_invalid" });
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  it("random payloads behind a right header are decoded or refused", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.constantFrom(FRAME_BATCH, FRAME_MESSAGE), (payload, type) => {
        try {
          const [[, got]] = read(encodeFrame(type, payload), [11]);
          if (type === FRAME_BATCH) decodeBatch(got);
          else decodeMessage(got);
        } catch (error) {
          expect(error).toMatchObject({ code: "frame_invalid" });
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("a frame that says it is too long is refused at its header", () => {
    const header = Buffer.alloc(5);
    header.writeUInt32LE(500_000_000, 0);
    header[4] = FRAME_BATCH;
    expect(() => read(header, [5])).toThrow(/500000000 bytes; at most/);
  });

  it("the largest batch fits a frame", () => {
    const rows = BATCH_MAX_ROWS;
    const batch = {
      length: rows,
      series: new Uint32Array(rows),
      timestamps: new Float64Array(rows),
      values: new Float64Array(rows),
    };
    expect(read(encodeBatch(batch), [65_536])).toHaveLength(1);
  });

  it("no key reaches a prototype, however it is spelt", () => {
    for (const key of ["__proto__", "\\u005f_proto__"]) {
      const text = Buffer.from(`{"t":"x","in":{"${key}":{"polluted":1}}}`);
      const payload = Buffer.concat([Buffer.alloc(4), text]);
      payload.writeUInt32LE(text.length, 0);
      expect(decodeMessage(payload).json).toEqual({ t: "x", in: {} });
    }
  });
});
