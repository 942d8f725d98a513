import type { Disposable } from "all-use-agent/sdk";
import { everyAligned, type TimeSource } from "../time.ts";
import { type LoadLevel, type LoadReading, LoadRule } from "./load-rule.ts";

export const LOAD_LOOK_MS = 5000;
/** Between the ticks of collectors, so that their own work is not taken for load. */
const LOOK_PHASE_MS = 450;

/** Looks every five seconds how loaded the agent is, and tells when the level is another. */
export class LoadMonitor implements Disposable {
  private readonly rule = new LoadRule();
  private readonly listeners = new Set<() => void>();
  private readonly timer: Disposable;

  /** `read` tells of the time since it was called last. */
  constructor(time: TimeSource, read: () => LoadReading) {
    this.timer = everyAligned(
      time,
      LOAD_LOOK_MS,
      () => {
        if (this.rule.look(time.monotonic(), read())) for (const listener of this.listeners) listener();
      },
      undefined,
      LOOK_PHASE_MS,
    );
  }

  get level(): LoadLevel {
    return this.rule.level;
  }

  get reason(): string | null {
    return this.rule.reason;
  }

  onChange(listener: () => void): Disposable {
    this.listeners.add(listener);
    return { dispose: () => void this.listeners.delete(listener) };
  }

  dispose(): void {
    void this.timer.dispose();
  }
}
