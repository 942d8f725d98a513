const SPACE = 32;
const NEWLINE = 10;
const ZERO = 48;

/**
 * A cursor over the bytes of the file read last. Numbers are parsed where they stand; text is made only when a layout
 * is learnt. Nothing here allocates except `text`.
 */
export class Scanner {
  bytes: Buffer = Buffer.allocUnsafeSlow(32 * 1024);
  pos = 0;
  end = 0;
  /** Of the last `key` or `lineHash`. */
  hash = 0;
  keyStart = 0;
  keyEnd = 0;

  /** Makes room while keeping what is there. */
  grow(): void {
    const larger = Buffer.allocUnsafeSlow(this.bytes.length * 2);
    this.bytes.copy(larger);
    this.bytes = larger;
  }

  skipSpaces(): void {
    const { bytes, end } = this;
    let pos = this.pos;
    while (pos < end && (bytes[pos] === SPACE || bytes[pos] === 9)) pos++;
    this.pos = pos;
  }

  skipLine(): void {
    const { bytes, end } = this;
    let pos = this.pos;
    while (pos < end && bytes[pos] !== NEWLINE) pos++;
    this.pos = pos < end ? pos + 1 : end;
  }

  /** To the end of the next word, which may be the rest of the line's last. */
  skipWord(): void {
    this.skipSpaces();
    const { bytes, end } = this;
    let pos = this.pos;
    while (pos < end && bytes[pos] > SPACE) pos++;
    this.pos = pos;
  }

  atLineEnd(): boolean {
    this.skipSpaces();
    return this.pos >= this.end || this.bytes[this.pos] === NEWLINE;
  }

  /** The next whole number, signed; the nearest double where it is beyond 2^53. NaN where no digit stands. */
  integer(): number {
    this.skipSpaces();
    const { bytes, end } = this;
    let pos = this.pos;
    const negative = bytes[pos] === 45;
    if (negative) pos++;
    const first = pos;
    let value = 0;
    for (; pos < end; pos++) {
      const digit = bytes[pos] - ZERO;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    this.pos = pos;
    if (pos === first) return NaN;
    // Each step of the sum may have rounded: the language does it once.
    if (value > Number.MAX_SAFE_INTEGER) value = Number(this.text(first, pos));
    return negative ? -value : value;
  }

  /** The next number with an optional fraction: `0.07`. */
  decimal(): number {
    const whole = this.integer();
    if (this.bytes[this.pos] !== 46 || this.pos >= this.end) return whole;
    const negative = whole < 0 || Object.is(whole, -0);
    const first = ++this.pos;
    const fraction = this.integer();
    const scale = 10 ** (this.pos - first);
    const value = (Math.abs(whole) * scale + fraction) / scale;
    return negative ? -value : value;
  }

  /** The next hexadecimal number, with or without `0x`. */
  hexadecimal(): number {
    this.skipSpaces();
    const { bytes, end } = this;
    let pos = this.pos;
    if (bytes[pos] === ZERO && bytes[pos + 1] === 120) pos += 2;
    let value = 0;
    for (; pos < end; pos++) {
      const byte = bytes[pos];
      const letter = byte | 32;
      const digit = letter >= 97 && letter <= 102 ? letter - 87 : byte >= ZERO && byte <= 57 ? byte - ZERO : -1;
      if (digit < 0) break;
      value = value * 16 + digit;
    }
    this.pos = pos;
    return value;
  }

  /** The next number, hexadecimal where it begins with `0x`. */
  number(): number {
    this.skipSpaces();
    return this.bytes[this.pos] === ZERO && this.bytes[this.pos + 1] === 120 ? this.hexadecimal() : this.decimal();
  }

  /** Takes the text up to `stop` or white space as a key: its hash is in `hash`, its text in `keyText`. */
  key(stop: number): void {
    this.skipSpaces();
    const { bytes, end } = this;
    let pos = this.pos;
    this.keyStart = pos;
    let hash = 0x811c9dc5;
    for (; pos < end; pos++) {
      const byte = bytes[pos];
      if (byte === stop || byte <= SPACE) break;
      hash = Math.imul(hash ^ byte, 0x01000193);
    }
    this.keyEnd = pos;
    this.hash = hash;
    this.pos = pos < end && bytes[pos] === stop ? pos + 1 : pos;
  }

  keyText(): string {
    return this.text(this.keyStart, this.keyEnd);
  }

  /** Hashes from here to the end of the line and goes to the next one. The line is between `keyStart` and `keyEnd`. */
  lineHash(): void {
    const { bytes, end } = this;
    let pos = this.pos;
    this.keyStart = pos;
    let hash = 0x811c9dc5;
    for (; pos < end && bytes[pos] !== NEWLINE; pos++) hash = Math.imul(hash ^ bytes[pos], 0x01000193);
    this.keyEnd = pos;
    this.hash = hash;
    this.pos = pos < end ? pos + 1 : end;
  }

  text(start: number, end: number): string {
    return this.bytes.toString("utf8", start, end);
  }

  /** All of it without the last newline. */
  all(): string {
    return this.text(0, this.end).replace(/\n$/, "");
  }
}
