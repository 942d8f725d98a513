import type { AdaptiveLimits, Pace } from "./strategy.ts";

/** What slows a collector beside values that stand still. */
export interface Surrounding {
  readonly onBattery: boolean;
  /** 0 to 3. */
  readonly loadLevel: number;
}

/**
 * How fast values are read that may stand still: the interval doubles after so many unchanged readings and falls back to the shortest
 * with the first change. An anomaly holds it there for a while, whatever else is said. On battery and under load the shortest is
 * longer. Times are those of any clock that the caller keeps to.
 */
export class AdaptiveRule {
  private readonly limits: AdaptiveLimits;
  /** The interval is the shortest times 2 to the power of this. */
  private doublings = 0;
  private unchanged = 0;
  private heldUntilMs = -Infinity;
  private heldFor = "";

  constructor(limits: AdaptiveLimits) {
    this.limits = limits;
  }

  /** A reading is over. */
  read(changed: boolean): void {
    if (changed) {
      this.doublings = 0;
      this.unchanged = 0;
      return;
    }
    if (++this.unchanged % this.limits.stableReadings !== 0) return;
    if (this.limits.minMs * 2 ** this.doublings < this.limits.maxMs) this.doublings++;
  }

  /** Something is odd: `what` names it. */
  alarm(nowMs: number, what: string): void {
    this.heldUntilMs = nowMs + this.limits.holdMs;
    this.heldFor = what;
    this.doublings = 0;
    this.unchanged = 0;
  }

  pace(nowMs: number, { onBattery, loadLevel }: Surrounding): Pace {
    const { minMs, maxMs, batteryFactor } = this.limits;
    // A clock that was set back must not make a hold last for hours.
    if (nowMs < this.heldUntilMs && nowMs >= this.heldUntilMs - this.limits.holdMs)
      return { intervalMs: minMs, reason: `at its fastest around an anomaly of ${this.heldFor}` };
    const quietMs = minMs * 2 ** this.doublings;
    const floorMs = minMs * (onBattery ? batteryFactor : 1) * 2 ** loadLevel;
    const intervalMs = Math.min(maxMs, Math.max(quietMs, floorMs));
    const slow = [onBattery ? "on battery" : "", loadLevel > 0 ? `at load level ${loadLevel}` : ""].filter((text) => text !== "");
    if (floorMs > quietMs) return { intervalMs, reason: `slower ${slow.join(" and ")}` };
    if (this.doublings === 0) return { intervalMs, reason: "its values change" };
    return { intervalMs, reason: `nothing has changed in ${this.unchanged} readings` };
  }
}
