import { powerMonitor } from "electron";
import type { Agent } from "../agent.ts";

/** Samples missed while the machine slept are a recorded gap, not silence. */
export function recordSleep(agent: Pick<Agent, "noteGap">, nowMs: () => number): void {
  let asleepMs: number | null = null;
  powerMonitor.on("suspend", () => {
    asleepMs ??= nowMs();
  });
  powerMonitor.on("resume", () => {
    const fromMs = asleepMs;
    asleepMs = null;
    if (fromMs !== null && nowMs() > fromMs) agent.noteGap(fromMs, nowMs(), "sleep");
  });
}

/** As the system tells the desktop, on every platform. */
export function onBattery(): boolean {
  return powerMonitor.onBatteryPower;
}
