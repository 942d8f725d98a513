import { type Disposable, errorText } from "all-use-agent/sdk";
import { everyAligned } from "../time.ts";
import type { Mode, ModeParts } from "./mode.ts";
import type { Pace, ThresholdStrategy } from "./strategy.ts";
import { ThresholdRule } from "./threshold-rule.ts";

const FAILED = "condition_failed";

/** Read, or read faster, while a condition in PromQL holds. */
export class ThresholdMode implements Mode {
  private readonly strategy: ThresholdStrategy;
  private readonly parts: ModeParts;
  private readonly rule: ThresholdRule;
  private readonly timer: Disposable;
  private disposed = false;

  constructor(strategy: ThresholdStrategy, parts: ModeParts) {
    this.strategy = strategy;
    this.parts = parts;
    this.rule = new ThresholdRule(strategy.forMs);
    this.timer = everyAligned(parts.time, strategy.checkMs, () => this.look());
    void this.look();
  }

  pace(): Pace {
    const { when, intervalMs, idleMs } = this.strategy;
    return this.rule.active ? { intervalMs, reason: `${when} holds` } : { intervalMs: idleMs, reason: `${when} does not hold` };
  }

  dispose(): void {
    this.disposed = true;
    void this.timer.dispose();
  }

  private async look(): Promise<void> {
    const { time, services, well, trouble, repace, ask } = this.parts;
    try {
      const refused = this.refused();
      if (refused !== null) return trouble("permission_denied", refused);
      const rows = await services.query(this.strategy.when, time.now());
      if (this.disposed) return;
      well(FAILED);
      if (!this.rule.looked(time.monotonic(), rows.length > 0)) return;
      repace();
      if (this.rule.active) ask();
    } catch (error) {
      if (this.disposed) return;
      this.rule.failed();
      trouble(FAILED, `its condition cannot be looked at: ${errorText(error)}`);
    }
  }

  /** Why an installed plugin's own condition is not looked at, or null. */
  private refused(): string | null {
    const { rights, services } = this.parts;
    const { when, ofManifest } = this.strategy;
    if (rights === null || !ofManifest.has("when")) return null;
    const metric = services.queriedMetrics(when).find((name) => !rights.mayRead(name));
    if (metric === undefined) return null;
    return `its plugin.json's condition reads ${metric ?? "metrics without naming them"}, for which it has no permission metrics:read:${metric ?? "*"}`;
  }
}
