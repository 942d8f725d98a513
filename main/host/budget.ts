/** How often it is looked at what a plugin has used. */
export const BUDGET_LOOK_MS = 10_000;
/** A budget holds in the mean of a minute. */
const WINDOW_MS = 60_000;
/** Six looks are a minute, also when a timer was a little early. */
const SLACK_MS = 1000;
/** Still over its budget this long after it was slowed, it is suspended. */
const PATIENCE_MS = 120_000;
export const SUSPENDED_MS = 10 * 60_000;
/** The last of so many suspensions is for good. */
const SUSPENSIONS_MAX = 3;
/** So long within its budget, and earlier suspensions are forgotten. */
const STABLE_MS = 10 * 60_000;

/** What follows from a look. `usedMsPerS` is the mean of the minute that decided it. */
export interface BudgetVerdict {
  readonly verdict: "slow" | "normal" | "suspend" | "fail";
  readonly usedMsPerS: number;
}

/**
 * Whether a plugin keeps to its share of CPU. Over it in the mean of a minute it is slowed; two minutes later, still over, it
 * is suspended; the third suspension is its end. Slowed, it is taken for cured when it uses less than half: at its full pace it
 * may use twice as much. Times are monotonic milliseconds.
 */
export class BudgetRule {
  slowed = false;
  private readonly limitMsPerS: number;
  private readonly maySuspend: boolean;
  /** Looks of about the last minute, oldest first. */
  private looks: { readonly atMs: number; readonly cpuMs: number }[] = [];
  private overSinceMs: number | null = null;
  private wellSinceMs: number | null = null;
  private suspensions = 0;

  constructor(limitMsPerS: number, maySuspend: boolean) {
    this.limitMsPerS = limitMsPerS;
    this.maySuspend = maySuspend;
  }

  /** A new life begins; what was used before does not count. */
  started(): void {
    this.looks = [];
    this.slowed = false;
    this.overSinceMs = null;
    this.wellSinceMs = null;
  }

  /** `cpuMs` is all that it has used so far. */
  look(nowMs: number, cpuMs: number): BudgetVerdict | null {
    const usedMsPerS = this.mean(nowMs, cpuMs);
    if (usedMsPerS === null) return null;
    const over = usedMsPerS > this.limitMsPerS;
    this.overSinceMs = over ? (this.overSinceMs ?? nowMs) : null;
    if (!this.slowed) return over ? this.slow(usedMsPerS) : this.well(nowMs);
    if (usedMsPerS < this.limitMsPerS / 2) return this.recover(nowMs, usedMsPerS);
    if (!over || !this.maySuspend || nowMs - this.overSinceMs! < PATIENCE_MS) return null;
    return { verdict: ++this.suspensions < SUSPENSIONS_MAX ? "suspend" : "fail", usedMsPerS };
  }

  private slow(usedMsPerS: number): BudgetVerdict {
    this.slowed = true;
    this.wellSinceMs = null;
    // What it used at its full pace says nothing about the slower one.
    this.looks = [];
    return { verdict: "slow", usedMsPerS };
  }

  private recover(nowMs: number, usedMsPerS: number): BudgetVerdict {
    this.slowed = false;
    this.looks = [];
    this.wellSinceMs = nowMs;
    return { verdict: "normal", usedMsPerS };
  }

  private well(nowMs: number): null {
    this.wellSinceMs ??= nowMs;
    if (nowMs - this.wellSinceMs >= STABLE_MS) this.suspensions = 0;
    return null;
  }

  /** Over the last minute; null before there is one. */
  private mean(nowMs: number, cpuMs: number): number | null {
    const { looks } = this;
    looks.push({ atMs: nowMs, cpuMs });
    // The oldest that is at least a minute back stays.
    while (looks.length > 1 && nowMs - looks[1].atMs >= WINDOW_MS - SLACK_MS) looks.shift();
    const [oldest] = looks;
    const elapsedMs = nowMs - oldest.atMs;
    return elapsedMs >= WINDOW_MS - SLACK_MS ? ((cpuMs - oldest.cpuMs) / elapsedMs) * 1000 : null;
  }
}

/** What a report says of it. */
export function budgetReason({ verdict, usedMsPerS }: BudgetVerdict, limitMsPerS: number): string {
  const used = `it used ${usedMsPerS.toFixed(0)} ms of CPU a second in the last minute; its budget is ${limitMsPerS} (budget.cpu_ms_per_s)`;
  return `${used}${FOLLOWS[verdict]}`;
}

const FOLLOWS: Readonly<Record<BudgetVerdict["verdict"], string>> = {
  slow: ": it runs at half its pace until it needs less",
  normal: ": it runs at its own pace again",
  suspend: `, also at half its pace: it is suspended and starts again in ${SUSPENDED_MS / 60_000} minutes`,
  fail: `, and it was suspended ${SUSPENSIONS_MAX - 1} times before: it is not started again`,
};

/** Whether a tick is to be left out, every other one while the plugin is slowed. */
export function halfPace(slowed: () => boolean): () => boolean {
  let out = false;
  return () => (out = slowed() && !out);
}
