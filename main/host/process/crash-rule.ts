/** This many crashes within the window disable a plugin. */
const CRASHES_MAX = 3;
const WINDOW_MS = 5 * 60_000;
/** Only after running this long are earlier crashes forgotten: a start alone proves nothing. */
export const STABLE_MS = 10 * 60_000;
const BACK_OFF_FIRST_MS = 1000;
const BACK_OFF_MAX_MS = 64_000;

/** What must be kept for a restart of the agent not to be a pardon. */
export interface CrashHistory {
  /** How long ago each crash of the last five minutes was, oldest first. */
  readonly agosMs: readonly number[];
  readonly inARow: number;
}

/** Whether and when a plugin that crashed is started again. Times are monotonic milliseconds. */
export class CrashRule {
  private times: number[] = [];
  private inARow = 0;
  private startedMs = 0;

  /** Whether there is anything to forget. */
  get remembers(): boolean {
    return this.inARow > 0;
  }

  /** Takes up what a run before has left. */
  recall({ agosMs, inARow }: CrashHistory, nowMs: number): void {
    this.times = agosMs.map((ago) => nowMs - ago);
    this.inARow = inARow;
  }

  history(nowMs: number): CrashHistory {
    return { agosMs: this.times.map((time) => nowMs - time), inARow: this.inARow };
  }

  /** Whether it has crashed too often to be started. */
  exhausted(nowMs: number): boolean {
    return this.times.filter((time) => nowMs - time < WINDOW_MS).length >= CRASHES_MAX;
  }

  started(nowMs: number): void {
    this.startedMs = nowMs;
  }

  forget(): void {
    this.times = [];
    this.inARow = 0;
  }

  /** The time to wait before the next start, or null: it is not started again. */
  crashed(nowMs: number): number | null {
    if (nowMs - this.startedMs >= STABLE_MS) this.forget();
    this.times = [...this.times.filter((time) => nowMs - time < WINDOW_MS), nowMs];
    const delayMs = Math.min(BACK_OFF_MAX_MS, BACK_OFF_FIRST_MS * 2 ** this.inARow++);
    return this.exhausted(nowMs) ? null : delayMs;
  }
}
