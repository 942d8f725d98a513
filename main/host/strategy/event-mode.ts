import { type Disposable, type Finding, pathLiesIn } from "all-use-agent/sdk";
import { watchFiles } from "../config/config-watch.ts";
import { EventRule } from "./event-rule.ts";
import type { Mode, ModeParts } from "./mode.ts";
import type { EventStrategy, Pace } from "./strategy.ts";

/** Read when something happens. */
export class EventMode implements Mode {
  private readonly strategy: EventStrategy;
  private readonly parts: ModeParts;
  private readonly rule: EventRule;
  private readonly subscriptions: Disposable[] = [];
  private timer: Disposable | null = null;
  private last = "nothing has happened yet";

  constructor(strategy: EventStrategy, parts: ModeParts) {
    this.strategy = strategy;
    this.parts = parts;
    this.rule = new EventRule(strategy);
    const { rights, services } = parts;
    const ofItself = rights !== null && strategy.ofManifest.has("on");
    for (const topic of strategy.on)
      this.subscriptions.push(
        services.on(topic, (event) => {
          // Of what an installed plugin may not read it does not even learn that something happened.
          const metric = topic === "finding" ? (event as Finding).metric : null;
          if (ofItself && topic !== "gap" && !rights.mayRead(metric)) return;
          this.happened(topic === "gap" ? "a gap" : `a ${topic}`);
        }),
      );
    if (strategy.watch !== null) this.watch(strategy.watch);
  }

  read(): void {
    this.rule.read(this.parts.time.monotonic());
  }

  pace(): Pace {
    const { heartbeatMs } = this.strategy;
    return { intervalMs: heartbeatMs, reason: `upon events: ${this.last}` };
  }

  dispose(): void {
    void this.timer?.dispose();
    for (const subscription of this.subscriptions) void subscription.dispose();
  }

  private watch(path: string): void {
    const { rights, trouble } = this.parts;
    if (
      rights !== null &&
      this.strategy.ofManifest.has("watch") &&
      !rights.readablePaths.some((one) => pathLiesIn(path, one.path))
    )
      return trouble("permission_denied", `its plugin.json watches ${path}, for which it has no permission read:${path}`);
    this.subscriptions.push(watchFiles([path], () => Promise.resolve(this.happened("its file changed"))));
  }

  private happened(what: string): void {
    const { time } = this.parts;
    this.last = `the last was ${what} at ${new Date(time.now()).toISOString()}`;
    const waitMs = this.rule.happened(time.monotonic());
    if (waitMs !== null) this.timer = time.after(waitMs, () => this.serve());
  }

  private serve(): void {
    const { time, ask } = this.parts;
    this.rule.served();
    if (ask()) return;
    // What was under way began before: it may not have seen what happened.
    const waitMs = this.rule.happened(time.monotonic());
    if (waitMs !== null) this.timer = time.after(Math.max(waitMs, this.strategy.minMs), () => this.serve());
  }
}
