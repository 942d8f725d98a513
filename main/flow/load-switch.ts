import type { FlowMode, FlowSettings } from "./settings.ts";

const WINDOW_MS = 1000;

/**
 * Says in which mode batches pass. Told of every emission and of the time that stages took, it judges once a second: hybrid
 * gathers from the first second above a limit on, and stops when both measures were below half of theirs for a while, so that
 * a load at the limit does not make it swing. Holds no clock and no timer.
 */
export class LoadSwitch {
  mode: FlowMode = "real_time";
  /** Changes of mode since the start. */
  switches = 0;
  /** Of the last whole window. */
  emissionsPerSecond = 0;
  busyPercent = 0;
  private settings: FlowSettings;
  private emissions = 0;
  private busyMs = 0;
  private windowMs: number;
  private calmSinceMs: number | null = null;

  constructor(settings: FlowSettings, elapsedMs: number) {
    this.settings = settings;
    this.windowMs = elapsedMs;
    this.configure(settings);
  }

  configure(settings: FlowSettings): void {
    this.settings = settings;
    this.calmSinceMs = null;
    if (settings.mode !== "hybrid") this.enter(settings.mode);
  }

  emitted(): void {
    this.emissions++;
  }

  spent(ms: number): void {
    this.busyMs += ms;
  }

  /** To be called often; `elapsedMs` never steps back. */
  look(elapsedMs: number): void {
    const passedMs = elapsedMs - this.windowMs;
    if (passedMs < WINDOW_MS) return;
    this.emissionsPerSecond = (this.emissions * 1000) / passedMs;
    this.busyPercent = (this.busyMs * 100) / passedMs;
    this.emissions = 0;
    this.busyMs = 0;
    this.windowMs = elapsedMs;
    if (this.settings.mode === "hybrid") this.judge(elapsedMs);
  }

  private judge(elapsedMs: number): void {
    const { emissionsPerSecond, busyPercent, backAfterMs } = this.settings.switch;
    if (this.mode === "real_time") {
      if (this.emissionsPerSecond > emissionsPerSecond || this.busyPercent > busyPercent) this.enter("micro_batch");
      return;
    }
    if (this.emissionsPerSecond > emissionsPerSecond / 2 || this.busyPercent > busyPercent / 2) {
      this.calmSinceMs = null;
      return;
    }
    this.calmSinceMs ??= elapsedMs;
    if (elapsedMs - this.calmSinceMs >= backAfterMs) this.enter("real_time");
  }

  private enter(mode: FlowMode): void {
    this.calmSinceMs = null;
    if (mode === this.mode) return;
    this.mode = mode;
    this.switches++;
  }
}
