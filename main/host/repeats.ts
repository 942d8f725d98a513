/** A line is written once in this time and counted in between. */
const REPEAT_MS = 60_000;
/** How many different lines are remembered to find repeats. */
const REMEMBERED = 500;

interface Seen {
  readonly line: readonly string[];
  untilMs: number;
  count: number;
}

/** Finds lines that are said again and again. What was held back is told, with its count, when its minute is over. */
export class Repeats {
  private readonly seen = new Map<string, Seen>();
  private readonly tell: (line: readonly string[], times: number) => void;
  private timer: NodeJS.Timeout | null = null;

  constructor(tell: (line: readonly string[], times: number) => void) {
    this.tell = tell;
  }

  /** Whether the line was written a moment ago: then it is counted, and is not to be written now. */
  again(line: readonly string[]): boolean {
    const key = line.join("\n");
    const nowMs = performance.now();
    const known = this.seen.get(key);
    if (known && nowMs < known.untilMs) {
      known.count++;
      this.timer ??= setTimeout(() => this.look(), known.untilMs - nowMs).unref();
      return true;
    }
    if (known) this.end(key, known);
    else if (this.seen.size >= REMEMBERED) this.makeRoom();
    this.seen.set(key, { line, untilMs: nowMs + REPEAT_MS, count: 0 });
    return false;
  }

  /** Tells all that is still held back. */
  close(): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    for (const [key, one] of this.seen) this.end(key, one);
  }

  private look(): void {
    this.timer = null;
    const nowMs = performance.now();
    let nextMs = Infinity;
    for (const [key, one] of this.seen) {
      if (one.untilMs <= nowMs) this.end(key, one);
      else if (one.count > 0) nextMs = Math.min(nextMs, one.untilMs);
    }
    if (nextMs < Infinity) this.timer = setTimeout(() => this.look(), nextMs - nowMs).unref();
  }

  /** The oldest half goes: those at the front were written first. */
  private makeRoom(): void {
    let left = REMEMBERED / 2;
    for (const [key, one] of this.seen) {
      if (left-- <= 0) return;
      this.end(key, one);
    }
  }

  private end(key: string, { line, count }: Seen): void {
    this.seen.delete(key);
    if (count > 0) this.tell(line, count);
  }
}
