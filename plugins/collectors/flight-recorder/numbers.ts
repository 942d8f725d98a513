import fs from "node:fs";

const ZERO = 48;
const NEWLINE = 10;
const SPACE = 32;
const FIRST_BYTES = 16_384;
const MOST_BYTES = 1_048_576;

/** The bytes of the file read last and a cursor over its numbers. Nothing is allocated while files keep their size. */
export class Numbers {
  bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  pos = 0;
  end = 0;

  /** Reads a kept descriptor from its beginning. Throws what the system said. */
  read(fd: number): void {
    let length = 0;
    for (;;) {
      const count = fs.readSync(fd, this.bytes, length, this.bytes.length - length, length);
      length += count;
      if (length < this.bytes.length || length >= MOST_BYTES) {
        // Some files come in pieces of a page: only an empty read says that it was the last.
        if (count === 0 || count < 3072) break;
        continue;
      }
      const larger = Buffer.allocUnsafeSlow(this.bytes.length * 2);
      this.bytes.copy(larger);
      this.bytes = larger;
    }
    this.pos = 0;
    this.end = length;
  }

  /** The next run of digits, whatever stands before it; NaN at the end. */
  next(): number {
    const { bytes, end } = this;
    let { pos } = this;
    while (pos < end && (bytes[pos] < ZERO || bytes[pos] > ZERO + 9)) pos++;
    if (pos >= end) {
      this.pos = pos;
      return NaN;
    }
    let value = 0;
    for (; pos < end && bytes[pos] >= ZERO && bytes[pos] <= ZERO + 9; pos++) value = value * 10 + (bytes[pos] - ZERO);
    this.pos = pos;
    return value;
  }

  skip(numbers: number): void {
    for (let i = 0; i < numbers; i++) this.next();
  }

  /** Goes behind the next such text; false where there is none. */
  behind(text: string): boolean {
    const at = this.bytes.indexOf(text, this.pos, "latin1");
    if (at < 0 || at >= this.end) return false;
    this.pos = at + text.length;
    return true;
  }

  /** Goes to the next line; false at the end. */
  line(): boolean {
    const { bytes, end } = this;
    let { pos } = this;
    while (pos < end && bytes[pos] !== NEWLINE) pos++;
    this.pos = pos + 1;
    return this.pos < end;
  }

  /** Hash of the next word up to a blank or a colon, and goes behind it. */
  word(): number {
    const { bytes, end } = this;
    let { pos } = this;
    while (pos < end && bytes[pos] === SPACE) pos++;
    let hash = 0x811c9dc5;
    for (; pos < end && bytes[pos] > SPACE && bytes[pos] !== 58; pos++) hash = Math.imul(hash ^ bytes[pos], 0x01000193);
    this.pos = pos + 1;
    return hash;
  }
}

/** What `Numbers.word` makes of this text. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash;
}
