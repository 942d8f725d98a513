import type { Disposable, Finding } from "all-use-agent/sdk";
import { DEFAULT_INSTANCE } from "../config/instance-name.ts";
import { AdaptiveRule } from "./adaptive-rule.ts";
import { ChangeWatch } from "./change-watch.ts";
import type { Mode, ModeParts } from "./mode.ts";
import type { AdaptiveStrategy, Pace } from "./strategy.ts";

/** Slower while its values stand still, fast around anomalies, slower on battery and under load. */
export class AdaptiveMode implements Mode {
  private readonly parts: ModeParts;
  private readonly rule: AdaptiveRule;
  private readonly changes: ChangeWatch;
  private readonly subscriptions: readonly Disposable[];

  constructor(strategy: AdaptiveStrategy, parts: ModeParts) {
    const { services, surroundings, emissions } = parts;
    this.parts = parts;
    this.rule = new AdaptiveRule(strategy);
    this.changes = new ChangeWatch(strategy.tolerance, (id) => services.seriesInfo(id).type);
    emissions.watch = (batch) => this.changes.take(batch);
    this.subscriptions = [
      services.on("finding", (finding) => {
        if (finding.severity !== "critical" && !this.isOwn(finding)) return;
        this.rule.alarm(parts.time.monotonic(), finding.metric);
        parts.repace();
      }),
      surroundings.onLoad(() => parts.repace()),
    ];
  }

  read(good: boolean): void {
    const changed = this.changes.ended();
    // A reading that failed says nothing of the values.
    if (good) this.rule.read(changed);
  }

  pace(): Pace {
    const { surroundings, time } = this.parts;
    return this.rule.pace(time.monotonic(), { onBattery: surroundings.onBattery(), loadLevel: surroundings.load.level });
  }

  dispose(): void {
    this.parts.emissions.watch = null;
    for (const subscription of this.subscriptions) void subscription.dispose();
  }

  /** Of a metric that it emits, or of a panel of its plugin. */
  private isOwn({ metric, labels }: Finding): boolean {
    const { id, instance, emissions } = this.parts;
    const { plugin_instance: of = DEFAULT_INSTANCE, panel = "" } = labels;
    return (emissions.has(metric) && of === instance) || (metric === "alluse_panel_value" && panel.startsWith(`${id}/`));
  }
}
