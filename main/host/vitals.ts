import { monitorEventLoopDelay } from "node:perf_hooks";
import type { AgentStatus } from "all-use-agent/sdk";

/** How often the event loop's delay is sampled: ten wake-ups a second cost 0.02 % of a core. */
const DELAY_RESOLUTION_MS = 100;
const WINDOW_TICKS = 60;

/** What the agent's own process costs, over the last minute. Tick it once a second. */
export class Vitals {
  private readonly delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
  private readonly cpuMicros = new Float64Array(WINDOW_TICKS);
  private readonly samples = new Float64Array(WINDOW_TICKS);
  private readonly atMs = new Float64Array(WINDOW_TICKS);
  private ticks = 0;
  private delayP99Ms = 0;
  residentBytes = process.memoryUsage.rss();
  cpuSeconds = 0;

  constructor() {
    this.delay.enable();
    this.tick(0);
  }

  /** `samples` is the number of samples stored since the start. */
  tick(samples: number): void {
    const { user, system } = process.cpuUsage();
    const slot = this.ticks % WINDOW_TICKS;
    this.cpuMicros[slot] = user + system;
    this.samples[slot] = samples;
    this.atMs[slot] = performance.now();
    this.cpuSeconds = (user + system) / 1e6;
    this.residentBytes = process.memoryUsage.rss();
    this.ticks++;
    if (this.ticks % WINDOW_TICKS === 0 || this.ticks < WINDOW_TICKS) this.readDelay();
  }

  /** Percent of one core. */
  cpuPercent(): number {
    return this.overWindow(this.cpuMicros) / 10;
  }

  /** Samples a second that reached storage. */
  samplesPerSecond(): number {
    return this.overWindow(this.samples) * 1000;
  }

  cost(diskBytes: number): AgentStatus["cost"] {
    return { cpuPercent: this.cpuPercent(), residentBytes: this.residentBytes, diskBytes, eventLoopDelayP99Ms: this.delayP99Ms };
  }

  dispose(): void {
    this.delay.disable();
  }

  /** Growth of a column per millisecond between the oldest and the newest tick of the window. */
  private overWindow(column: Float64Array): number {
    const newest = (this.ticks - 1) % WINDOW_TICKS;
    const oldest = this.ticks <= WINDOW_TICKS ? 0 : this.ticks % WINDOW_TICKS;
    const elapsedMs = this.atMs[newest] - this.atMs[oldest];
    return elapsedMs > 0 ? (column[newest] - column[oldest]) / elapsedMs : 0;
  }

  private readDelay(): void {
    // The histogram holds times between wake-ups; the delay is what exceeds the interval asked for.
    this.delayP99Ms = Math.max(0, this.delay.percentile(99) / 1e6 - DELAY_RESOLUTION_MS);
    if (this.ticks % WINDOW_TICKS === 0) this.delay.reset();
  }
}
