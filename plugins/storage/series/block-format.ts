import { crc32 } from "./crc32.ts";

/** Drawn in docs/format/block.md. */
export const BLOCK_VERSION = 1;
export const HEADER_BYTES = 112;
const MAGIC = Buffer.from("AUBLOCK", "latin1");

export interface BlockHeader {
  /** 0: sealed from memory; 1: merged. */
  readonly level: number;
  /** The last block of its seal: when it is there, all of the seal's blocks are. */
  readonly last: boolean;
  /** Log segments whose samples it holds, inclusive. */
  readonly minSegment: number;
  readonly maxSegment: number;
  /** The partition of time, Unix ms: samples lie in [windowStart, windowEnd). */
  readonly windowStart: number;
  readonly windowEnd: number;
  /** Oldest and newest sample, inclusive. */
  readonly minTime: number;
  readonly maxTime: number;
  readonly samples: number;
  readonly series: number;
  /** Clocks and streams, one checksum each. */
  readonly checksums: number;
  readonly indexBytes: number;
  readonly indexRawBytes: number;
  readonly directoryBytes: number;
  readonly directoryRawBytes: number;
  readonly dataBytes: number;
}

/** Index and directory, compressed, and the checksums: the part that is read before any column. */
export function tableBytes(header: BlockHeader): number {
  return header.indexBytes + header.directoryBytes + header.checksums * 4 + 4;
}

export function fileBytes(header: BlockHeader): number {
  return HEADER_BYTES + tableBytes(header) + header.dataBytes;
}

export function encodeHeader(header: BlockHeader): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  bytes[7] = BLOCK_VERSION;
  view.setUint32(8, header.level, true);
  view.setUint32(12, header.last ? 1 : 0, true);
  view.setFloat64(16, header.minSegment, true);
  view.setFloat64(24, header.maxSegment, true);
  view.setFloat64(32, header.windowStart, true);
  view.setFloat64(40, header.windowEnd, true);
  view.setFloat64(48, header.minTime, true);
  view.setFloat64(56, header.maxTime, true);
  view.setFloat64(64, header.samples, true);
  view.setUint32(72, header.series, true);
  view.setUint32(76, header.checksums, true);
  view.setUint32(80, header.indexBytes, true);
  view.setUint32(84, header.indexRawBytes, true);
  view.setUint32(88, header.directoryBytes, true);
  view.setUint32(92, header.directoryRawBytes, true);
  view.setFloat64(96, header.dataBytes, true);
  view.setUint32(104, 0, true);
  view.setUint32(108, crc32(bytes.subarray(0, 108)), true);
  return bytes;
}

/** Throws RangeError when the bytes are no header of a version this code reads. */
export function decodeHeader(bytes: Uint8Array): BlockHeader {
  if (bytes.length < HEADER_BYTES) throw new RangeError(`a block header has ${HEADER_BYTES} bytes, found ${bytes.length}`);
  if (Buffer.compare(bytes.subarray(0, 7), MAGIC) !== 0) throw new RangeError("this is not a block file");
  if (bytes[7] !== BLOCK_VERSION)
    throw new RangeError(`block version ${bytes[7]} is not one this agent reads (${BLOCK_VERSION})`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(108, true) !== crc32(bytes.subarray(0, 108)))
    throw new RangeError("the block header's checksum does not fit");
  return {
    level: view.getUint32(8, true),
    last: (view.getUint32(12, true) & 1) === 1,
    minSegment: view.getFloat64(16, true),
    maxSegment: view.getFloat64(24, true),
    windowStart: view.getFloat64(32, true),
    windowEnd: view.getFloat64(40, true),
    minTime: view.getFloat64(48, true),
    maxTime: view.getFloat64(56, true),
    samples: view.getFloat64(64, true),
    series: view.getUint32(72, true),
    checksums: view.getUint32(76, true),
    indexBytes: view.getUint32(80, true),
    indexRawBytes: view.getUint32(84, true),
    directoryBytes: view.getUint32(88, true),
    directoryRawBytes: view.getUint32(92, true),
    dataBytes: view.getFloat64(96, true),
  };
}
