/** This many crashes within the window disable a plugin. */
const CRASHES_MAX = 3;
const WINDOW_MS = 5 * 60_000;
/** Only after running this long are earlier crashes forgotten: a start alone proves nothing. */
const STABLE_MS = 10 * 60_000;
const BACK_OFF_FIRST_MS = 1000;
const BACK_OFF_MAX_MS = 64_000;

/** Whether and when a plugin that crashed is started again. Times are monotonic milliseconds. */
export class CrashRule {
  private times: number[] = [];
  private inARow = 0;
  private startedMs = 0;

  started(nowMs: number): void {
    this.startedMs = nowMs;
  }

  /** The time to wait before the next start, or null: it is not started again. */
  crashed(nowMs: number): number | null {
    if (nowMs - this.startedMs >= STABLE_MS) {
      this.times = [];
      this.inARow = 0;
    }
    this.times = [...this.times.filter((time) => nowMs - time < WINDOW_MS), nowMs];
    if (this.times.length >= CRASHES_MAX) return null;
    return Math.min(BACK_OFF_MAX_MS, BACK_OFF_FIRST_MS * 2 ** this.inARow++);
  }
}
