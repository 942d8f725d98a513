import type { Columns } from "./columns.ts";
import type { Source } from "./sources.ts";

/** So many gaps alike, and the interval is relied on; so many odd ones more than alike, and another is learnt. */
const TRUSTED = 4;
const TRUST_MAX = 8;
/** The operator says so: nothing is learnt, and it does not end by silence. */
const DECLARED = 255;
/** How fast the interval follows. */
const RATE = 1 / 8;
/** A series that is silent for so many intervals, and so long, has ended. */
const ENDED_INTERVALS = 20;
const ENDED_MS = 120_000;
/** Times given by others that are so old tell nothing of when the next sample is due. */
const HISTORY_MS = 300_000;

/**
 * When the samples of each series are due: the interval is learnt from the gaps between them, or declared; what is overdue, or was left
 * out, is missing. The learning is a running mean of gaps alike that odd ones do not touch: a gap of several intervals is
 * several samples missing, and does not change what is expected.
 */
export class Expectation {
  private readonly columns: Columns;
  private lookedMs: number;
  /** Until then nobody watched: nothing was due. */
  private excusedMs = -Infinity;

  constructor(columns: Columns, nowMs: number) {
    this.columns = columns;
    this.lookedMs = nowMs;
  }

  /** Nobody watched until `toMs`. */
  excuse(toMs: number): void {
    if (toMs > this.excusedMs) this.excusedMs = toMs;
  }

  /** Relies on what the operator says. */
  declare(id: number, intervalMs: number): void {
    if (!(intervalMs > 0)) return;
    this.columns.candidates[id] = intervalMs;
    this.columns.trust[id] = DECLARED;
  }

  /** A sample came so long after the one before, of which it is not known that it came when it was due. */
  learn(id: number, timestampMs: number, gapMs: number, nowMs: number, source: Source): void {
    const { candidates, intervals, trust } = this.columns;
    const candidate = candidates[id];
    if (trust[id] === DECLARED) intervals[id] = candidate;
    if (gapMs === Infinity || timestampMs - gapMs < this.excusedMs || nowMs - timestampMs > HISTORY_MS) return;
    const ratio = gapMs / candidate;
    if (ratio > 0.5 && ratio < 1.5) {
      if (trust[id] === DECLARED) return;
      candidates[id] = candidate + (gapMs - candidate) * RATE;
      if (trust[id] < TRUST_MAX) trust[id]++;
      if (trust[id] >= TRUSTED) intervals[id] = candidates[id];
      return;
    }
    if (trust[id] === 0) {
      candidates[id] = gapMs;
      trust[id] = 1;
      return;
    }
    // What was missing before the last look was seen then.
    if (trust[id] >= TRUSTED && ratio >= 1.5)
      source.missing += Math.min(Math.round(ratio) - 1, Math.max(0, Math.floor((timestampMs - this.lookedMs) / candidate)));
    if (trust[id] === DECLARED) return;
    trust[id]--;
    if (trust[id] < TRUSTED) intervals[id] = NaN;
  }

  /** The series has ended, and says so. */
  end(id: number): void {
    this.columns.intervals[id] = NaN;
    if (this.columns.trust[id] === DECLARED) return;
    this.columns.trust[id] = 0;
    this.columns.candidates[id] = NaN;
  }

  /** Adds to every source what it should have sent since the last look, and what of that is overdue. Returns the time passed. */
  look(nowMs: number, sources: readonly Source[]): number {
    const { times, intervals, sources: sourceOf, capacity } = this.columns;
    const sinceMs = Math.max(this.lookedMs, this.excusedMs);
    const passedMs = Math.max(0, nowMs - sinceMs);
    for (let id = 0; id < capacity; id++) {
      const intervalMs = intervals[id];
      if (!(intervalMs > 0)) continue;
      const source = sources[sourceOf[id]];
      const due = passedMs / intervalMs;
      source.expected += due;
      const silentMs = nowMs - Math.max(times[id], this.excusedMs);
      const lateMs = silentMs - intervalMs * 1.5 - source.lagMs;
      if (lateMs <= 0) continue;
      source.missing += Math.min(due, lateMs / intervalMs + 0.5);
      const declared = this.columns.trust[id] === DECLARED;
      if (!declared && silentMs > ENDED_MS && silentMs > ENDED_INTERVALS * intervalMs) this.end(id);
    }
    const elapsedMs = nowMs - this.lookedMs;
    this.lookedMs = nowMs;
    return Math.max(0, elapsedMs);
  }
}
