import { crc32, deflateSync } from "node:zlib";
import { nativeImage, type NativeImage } from "electron";
import type { Health } from "./health.ts";

/** Readable on light and dark panels alike; colour only for meaning. */
const COLOUR: Record<Health["level"], readonly [number, number, number]> = {
  calm: [0x86, 0x90, 0x9c],
  attention: [0xd9, 0x8a, 0x00],
  critical: [0xd6, 0x3a, 0x2a],
};

/** The measured line leaving its band: corners on a 16 × 16 grid. */
const LINE: readonly (readonly [number, number])[] = [
  [0.5, 10],
  [4.5, 10],
  [6.5, 12.5],
  [9.5, 3],
  [11.5, 10],
  [15.5, 10],
];
const HALF_WIDTH = 1.1;

/** The tray's icon at 16 px and 32 px, drawn so that it needs no file of its own. */
export function trayIcon(level: Health["level"]): NativeImage {
  const image = nativeImage.createEmpty();
  for (const scaleFactor of [1, 2]) {
    const bytes = png(16 * scaleFactor, COLOUR[level]);
    image.addRepresentation({ scaleFactor, dataURL: `data:image/png;base64,${bytes.toString("base64")}` });
  }
  return image;
}

/** RGBA, 8 bits a channel, one filter byte 0 a row; at most 255 px: PNG specification, sections 5 and 11. */
export function png(sizePx: number, [red, green, blue]: readonly [number, number, number]): Buffer {
  const rowBytes = 1 + sizePx * 4;
  const pixels = Buffer.alloc(sizePx * rowBytes);
  const unit = 16 / sizePx;
  for (let y = 0; y < sizePx; y++) {
    for (let x = 0; x < sizePx; x++) {
      const away = distanceToLine((x + 0.5) * unit, (y + 0.5) * unit);
      const alpha = Math.round(255 * Math.min(1, Math.max(0, (HALF_WIDTH - away) / unit + 0.5)));
      pixels.set([red, green, blue, alpha], y * rowBytes + 1 + x * 4);
    }
  }
  const header = Buffer.from([0, 0, 0, sizePx, 0, 0, 0, sizePx, 8, 6, 0, 0, 0]);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    pngChunk("IHDR", header),
    pngChunk("IDAT", deflateSync(pixels)),
    pngChunk("IEND", Buffer.alloc(0)),
  ]);
}

function pngChunk(type: string, data: Buffer): Buffer {
  const chunk = Buffer.alloc(12 + data.length);
  chunk.writeUInt32BE(data.length, 0);
  chunk.write(type, 4, "latin1");
  data.copy(chunk, 8);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, 8 + data.length)), 8 + data.length);
  return chunk;
}

function distanceToLine(x: number, y: number): number {
  let nearest = Infinity;
  for (let i = 1; i < LINE.length; i++) {
    const [x0, y0] = LINE[i - 1];
    const [x1, y1] = LINE[i];
    const along = ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / ((x1 - x0) ** 2 + (y1 - y0) ** 2);
    const at = Math.min(1, Math.max(0, along));
    nearest = Math.min(nearest, Math.hypot(x - x0 - at * (x1 - x0), y - y0 - at * (y1 - y0)));
  }
  return nearest;
}
