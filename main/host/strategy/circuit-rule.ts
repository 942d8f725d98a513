import type { CircuitLimits } from "./strategy.ts";

/**
 * How often a collector that fails is asked: after each failure in a row 0, 1, 3, 7 … ticks are left out. When too many came in a row the
 * circuit is open: a reading now and then is a probe, and the first good one closes it. Times are monotonic milliseconds.
 */
export class CircuitRule {
  private readonly limits: CircuitLimits;
  private failures = 0;
  private ticksToSkip = 0;
  private probeAtMs = -Infinity;

  constructor(limits: CircuitLimits) {
    this.limits = limits;
  }

  get failing(): boolean {
    return this.failures > 0;
  }

  get open(): boolean {
    return this.failures >= this.limits.openAfter;
  }

  failed(nowMs: number): void {
    this.failures++;
    this.ticksToSkip = this.oneIn - 1;
    this.probeAtMs = nowMs + (this.limits.probeMs ?? 0);
  }

  succeeded(): void {
    this.failures = 0;
    this.ticksToSkip = 0;
  }

  /** Whether the tick in hand is to be left out. Called once a tick. */
  leaveOut(nowMs: number): boolean {
    if (this.open && this.limits.probeMs !== null) return nowMs < this.probeAtMs;
    if (this.ticksToSkip <= 0) return false;
    this.ticksToSkip--;
    return true;
  }

  /** The interval while it fails, of one of `intervalMs`. */
  slowedMs(intervalMs: number): number {
    if (this.failures === 0) return intervalMs;
    if (this.open && this.limits.probeMs !== null) return Math.max(intervalMs, this.limits.probeMs);
    return intervalMs * this.oneIn;
  }

  get reason(): string {
    return `${this.failures} ${this.failures === 1 ? "failure" : "failures in a row"}${this.open ? ", only probed" : ""}`;
  }

  private get oneIn(): number {
    return Math.min(this.limits.maxTicks, 2 ** (this.failures - 1));
  }
}
