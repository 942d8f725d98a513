import { AgentError, type Logger, type Manifest } from "all-use-agent/sdk";
import { budgetReason, BudgetRule, type BudgetVerdict } from "../budget.ts";

/** Of plugins whose manifest names none: a tenth of a core. */
const DEFAULT_CPU_MS_PER_S = 100;

/** The CPU budget of a plugin in a process of its own: over it, it is slowed, then suspended. */
export class ProcessBudget {
  /** Why it is slowed. */
  reason = "";
  private readonly limitMsPerS: number;
  private readonly rule: BudgetRule;
  private readonly log: Logger;

  constructor(manifest: Manifest, log: Logger) {
    this.limitMsPerS = manifest.budget?.cpu_ms_per_s ?? DEFAULT_CPU_MS_PER_S;
    this.rule = new BudgetRule(this.limitMsPerS, true);
    this.log = log;
  }

  get slowed(): boolean {
    return this.rule.slowed;
  }

  /** A new process begins. */
  started(): void {
    this.rule.started();
  }

  /** `cpuMs` is all that it has used so far, in all its processes. Logs what follows. */
  look(nowMs: number, cpuMs: number): { verdict: BudgetVerdict["verdict"]; error: AgentError } | null {
    const found = this.rule.look(nowMs, cpuMs);
    if (found === null) return null;
    const { verdict } = found;
    const error = new AgentError("budget_exceeded", budgetReason(found, this.limitMsPerS));
    if (verdict === "normal") this.log.info(error.message);
    else this.log.warn(error.message, { code: error.code });
    if (verdict === "slow") this.reason = error.message;
    return { verdict, error };
  }
}
