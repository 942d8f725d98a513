import { randomBytes } from "node:crypto";
import { ByteReader, type ByteWriter } from "./bytes.ts";
import { crc32 } from "./crc32.ts";
import type { IndexedSeries } from "./label-index.ts";
import { METRIC_TYPES } from "./label-index.ts";

/** Framing and contents of records in log segments and in the marks file. Drawn in docs/format/wal.md. */

export const LOG_VERSION = 1;
const MAGIC = Buffer.from("AUWALOG", "latin1");
/** One header; it stands twice, so that a flipped byte in it costs no record. */
const HEADER_BYTES = 24;
export const LOG_HEADER_BYTES = 2 * HEADER_BYTES;
/** Every record begins with it, so that reading goes on behind a damaged one. */
const MARKER = 0xa7d1c35e;
/** Marker, checksum, length. */
const FRAME_BYTES = 12;

export const RECORD = { series: 1, list: 2, tick: 3, rows: 4, gap: 5, deletion: 6 } as const;

export interface LogHeader {
  readonly segment: number;
  /** Seed of every checksum in the file: bytes of another file, or of a label's text, are never taken for a record. */
  readonly salt: number;
}

export function newLogHeader(segment: number): LogHeader {
  return { segment, salt: randomBytes(4).readUInt32LE() };
}

export function encodeLogHeader(header: LogHeader): Uint8Array {
  const bytes = new Uint8Array(LOG_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  bytes[7] = LOG_VERSION;
  view.setFloat64(8, header.segment, true);
  view.setUint32(16, header.salt, true);
  view.setUint32(20, crc32(bytes.subarray(0, 20)), true);
  bytes.copyWithin(HEADER_BYTES, 0, HEADER_BYTES);
  return bytes;
}

/** Null when neither copy is a header of a version this code reads. */
export function decodeLogHeader(bytes: Uint8Array): LogHeader | null {
  for (let at = 0; at + HEADER_BYTES <= Math.min(bytes.length, LOG_HEADER_BYTES); at += HEADER_BYTES) {
    const copy = bytes.subarray(at, at + HEADER_BYTES);
    if (Buffer.compare(copy.subarray(0, 7), MAGIC) !== 0 || copy[7] !== LOG_VERSION) continue;
    const view = new DataView(copy.buffer, copy.byteOffset, copy.byteLength);
    if (view.getUint32(20, true) === crc32(copy.subarray(0, 20)))
      return { segment: view.getFloat64(8, true), salt: view.getUint32(16, true) };
  }
  return null;
}

/** Begins a record; `endRecord` with what this returns closes it. */
export function beginRecord(out: ByteWriter, type: number): number {
  const at = out.length;
  out.u32(MARKER);
  out.u32(0);
  out.u32(0);
  out.u8(type);
  return at;
}

export function endRecord(out: ByteWriter, at: number, salt: number): void {
  out.setU32(at + 8, out.length - at - FRAME_BYTES);
  out.setU32(at + 4, crc32(out.bytes.subarray(at + 8, out.length), salt));
}

/**
 * Visits each intact record's body, type byte first. Returns how many bytes belong to none: a torn end or damage.
 */
export function eachRecord(
  bytes: Uint8Array,
  salt: number,
  visit: (type: number, body: ByteReader) => void,
): { lostBytes: number; damaged: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const marker = Buffer.alloc(4);
  marker.writeUInt32LE(MARKER);
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = LOG_HEADER_BYTES;
  let lostBytes = 0;
  let damaged = 0;
  let inDamage = false;
  while (at < bytes.length) {
    const intact = at + FRAME_BYTES < bytes.length && view.getUint32(at, true) === MARKER ? recordEnd(bytes, view, at, salt) : 0;
    if (intact > 0) {
      visit(bytes[at + FRAME_BYTES], new ByteReader(bytes, at + FRAME_BYTES + 1, intact));
      at = intact;
      inDamage = false;
      continue;
    }
    if (!inDamage) damaged++;
    inDamage = true;
    const next = buffer.indexOf(marker, at + 1);
    const skipTo = next < 0 ? bytes.length : next;
    lostBytes += skipTo - at;
    at = skipTo;
  }
  return { lostBytes, damaged };
}

function recordEnd(bytes: Uint8Array, view: DataView, at: number, salt: number): number {
  const length = view.getUint32(at + 8, true);
  const end = at + FRAME_BYTES + length;
  if (length < 1 || end > bytes.length) return 0;
  return crc32(bytes.subarray(at + 8, end), salt) === view.getUint32(at + 4, true) ? end : 0;
}

export function writeSeries(out: ByteWriter, number: number, one: IndexedSeries): void {
  out.varint(number);
  out.u8(METRIC_TYPES.indexOf(one.type));
  out.text(one.name);
  const labels = Object.keys(one.labels);
  out.varint(labels.length);
  for (const label of labels) {
    out.text(label);
    out.text(one.labels[label]);
  }
}

export function readSeries(input: ByteReader): { number: number; series: IndexedSeries } {
  const number = input.varint();
  const type = METRIC_TYPES[input.u8()] ?? "gauge";
  const name = input.text();
  const labels: [string, string][] = [];
  for (let left = input.varint(); left > 0; left--) labels.push([input.text(), input.text()]);
  return { number, series: { name, labels: Object.freeze(Object.fromEntries(labels)), type } };
}

/** Numbers in the order of rows: each as its distance from the one before. */
export function writeNumbers(out: ByteWriter, numbers: ArrayLike<number>, count: number): void {
  out.varint(count);
  let before = 0;
  for (let i = 0; i < count; i++) {
    out.zigzag(numbers[i] - before);
    before = numbers[i];
  }
}

export function readNumbers(input: ByteReader): Uint32Array {
  const numbers = new Uint32Array(input.count(input.end - input.at));
  let before = 0;
  for (let i = 0; i < numbers.length; i++) numbers[i] = before += input.zigzag();
  return numbers;
}

/** Numbers of a list, which mostly follow each other: runs of n, n + 1, n + 2 … as distance from the run before, and length. */
export function writeRuns(out: ByteWriter, numbers: Uint32Array): void {
  out.varint(numbers.length);
  let expected = 0;
  for (let i = 0; i < numbers.length;) {
    const start = i;
    do i++;
    while (i < numbers.length && numbers[i] === numbers[i - 1] + 1);
    out.zigzag(numbers[start] - expected);
    out.varint(i - start);
    expected = numbers[i - 1] + 1;
  }
}

/** No tick has more series. */
const LIST_MAX = 2 ** 24;

export function readRuns(input: ByteReader): Uint32Array {
  const numbers = new Uint32Array(input.count(LIST_MAX));
  let number = 0;
  for (let i = 0; i < numbers.length;) {
    number += input.zigzag();
    const end = i + input.count(numbers.length - i);
    if (end === i) throw new RangeError("an empty run");
    while (i < end) numbers[i++] = number++;
  }
  return numbers;
}

/** Doubles as they are: bytes are moved, so a NaN keeps its payload. */
export function writeDoubles(out: ByteWriter, values: Float64Array, count: number): void {
  out.raw(new Uint8Array(values.buffer, values.byteOffset, count * 8));
}

export function readDoubles(input: ByteReader, count: number): Float64Array {
  const values = new Float64Array(count);
  new Uint8Array(values.buffer).set(input.raw(count * 8));
  return values;
}
