import fs from "node:fs";
import { readFile } from "node:fs/promises";
import { Scanner } from "./scanner.ts";

/** Descriptors kept open at most; files beyond it are opened and closed at each read. A desktop needs about 130. */
const KEPT_MAX = 512;

/** Tries that a file is spared after it refused: five minutes of slow intervals. */
const REFUSED_REST = 30;

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
    return scanner.number();
  }

  /** As `number`, but on a thread: for files behind which a device has to be asked, which can take milliseconds. */
  async ask(): Promise<number> {
    if (this.rest > 0) {
      this.rest--;
      return NaN;
    }
    try {
      return parseNumber(await readFile(this.path, "utf8"));
    } catch {
      this.rest = REFUSED_REST;
      return NaN;
    }
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

/** The number that a text begins with, as Scanner's `number` reads it. */
function parseNumber(text: string): number {
  return /^\s*0x/.test(text) ? Number.parseInt(text, 16) : Number.parseFloat(text);
}
