import type { Batch, MetricType, SeriesId } from "all-use-agent/sdk";

/** Beyond this nothing is known of a series, and a reading with one counts as changed. */
const SERIES_MAX = 20_000;

interface Seen {
  value: number;
  timeMs: number;
  /** Of what only grows: growth a millisecond before; NaN while there is none. */
  rate: number;
  /** Number of the reading that had it last. */
  reading: number;
}

/**
 * Whether a reading's values are those of the reading before: each within a part of itself, of counters their growth. A series that
 * is new, or not there any more, is a change. Some 80 bytes a series.
 */
export class ChangeWatch {
  private readonly tolerance: number;
  private readonly typeOf: (id: SeriesId) => MetricType;
  private readonly seen = new Map<SeriesId, Seen>();
  private reading = 0;
  private rows = 0;
  private rowsBefore = -1;
  private changed = false;

  constructor(tolerance: number, typeOf: (id: SeriesId) => MetricType) {
    this.tolerance = tolerance;
    this.typeOf = typeOf;
  }

  /** Series that are remembered. */
  get size(): number {
    return this.seen.size;
  }

  /** Samples of the reading in hand. */
  take({ length, series, timestamps, values }: Batch): void {
    this.rows += length;
    for (let i = 0; i < length; i++) if (this.moved(series[i], timestamps[i], values[i])) this.changed = true;
  }

  /** The reading in hand is over. Returns whether it was another than the one before; the first is. */
  ended(): boolean {
    const changed = this.changed || this.rows !== this.rowsBefore;
    this.rowsBefore = this.rows;
    this.rows = 0;
    this.changed = false;
    // What vanished is forgotten when there are many of it: nothing here grows with churn.
    if (this.seen.size > 2 * this.rowsBefore + 100)
      for (const [id, { reading }] of this.seen) if (reading < this.reading) this.seen.delete(id);
    this.reading++;
    return changed;
  }

  private moved(id: SeriesId, timeMs: number, value: number): boolean {
    const before = this.seen.get(id);
    if (before === undefined) {
      if (this.seen.size < SERIES_MAX) this.seen.set(id, { value, timeMs, rate: Number.NaN, reading: this.reading });
      return true;
    }
    before.reading = this.reading;
    const { value: valueBefore, rate: rateBefore } = before;
    const elapsedMs = timeMs - before.timeMs;
    before.value = value;
    before.timeMs = timeMs;
    if (!GROWS.has(this.typeOf(id))) return !near(valueBefore, value, this.tolerance);
    before.rate = elapsedMs > 0 ? (value - valueBefore) / elapsedMs : Number.NaN;
    // One growth has nothing to be compared with: only standing still is certain.
    if (Number.isNaN(rateBefore)) return value !== valueBefore;
    return !near(rateBefore, before.rate, this.tolerance);
  }
}

const GROWS: ReadonlySet<MetricType> = new Set(["counter", "histogram", "summary"]);

function near(a: number, b: number, tolerance: number): boolean {
  if (Object.is(a, b) || a === b) return true;
  return Number.isFinite(a) && Number.isFinite(b) && Math.abs(a - b) <= tolerance * Math.max(Math.abs(a), Math.abs(b));
}
