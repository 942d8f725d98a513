import type { Disposable } from "all-use-agent/sdk";
import { type TimeSource, untilTick } from "../time.ts";

/** Timers may fire a little early: see time.ts. */
const NEAR_MS = 5;
/** Node's timers fire at once when they are to wait longer than 24 days. */
const WAIT_MAX_MS = 24 * 3_600_000;

/**
 * Ticks at every multiple of an interval of the wall clock, moved by `offsetMs`, where the interval may become another at any time.
 * Each wait is worked out anew, so nothing drifts; intervals that are multiples of each other share their ticks.
 */
export class Ticker implements Disposable {
  private readonly time: TimeSource;
  private readonly offsetMs: number;
  private readonly due: () => void | Promise<void>;
  private intervalMs: number | null = null;
  /** When the timer is to fire, by the wall clock as it was when it was set. */
  private plannedMs = 0;
  private timer: Disposable | null = null;

  constructor(time: TimeSource, offsetMs: number, due: () => void | Promise<void>) {
    this.time = time;
    this.offsetMs = offsetMs;
    this.due = due;
  }

  /** From now on at this interval; null: never. */
  set(intervalMs: number | null): void {
    if (this.intervalMs === intervalMs) return;
    this.intervalMs = intervalMs;
    this.schedule();
  }

  /** The wall clock jumped, or the machine slept: what was due meanwhile is due now, once; all else at its time by the new clock. */
  lookAgain(): void | Promise<void> {
    if (this.timer === null) return;
    const late = this.time.now() > this.plannedMs + NEAR_MS;
    this.schedule();
    if (late) return this.due();
  }

  dispose(): void {
    this.intervalMs = null;
    void this.timer?.dispose();
    this.timer = null;
  }

  private schedule(): void {
    void this.timer?.dispose();
    this.timer = null;
    if (this.intervalMs === null) return;
    const nowMs = this.time.now();
    const waitMs = untilTick(nowMs, this.intervalMs, this.offsetMs);
    this.plannedMs = nowMs + waitMs;
    if (waitMs > WAIT_MAX_MS) return void (this.timer = this.time.after(WAIT_MAX_MS, () => this.schedule()));
    this.timer = this.time.after(waitMs, () => {
      this.schedule();
      return this.due();
    });
  }
}
