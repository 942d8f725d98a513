import type { Priority } from "all-use-agent/sdk";

/** Of how many ticks one is read, by load level 0 to 3; 0: none. Low yields first, critical never. */
const ONE_IN: Readonly<Record<Priority, readonly [number, number, number, number]>> = {
  critical: [1, 1, 1, 1],
  high: [1, 1, 1, 2],
  normal: [1, 1, 2, 4],
  low: [1, 2, 0, 0],
};

/** Of how many of its ticks a collector gets one; 0: none. */
export function oneIn(priority: Priority, level: number): number {
  return ONE_IN[priority][Math.min(3, Math.max(0, level))];
}

/** Which ticks a collector leaves to others. */
export class YieldRule {
  private readonly priority: Priority;
  private leftOut = 0;

  constructor(priority: Priority) {
    this.priority = priority;
  }

  /** Whether the tick in hand is to be left out. Called once a tick. */
  leaveOut(level: number): boolean {
    const share = oneIn(this.priority, level);
    if (share > 0 && this.leftOut >= share - 1) {
      this.leftOut = 0;
      return false;
    }
    this.leftOut++;
    return true;
  }
}
