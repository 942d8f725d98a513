import type { Ring } from "./ring.ts";

const REASONS_MAX = 20;
const HOUR_MS = 3_600_000;

export interface Reason {
  readonly kind: "finding" | "threshold" | "request";
  readonly text: string;
  /** The finding's. */
  readonly id?: string;
  readonly atMs: number;
}

export interface RecorderRules {
  readonly beforeMs: number;
  readonly afterMs: number;
  /** However often it is extended. */
  readonly longestMs: number;
  readonly perHour: number;
}

export interface Recording {
  readonly id: string;
  /** When it was asked for, Unix ms. */
  readonly startedMs: number;
  /** Its first and last reading; null before the first is out. */
  fromMs: number | null;
  toMs: number | null;
  readings: number;
  readonly reasons: Reason[];
}

interface Running {
  readonly recording: Recording;
  readonly limitMs: number;
  untilMs: number;
}

/**
 * Decides which rows of the ring are recorded. Begun, a recording reaches back by `beforeMs` and on by `afterMs`; asked for again it goes on
 * for longer, up to `longestMs`. Only so many begin an hour. No row is recorded twice. All times but those in recordings
 * are monotonic.
 */
export class Recorder {
  refused = 0;
  private readonly ring: Ring;
  private readonly rules: RecorderRules;
  /** Rows before this one are out already, or were passed over. */
  private out = 0;
  private running: Running | null = null;
  private allowance: number;
  private allowanceMs: number | null = null;
  private count = 0;

  constructor(ring: Ring, rules: RecorderRules) {
    this.ring = ring;
    this.rules = rules;
    this.allowance = rules.perHour;
  }

  get recording(): Recording | null {
    return this.running?.recording ?? null;
  }

  /** Begins a recording or extends the one that runs. An operator who asks is not refused for having asked often. */
  trigger(reason: Reason, elapsedMs: number, afterMs = this.rules.afterMs): "begun" | "extended" | "refused" {
    const { running } = this;
    if (running) {
      if (running.recording.reasons.length < REASONS_MAX) running.recording.reasons.push(reason);
      if (running.untilMs >= running.limitMs) {
        this.refused++;
        return "refused";
      }
      running.untilMs = Math.min(running.limitMs, Math.max(running.untilMs, elapsedMs + afterMs));
      return "extended";
    }
    if (!this.allowed(elapsedMs) && reason.kind !== "request") {
      this.refused++;
      return "refused";
    }
    const limitMs = elapsedMs + this.rules.longestMs;
    this.running = {
      recording: {
        id: `${reason.atMs}-${++this.count}`,
        startedMs: reason.atMs,
        fromMs: null,
        toMs: null,
        readings: 0,
        reasons: [reason],
      },
      limitMs,
      untilMs: Math.min(limitMs, elapsedMs + afterMs),
    };
    this.out = Math.max(this.out, this.ring.rowAt(elapsedMs - this.rules.beforeMs));
    return "begun";
  }

  /** Whether the recording that runs is over. */
  over(elapsedMs: number): boolean {
    return this.running !== null && elapsedMs >= this.running.untilMs;
  }

  /** Hands out the rows not yet out, as from and to (exclusive); nothing while none runs. */
  take(): { from: number; to: number } | null {
    if (!this.running) return null;
    const from = Math.max(this.out, this.ring.first);
    const to = this.ring.next;
    if (from >= to) return null;
    this.out = to;
    const { recording } = this.running;
    for (let row = from; row < to; row++) {
      const timeMs = this.ring.timeOf(row);
      if (Number.isNaN(timeMs)) continue;
      recording.fromMs ??= timeMs;
      recording.toMs = timeMs;
      recording.readings++;
    }
    return { from, to };
  }

  /** Ends it. The next one does not reach back into it. */
  end(): Recording | null {
    const recording = this.recording;
    this.running = null;
    return recording;
  }

  private allowed(elapsedMs: number): boolean {
    const { perHour } = this.rules;
    this.allowanceMs ??= elapsedMs;
    this.allowance = Math.min(perHour, this.allowance + ((elapsedMs - this.allowanceMs) * perHour) / HOUR_MS);
    this.allowanceMs = elapsedMs;
    if (this.allowance < 1) return false;
    this.allowance--;
    return true;
  }
}
