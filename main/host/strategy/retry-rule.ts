import type { RetryLimits } from "./strategy.ts";

/**
 * How long to wait before a reading is tried again: a random part of a time that doubles. "Full jitter" of M. Brooker, Exponential
 * Backoff And Jitter, AWS 2015.
 */
export class RetryRule {
  private readonly limits: RetryLimits;
  private tried = 1;

  constructor(limits: RetryLimits) {
    this.limits = limits;
  }

  /** After a try that failed. `random` is in 0 ≤ x < 1, `leftMs` what there is until the next reading is due; null: no more. */
  waitMs(random: number, leftMs: number): number | null {
    if (this.tried >= this.limits.attempts) return null;
    const waitMs = random * Math.min(this.limits.maxMs, this.limits.baseMs * 2 ** (this.tried - 1));
    if (waitMs >= leftMs) return null;
    this.tried++;
    return waitMs;
  }
}
