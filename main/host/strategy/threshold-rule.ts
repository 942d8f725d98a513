/**
 * Whether a condition counts as holding: only when it has held, or not held, for a while, so that a value around its limit does not
 * switch a collector on and off. Times are monotonic milliseconds.
 */
export class ThresholdRule {
  active = false;
  private readonly forMs: number;
  /** Since when it has been otherwise than it counts. */
  private otherSinceMs: number | null = null;

  constructor(forMs: number) {
    this.forMs = forMs;
  }

  /** What a look at the condition found. Returns whether it counts otherwise from now on. */
  looked(nowMs: number, holds: boolean): boolean {
    if (holds === this.active) {
      this.otherSinceMs = null;
      return false;
    }
    this.otherSinceMs ??= nowMs;
    if (nowMs - this.otherSinceMs < this.forMs) return false;
    this.active = holds;
    this.otherSinceMs = null;
    return true;
  }

  /** Nothing is known: what it was before the look goes on, and a wait begins anew. */
  failed(): void {
    this.otherSinceMs = null;
  }
}
