import { inflateSync } from "node:zlib";
import { expect, test } from "vitest";
import { png } from "./icon.ts";

test("the icon is a PNG of its size: a line on nothing", () => {
  const bytes = png(32, [1, 2, 3]);
  expect(bytes.subarray(0, 8).toString("latin1")).toBe("\x89PNG\r\n\x1a\n");
  expect([bytes.readUInt32BE(16), bytes.readUInt32BE(20)]).toEqual([32, 32]);
  const dataBytes = bytes.readUInt32BE(33);
  expect(bytes.toString("latin1", 37, 41)).toBe("IDAT");
  const pixels = inflateSync(bytes.subarray(41, 41 + dataBytes));
  expect(pixels).toHaveLength(32 * (1 + 32 * 4));
  const alphas = [];
  for (let y = 0; y < 32; y++) for (let x = 0; x < 32; x++) alphas.push(pixels[y * 129 + 1 + x * 4 + 3]);
  expect(alphas[0]).toBe(0);
  const drawn = alphas.filter((alpha) => alpha === 255).length;
  expect(drawn).toBeGreaterThan(60);
  expect(drawn).toBeLessThan(32 * 32 * 0.4);
});
