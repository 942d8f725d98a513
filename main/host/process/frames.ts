import { AgentError, type Batch, createBatch, ensureCapacity } from "all-use-agent/sdk";

/**
 * What travels between the agent and a plugin's process: `u32 length, u8 type, payload`, little endian. A length is checked
 * before a byte of the payload is kept, so a liar costs no memory.
 */
export const FRAME_BATCH = 1;
/** `u32 length of the JSON, JSON, bytes`: from the plugin. */
export const FRAME_MESSAGE = 2;
/** Node's own serialization: from the agent only, since reading it from a stranger is not safe. */
export const FRAME_VALUE = 3;
/** `u32 number of the batch, batch`: what a processor left of it. From the plugin, where its samples go. */
export const FRAME_PROCESSED = 4;

/** What a plugin may send in one frame. */
export const FRAME_MAX_BYTES = 1024 * 1024;

const HEADER_BYTES = 5;
const ROW_BYTES = 4 + 8 + 8;
/** Rows that fit a frame. A larger batch is sent in pieces. */
export const BATCH_MAX_ROWS = Math.floor((FRAME_MAX_BYTES - 8) / ROW_BYTES);

const EMPTY = new Uint8Array(0);

function invalid(what: string): AgentError {
  return new AgentError("frame_invalid", `its process sent ${what}: plugins speak through ctx only`);
}

/** A frame of any type around a payload that is there already. */
/** Beside the number of rows: the batch's flag. */
const BACKDATED = 0x80000000;

export function encodeFrame(type: number, payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + payload.length);
  frame.writeUInt32LE(payload.length, 0);
  frame[4] = type;
  frame.set(payload, HEADER_BYTES);
  return frame;
}

/** Rows `from` (inclusive) to `to` (exclusive) of a batch. */
export function encodeBatch(batch: Batch, from = 0, to = batch.length): Buffer {
  const frame = rowsFrame(FRAME_BATCH, 0, to - from);
  putRows(frame, HEADER_BYTES, batch, from, to);
  return frame;
}

export function encodeProcessed(seq: number, batch: Batch): Buffer {
  const frame = rowsFrame(FRAME_PROCESSED, 4, batch.length);
  frame.writeUInt32LE(seq, HEADER_BYTES);
  putRows(frame, HEADER_BYTES + 4, batch, 0, batch.length);
  return frame;
}

/** Throws `frame_invalid`. */
export function decodeProcessed(payload: Uint8Array): { seq: number; batch: Batch } {
  if (payload.length < 8) throw invalid(`an answer of ${payload.length} bytes`);
  const seq = new DataView(payload.buffer, payload.byteOffset).getUint32(0, true);
  return { seq, batch: decodeBatch(payload.subarray(4)) };
}

/** A frame with room for `prefixBytes` and a batch. */
function rowsFrame(type: number, prefixBytes: number, rows: number): Buffer {
  const payloadBytes = prefixBytes + 4 + rows * ROW_BYTES;
  const frame = Buffer.allocUnsafe(HEADER_BYTES + payloadBytes);
  frame.writeUInt32LE(payloadBytes, 0);
  frame[4] = type;
  return frame;
}

function putRows(frame: Buffer, start: number, batch: Batch, from: number, to: number): void {
  const rows = to - from;
  frame.writeUInt32LE((rows | (batch.backdated === true ? BACKDATED : 0)) >>> 0, start);
  let at = start + 4;
  for (const column of [batch.series, batch.timestamps, batch.values]) {
    const bytes = new Uint8Array(
      column.buffer,
      column.byteOffset + from * column.BYTES_PER_ELEMENT,
      rows * column.BYTES_PER_ELEMENT,
    );
    frame.set(bytes, at);
    at += bytes.length;
  }
}

/** Reads a batch frame into `target`, which is grown if need be and returned. Throws `frame_invalid`. */
export function decodeBatch(payload: Uint8Array, target: Batch = createBatch(0)): Batch {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const head = payload.length >= 4 ? view.getUint32(0, true) : -1;
  const rows = head < 0 ? head : (head & ~BACKDATED) >>> 0;
  if (rows < 0 || payload.length !== 4 + rows * ROW_BYTES)
    throw invalid(`a batch of ${payload.length} bytes that does not add up`);
  target.length = 0;
  const batch = ensureCapacity(target, rows);
  let at = 4;
  for (const column of [batch.series, batch.timestamps, batch.values]) {
    const bytes = rows * column.BYTES_PER_ELEMENT;
    new Uint8Array(column.buffer, column.byteOffset, bytes).set(payload.subarray(at, at + bytes));
    at += bytes;
  }
  batch.length = rows;
  batch.backdated = (head & BACKDATED) !== 0;
  return batch;
}

export interface Message {
  /** A JSON object with at least its type. */
  readonly json: { readonly t: string } & Readonly<Record<string, unknown>>;
  readonly bytes: Uint8Array;
}

export function encodeMessage(json: Message["json"], bytes: Uint8Array = EMPTY): Buffer {
  const text = Buffer.from(JSON.stringify(json));
  const payload = Buffer.allocUnsafe(4 + text.length + bytes.length);
  payload.writeUInt32LE(text.length, 0);
  payload.set(text, 4);
  payload.set(bytes, 4 + text.length);
  return encodeFrame(FRAME_MESSAGE, payload);
}

/** `bytes` is a copy, safe to keep. Keys that could change a prototype are left out. Throws `frame_invalid`. */
export function decodeMessage(payload: Uint8Array): Message {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const textBytes = payload.length >= 4 ? view.getUint32(0, true) : Infinity;
  if (textBytes > payload.length - 4) throw invalid("a message shorter than it says");
  const text = Buffer.from(payload.buffer, payload.byteOffset + 4, textBytes).toString("utf8");
  const json = parseJson(text);
  if (typeof json !== "object" || json === null || typeof (json as { t?: unknown }).t !== "string")
    throw invalid("a message without a type");
  return { json: json as Message["json"], bytes: new Uint8Array(payload.subarray(4 + textBytes)) };
}

/** JSON of a stranger: keys that could change a prototype are left out. Throws `frame_invalid`. */
export function parseJson(text: string): unknown {
  try {
    // An escape could spell the name, too.
    const suspicious = text.includes("__proto__") || text.includes("\\u");
    return JSON.parse(text, suspicious ? (key, value: unknown) => (key === "__proto__" ? undefined : value) : undefined);
  } catch {
    throw invalid("a message that is not JSON");
  }
}

/** Cuts a stream into frames. Holds at most one incomplete frame. */
export class FrameReader {
  private readonly maxBytes: number;
  private chunks: Uint8Array[] = [];
  private heldBytes = 0;
  /** Of the frame that is being waited for, header included. */
  private neededBytes = HEADER_BYTES;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  /** Hands every frame that is now complete to `take`; the payload is valid only during the call. Throws `frame_invalid`. */
  push(chunk: Uint8Array, take: (type: number, payload: Uint8Array) => void): void {
    this.chunks.push(chunk);
    this.heldBytes += chunk.length;
    if (this.heldBytes < this.neededBytes) return;
    let all = this.chunks.length === 1 ? chunk : Buffer.concat(this.chunks);
    this.chunks = [];
    for (;;) {
      this.neededBytes = HEADER_BYTES;
      if (all.length < HEADER_BYTES) break;
      const payloadBytes = new DataView(all.buffer, all.byteOffset).getUint32(0, true);
      const type = all[4];
      if (type < FRAME_BATCH || type > FRAME_PROCESSED) throw invalid(`a frame of unknown type ${type}`);
      if (payloadBytes > this.maxBytes) throw invalid(`a frame of ${payloadBytes} bytes; at most ${this.maxBytes} are taken`);
      this.neededBytes = HEADER_BYTES + payloadBytes;
      if (all.length < this.neededBytes) break;
      take(type, all.subarray(HEADER_BYTES, this.neededBytes));
      all = all.subarray(this.neededBytes);
    }
    this.heldBytes = all.length;
    if (all.length > 0) this.chunks.push(all);
  }
}
