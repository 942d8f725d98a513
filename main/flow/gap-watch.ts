/** What a tick of the watch found out about the time since the one before. */
export interface Gap {
  readonly fromMs: number;
  readonly toMs: number;
  readonly reason: string;
}

/** Shorter than this is a late tick, not a gap. */
const GAP_MIN_MS = 2500;

/**
 * Finds out when time went on without the agent. Told the wall clock and the elapsed time once a second: the wall clock
 * alone jumping forward is sleep or a set clock (a sleeping machine's elapsed time stands still on Linux and macOS); both
 * jumping is the process having been stopped or starved.
 */
export class GapWatch {
  private wallMs: number;
  private elapsedMs: number;

  constructor(wallMs: number, elapsedMs: number) {
    this.wallMs = wallMs;
    this.elapsedMs = elapsedMs;
  }

  tick(wallMs: number, elapsedMs: number): Gap | null {
    const wallStepMs = wallMs - this.wallMs;
    const elapsedStepMs = elapsedMs - this.elapsedMs;
    const fromMs = this.wallMs;
    this.wallMs = wallMs;
    this.elapsedMs = elapsedMs;
    if (wallStepMs < -GAP_MIN_MS) return { fromMs: wallMs, toMs: wallMs, reason: "the clock was set back" };
    if (wallStepMs < GAP_MIN_MS) return null;
    const stalled = elapsedStepMs >= GAP_MIN_MS;
    return { fromMs, toMs: wallMs, reason: stalled ? "the agent was held up" : "the machine slept or the clock was set" };
  }
}
