import * as zlib from "node:zlib";

type Crc32 = (bytes: Uint8Array, seed?: number) => number;

let table: Uint32Array | null = null;

function buildTable(): Uint32Array {
  const built = new Uint32Array(256);
  for (let i = 0; i < 256; i++) {
    let crc = i;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    built[i] = crc >>> 0;
  }
  return built;
}

/** CRC-32 (IEEE, as in gzip) in plain JavaScript; `seed` continues an earlier CRC. */
export function crc32Table(bytes: Uint8Array, seed = 0): number {
  const crcs = (table ??= buildTable());
  let crc = ~seed;
  for (let i = 0; i < bytes.length; i++) crc = crcs[(crc ^ bytes[i]) & 0xff] ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** The same, by zlib where Node has it (22.2 and newer). */
export const crc32: Crc32 = (zlib as { crc32?: Crc32 }).crc32 ?? crc32Table;
