import type { EventLimits } from "./strategy.ts";

/**
 * When to read upon events: those within a short time of the first are one, and two readings are never nearer than the shortest
 * interval. No stream of events puts a reading off for longer than that. Times are monotonic milliseconds.
 */
export class EventRule {
  private readonly limits: EventLimits;
  private dueMs: number | null = null;
  private readMs = -Infinity;

  constructor(limits: EventLimits) {
    this.limits = limits;
  }

  /** Something happened. Returns in how many ms to read; null when that is settled already. */
  happened(nowMs: number): number | null {
    if (this.dueMs !== null) return null;
    this.dueMs = Math.max(nowMs + this.limits.debounceMs, this.readMs + this.limits.minMs);
    return this.dueMs - nowMs;
  }

  /** It is read now, upon an event or otherwise. */
  read(nowMs: number): void {
    this.readMs = nowMs;
  }

  /** What was due is being done. */
  served(): void {
    this.dueMs = null;
  }
}
