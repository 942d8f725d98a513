import fs from "node:fs";

const SPACE = 32;
const NEWLINE = 10;
const ZERO = 48;

/** Descriptors kept open at most; files beyond it are opened and closed at each read. A desktop needs about 130. */
const KEPT_MAX = 512;

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

  /**
   * The next whole number, signed. Exact up to 2^53; above that within one unit in the last place, as counters that
   * large cannot be held in a double anyway. NaN where no digit stands.
   */
  integer(): number {
    this.skipSpaces();
    const { bytes, end } = this;
    let pos = this.pos;
    const negative = bytes[pos] === 45;
    if (negative) pos++;
    const first = pos;
    let high = 0;
    let low = 0;
    for (; pos < end; pos++) {
      const digit = bytes[pos] - ZERO;
      if (digit < 0 || digit > 9) break;
      if (pos - first < 15) low = low * 10 + digit;
      else {
        if (high === 0) {
          high = low;
          low = 0;
        }
        low = low * 10 + digit;
      }
    }
    this.pos = pos;
    if (pos === first) return NaN;
    if (high !== 0) low = high * 10 ** (pos - first - 15) + low;
    return negative ? -low : low;
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
      const byte = bytes[pos] | 32;
      const digit = byte >= 97 && byte <= 102 ? byte - 87 : bytes[pos] - ZERO;
      if (digit < 0 || digit > 15) break;
      value = value * 16 + digit;
    }
    this.pos = pos;
    return value;
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

/** Tries that a file is spared after it refused. */
const REFUSED_REST = 5;

/**
 * How the kernel hands a file out. `whole`: all in one read (sysfs, and /proc files made in one go). `lines`: as many
 * lines as fit into a page of 4 KiB at a time, so that a read of less than LAST_READ_BYTES has come to the end.
 * `long`: the same with lines of any length, read until nothing more comes.
 */
export type Shape = "whole" | "lines" | "long";
const LAST_READ_BYTES = 3072;

/** What the files of one collector share: the buffer and the count of descriptors kept. */
export class Reader {
  readonly scanner = new Scanner();
  kept = 0;

  file(path: string, shape: Shape): KeptFile {
    return new KeptFile(this, path, shape);
  }

  /** A small file read once, or null where it is missing or unreadable. For layouts and labels, not for the hot path. */
  text(path: string): string | null {
    try {
      return fs.readFileSync(path, "utf8").trim();
    } catch {
      return null;
    }
  }

  /** Names in a folder, sorted; none where it is missing. */
  names(path: string): string[] {
    try {
      return fs.readdirSync(path).sort();
    } catch {
      return [];
    }
  }
}

/** A file of /proc or /sys whose descriptor stays open between reads. Opened at the first read. */
export class KeptFile {
  readonly path: string;
  private readonly reader: Reader;
  private readonly shape: Shape;
  private fd = -1;
  private rest = 0;

  constructor(reader: Reader, path: string, shape: Shape) {
    this.reader = reader;
    this.path = path;
    this.shape = shape;
  }

  /** The file's bytes as they are now, valid until the next read of any file. Throws what the system said. */
  read(): Scanner {
    const { scanner } = this.reader;
    const keep = this.fd >= 0 || this.reader.kept < KEPT_MAX;
    if (this.fd < 0) {
      this.fd = fs.openSync(this.path, "r");
      this.reader.kept++;
    }
    try {
      let length = 0;
      for (;;) {
        if (length === scanner.bytes.length) scanner.grow();
        const count = fs.readSync(this.fd, scanner.bytes, length, scanner.bytes.length - length, length);
        length += count;
        if (count === 0 || (length < scanner.bytes.length && this.endsAfter(count))) break;
      }
      scanner.pos = 0;
      scanner.end = length;
      return scanner;
    } finally {
      if (!keep) this.close();
    }
  }

  private endsAfter(count: number): boolean {
    return this.shape === "whole" || (this.shape === "lines" && count < LAST_READ_BYTES);
  }

  /**
   * As `read`, but null where the file will not say: a link that is down answers EINVAL for its speed. A refusal costs
   * more than an answer, so the file is then left alone for some tries, or until `retry`.
   */
  tryRead(): Scanner | null {
    if (this.rest > 0) {
      this.rest--;
      return null;
    }
    try {
      return this.read();
    } catch {
      this.rest = REFUSED_REST;
      return null;
    }
  }

  /** The file's one number, or NaN where it has none or will not say. */
  number(): number {
    const scanner = this.tryRead();
    if (scanner === null) return NaN;
    return scanner.bytes[0] === ZERO && scanner.bytes[1] === 120 ? scanner.hexadecimal() : scanner.integer();
  }

  retry(): void {
    this.rest = 0;
  }

  close(): void {
    this.rest = 0;
    if (this.fd < 0) return;
    this.reader.kept--;
    const fd = this.fd;
    this.fd = -1;
    fs.closeSync(fd);
  }
}

/**
 * What each line of a file stood for last time. While the kernel prints the same keys in the same order, a line is
 * recognised by its key's hash; any other line is learnt anew, alone.
 */
export class Rows<T> {
  private hashes = new Int32Array(64);
  private readonly items: (T | undefined)[] = [];

  get(row: number, hash: number): T | undefined {
    return this.hashes[row] === hash ? this.items[row] : undefined;
  }

  set(row: number, hash: number, item: T): T {
    if (row >= this.hashes.length) {
      const larger = new Int32Array(Math.max(row + 1, this.hashes.length * 2));
      larger.set(this.hashes);
      this.hashes = larger;
    }
    this.hashes[row] = hash;
    this.items[row] = item;
    return item;
  }
}
