import { AgentError } from "../errors.ts";

/** How a field's value is written: the low three bits of its tag. */
export const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

const TWO_32 = 2 ** 32;
const NANOS_PER_MS = 1_000_000;
/** 2^32 nanoseconds are so many milliseconds, and so many nanoseconds more. */
const HIGH_MS = Math.floor(TWO_32 / NANOS_PER_MS);
const HIGH_NANOS = TWO_32 % NANOS_PER_MS;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Walks a protobuf message field by field: `while (reader.next())` and a switch over `field`; every field is read by the method
 * that fits its `wire` type, or skipped. Reads nothing past the end of the message in hand, allocates nothing for numbers and never
 * recurses. Every method throws AgentError `protobuf_invalid` that names the byte. Source: protobuf.dev/programming-guides/encoding.
 */
export class ProtobufReader {
  /** Where the next byte is read, and where the message in hand ends. */
  at: number;
  end: number;
  /** Of the field that `next` has found. */
  field = 0;
  wire = 0;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  /** Low 32 bits of the last varint or fixed64, and what is above them. */
  private low = 0;
  private high = 0;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = start;
    this.end = end;
  }

  /** Goes to the next field of the message in hand; false at its end. What the one before holds must have been read or skipped. */
  next(): boolean {
    if (this.at >= this.end) return false;
    const tag = this.varint();
    this.wire = tag & 7;
    this.field = Math.floor(tag / 8);
    if (this.field === 0 || tag >= TWO_32) throw this.fault(`${tag} is no tag of a field`);
    return true;
  }

  /** Goes into a message within the message. Give what it returns to `leave` when `next` has found its end. */
  enter(): number {
    const outerEnd = this.end;
    this.end = this.span();
    return outerEnd;
  }

  leave(outerEnd: number): void {
    this.at = this.end;
    this.end = outerEnd;
  }

  /** Unsigned. Beyond 2^53 the lowest bits are lost, as in any number. */
  varint(): number {
    this.words();
    return this.high * TWO_32 + this.low;
  }

  /** `int32` and `int64`: two's complement. Beyond ±2^53 the lowest bits are lost. */
  int64(): number {
    this.words();
    return (this.high | 0) * TWO_32 + this.low;
  }

  /** `sint32` and `sint64`. */
  zigzag(): number {
    this.words();
    const half = this.high * (TWO_32 / 2) + (this.low >>> 1);
    return this.low & 1 ? -half - 1 : half;
  }

  bool(): boolean {
    this.words();
    return this.low !== 0 || this.high !== 0;
  }

  fixed32(): number {
    return this.view.getUint32(this.take(4), true);
  }

  float(): number {
    return this.view.getFloat32(this.take(4), true);
  }

  /** Unsigned. Beyond 2^53 the lowest bits are lost. */
  fixed64(): number {
    const at = this.take(8);
    return this.view.getUint32(at + 4, true) * TWO_32 + this.view.getUint32(at, true);
  }

  sfixed64(): number {
    const at = this.take(8);
    return this.view.getInt32(at + 4, true) * TWO_32 + this.view.getUint32(at, true);
  }

  /** A `fixed64` of nanoseconds as whole milliseconds, rounded down, exact over all 64 bits. */
  fixed64NanosAsMs(): number {
    const at = this.take(8);
    const high = this.view.getUint32(at + 4, true);
    return high * HIGH_MS + Math.floor((high * HIGH_NANOS + this.view.getUint32(at, true)) / NANOS_PER_MS);
  }

  /** A signalling NaN may lose bits on its way through a variable: `doubleInto` keeps them. */
  double(): number {
    return this.view.getFloat64(this.take(8), true);
  }

  /** The double's two words, lower first, to row `row` of a column seen as words. */
  doubleInto(words: Uint32Array, row: number): void {
    const at = this.take(8);
    words[2 * row] = this.view.getUint32(at, true);
    words[2 * row + 1] = this.view.getUint32(at + 4, true);
  }

  /** A view of the bytes, not a copy. */
  raw(): Uint8Array {
    const end = this.span();
    const from = this.at;
    this.at = end;
    return this.bytes.subarray(from, end);
  }

  text(): string {
    const from = this.at;
    try {
      return decoder.decode(this.raw());
    } catch (error) {
      if (error instanceof AgentError) throw error;
      throw this.fault("text that is not UTF-8", from);
    }
  }

  /** Passes over what the field holds. Groups, which proto3 has not, are refused. */
  skip(): void {
    if (this.wire === WIRE.varint) this.words();
    else if (this.wire === WIRE.fixed64) this.take(8);
    else if (this.wire === WIRE.bytes) this.at = this.span();
    else if (this.wire === WIRE.fixed32) this.take(4);
    else throw this.fault(`field ${this.field} has the wire type ${this.wire}`);
  }

  /** Throws unless the field that `next` has found is written as `wire`. */
  expect(wire: number): void {
    if (this.wire !== wire) throw this.fault(`field ${this.field} has the wire type ${this.wire} instead of ${wire}`);
  }

  /** An error at the place in hand. */
  fault(what: string, at = this.at): AgentError {
    return new AgentError("protobuf_invalid", `The protobuf message cannot be read at byte ${at}: ${what}.`, {
      where: `byte ${at}`,
    });
  }

  /** Reads a length and returns where what it spans ends. */
  private span(): number {
    const from = this.at;
    const length = this.varint();
    if (length > this.end - this.at) throw this.fault(`${length} bytes are announced where ${this.end - this.at} are left`, from);
    return this.at + length;
  }

  private take(size: number): number {
    const { at } = this;
    if (at + size > this.end) throw this.fault(`${size} bytes are needed where ${this.end - at} are left`);
    this.at = at + size;
    return at;
  }

  private words(): void {
    const { bytes, end } = this;
    let { at } = this;
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (at >= end) throw this.fault("a number is cut off");
      const byte = bytes[at++];
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (shift - 32);
      if (byte >= 0x80) continue;
      this.at = at;
      this.low = low >>> 0;
      this.high = high >>> 0;
      return;
    }
    throw this.fault("a number is longer than ten bytes");
  }
}
