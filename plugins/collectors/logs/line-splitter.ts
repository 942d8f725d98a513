const NEWLINE = 10;
const CARRIAGE_RETURN = 13;
/** A longer line is cut off here. */
export const LINE_MAX_BYTES = 64 * 1024;

/** Makes lines of bytes that come in pieces. Holds at most one unfinished line. */
export class LineSplitter {
  /** Lines that were longer than is kept. */
  cut = 0;
  private readonly held = Buffer.allocUnsafe(LINE_MAX_BYTES);
  private heldBytes = 0;
  private overlong = false;

  /** Bytes of the unfinished line: what was read and not handed on, as far as it is kept. */
  get pending(): number {
    return this.heldBytes;
  }

  /** Calls `line` for every finished line, without its end. The text is only valid as long as anyone wants it: it is a copy. */
  push(bytes: Uint8Array, line: (text: string) => void): void {
    let start = 0;
    for (;;) {
      const end = bytes.indexOf(NEWLINE, start);
      if (end < 0) break;
      this.hold(bytes, start, end);
      line(this.take());
      start = end + 1;
    }
    this.hold(bytes, start, bytes.length);
  }

  /** The unfinished line, when nothing more will come of it; null when there is none. */
  finish(): string | null {
    return this.heldBytes > 0 ? this.take() : null;
  }

  private hold(bytes: Uint8Array, start: number, end: number): void {
    const room = LINE_MAX_BYTES - this.heldBytes;
    if (end - start > room) this.overlong = true;
    const taken = Math.min(room, end - start);
    this.held.set(bytes.subarray(start, start + taken), this.heldBytes);
    this.heldBytes += taken;
  }

  private take(): string {
    let length = this.heldBytes;
    if (length > 0 && this.held[length - 1] === CARRIAGE_RETURN) length--;
    const text = this.held.toString("utf8", 0, length);
    if (this.overlong) this.cut++;
    this.heldBytes = 0;
    this.overlong = false;
    return text;
  }
}
