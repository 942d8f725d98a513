import { readFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Disposable } from "all-use-agent/sdk";
import type { LoadReading } from "./load-rule.ts";

/** Five wake-ups a second cost 0.01 % of a core. */
const DELAY_RESOLUTION_MS = 200;

/** What this process and this machine are under, since the last reading. */
export class LoadReadings implements Disposable {
  private readonly delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
  private cpuMicros = 0;
  private readMs = performance.now();

  constructor() {
    this.delay.enable();
    this.cpuMicros = cpuMicros();
  }

  read(): LoadReading {
    const micros = cpuMicros();
    const nowMs = performance.now();
    const elapsedMs = nowMs - this.readMs;
    const reading: LoadReading = {
      // The histogram holds times between wake-ups; the delay is what exceeds the interval asked for. Empty, it says NaN or 0.
      delayP99Ms: Math.max(0, (this.delay.percentile(99) || 0) / 1e6 - DELAY_RESOLUTION_MS),
      cpuShare: elapsedMs > 0 ? (micros - this.cpuMicros) / 1000 / elapsedMs : 0,
      residentBytes: process.memoryUsage.rss(),
      cpuPressure: pressure("/proc/pressure/cpu", "some"),
      memoryPressure: pressure("/proc/pressure/memory", "full"),
    };
    this.delay.reset();
    this.cpuMicros = micros;
    this.readMs = nowMs;
    return reading;
  }

  dispose(): void {
    this.delay.disable();
  }
}

function cpuMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** avg10 of a line of pressure stall information, 0 to 1; null where the kernel has none. */
export function pressure(path: string, line: "some" | "full"): number | null {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return null;
  }
  const found = new RegExp(`^${line} avg10=([0-9.]+)`, "m").exec(text);
  return found ? Number(found[1]) / 100 : null;
}
