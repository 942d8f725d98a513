import { budgetReason, BudgetRule } from "./budget.ts";

/** The budget of a plugin inside the agent: it is slowed where that is possible, never suspended. */
export class InsideBudget {
  /** Why it is slowed. */
  reason = "";
  private readonly limitMsPerS: number;
  private readonly rule: BudgetRule;
  private seenBusyMs = 0;
  private seenProcessMs = processCpuMs();
  private cpuMs = 0;

  constructor(limitMsPerS: number) {
    this.limitMsPerS = limitMsPerS;
    this.rule = new BudgetRule(limitMsPerS, false);
  }

  get slowed(): boolean {
    return this.rule.slowed;
  }

  /** `busyMs` is the time its calls took so far. Returns why it is slowed now, when it was not before. */
  look(busyMs: number): string | null {
    const processMs = processCpuMs();
    // On a busy machine calls take long and use little: no plugin in it uses more than the whole process.
    this.cpuMs += Math.min(busyMs - this.seenBusyMs, processMs - this.seenProcessMs);
    this.seenBusyMs = busyMs;
    this.seenProcessMs = processMs;
    const verdict = this.rule.look(performance.now(), this.cpuMs);
    if (verdict?.verdict !== "slow") return null;
    return (this.reason = budgetReason(verdict, this.limitMsPerS));
  }
}

function processCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
