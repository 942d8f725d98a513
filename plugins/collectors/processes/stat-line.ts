const SPACE = 32;
const OPEN = 40;
const CLOSE = 41;
const ZERO = 48;
/** The longest name is that of a kernel worker, 63 bytes; its closing parenthesis stands before this byte. */
const NAME_ENDS_BEFORE = 128;

/** What one /proc/<pid>/stat says. One object is filled again and again. */
export class StatLine {
  /** Where the name stands in the bytes. */
  nameStart = 0;
  nameEnd = 0;
  nameHash = 0;
  /** The letter, as a character code. */
  state = 0;
  parent = 0;
  flags = 0;
  majorFaults = 0;
  /** User and system time of the process, in clock ticks. */
  ownTicks = 0;
  /** The same of the children that it has waited for, and theirs. */
  childTicks = 0;
  threads = 0;
  /** Clock ticks from boot to its start. With the pid it names a process for good. */
  startTicks = 0;
  residentPages = 0;

  /** Whether the bytes are such a line; then the fields are those of it. Layout: proc(5). */
  parse(bytes: Uint8Array, length: number): boolean {
    let open = 0;
    while (open < length && bytes[open] !== OPEN) open++;
    // The name may contain parentheses and blanks itself: the last one ends it.
    let close = Math.min(length, NAME_ENDS_BEFORE) - 1;
    while (close > open && bytes[close] !== CLOSE) close--;
    if (close <= open || close + 4 >= length) return false;
    this.nameStart = open + 1;
    this.nameEnd = close;
    let hash = 0x811c9dc5;
    for (let i = open + 1; i < close; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193);
    this.nameHash = hash;
    this.state = bytes[close + 2];
    this.read(bytes, close + 4, length);
    return this.threads > 0;
  }

  /** Fields from the parent's pid on, which proc(5) counts as the fourth. */
  private read(bytes: Uint8Array, from: number, length: number): void {
    let pos = from;
    let time = 0;
    this.threads = 0;
    for (let field = 4; field <= 24 && pos < length; field++) {
      let value = 0;
      const negative = bytes[pos] === 45;
      if (negative) pos++;
      for (; pos < length && bytes[pos] !== SPACE; pos++) value = value * 10 + (bytes[pos] - ZERO);
      pos++;
      switch (field) {
        case 4:
          this.parent = value;
          break;
        case 9:
          this.flags = value;
          break;
        case 12:
          this.majorFaults = value;
          break;
        case 14:
        case 16:
          time = value;
          break;
        case 15:
          this.ownTicks = time + value;
          break;
        case 17:
          // Signed, as the kernel prints them.
          this.childTicks = negative ? 0 : time + value;
          break;
        case 20:
          this.threads = value;
          break;
        case 22:
          this.startTicks = value;
          break;
        case 24:
          this.residentPages = negative ? 0 : value;
          break;
        default:
      }
    }
  }
}
