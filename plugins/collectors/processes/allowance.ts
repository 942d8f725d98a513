/** Every name that ever became a label is kept by the agent while it runs. */
const KNOWN_MAX = 5000;

/**
 * How many new names may become labels: so many at once, then one each `refillMs`. Names that were let through may come back for
 * nothing. Whatever is forked, a day adds only so many series.
 */
export class Allowance {
  refused = 0;
  private readonly known = new Set<string>();
  private readonly most: number;
  private readonly refillMs: number;
  private left: number;
  private sinceMs: number | null = null;

  constructor(most: number, refillMs: number) {
    this.most = most;
    this.refillMs = refillMs;
    this.left = most;
  }

  /** Whether this name may be used; `nowMs` is monotonic. */
  allows(name: string, nowMs: number): boolean {
    if (this.known.has(name)) return true;
    this.sinceMs ??= nowMs;
    const earned = Math.floor((nowMs - this.sinceMs) / this.refillMs);
    if (earned > 0) {
      this.left = Math.min(this.most, this.left + earned);
      this.sinceMs += earned * this.refillMs;
    }
    if (this.left < 1 || this.known.size >= KNOWN_MAX) {
      this.refused++;
      return false;
    }
    this.left--;
    this.known.add(name);
    return true;
  }
}
