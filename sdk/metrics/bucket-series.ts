import { countAtBound, type CumulativeBuckets, isBucketBound } from "./exponential-buckets.ts";

/** How far back a new bound's past is told: what `rate` and `increase` are usually asked over, and instant queries look back. */
const HISTORY_MS = 300_000;
/** Numbers kept of the past, 64 KB: five minutes at one reading a second of a histogram of thirty bounds. */
const HISTORY_NUMBERS = 8192;
/** Two sides of 160 buckets with both bounds each would be 640; real ones share most. Beyond it, empty ones are let go. */
const BOUNDS_MAX = 512;

/** Takes the rows of `_bucket` series, each bound's in order of time. */
export interface BucketRows {
  sample(bound: number, timestampMs: number, count: number): void;
  /** The bound is there no more: its series ends with a staleness marker. */
  ended(bound: number, timestampMs: number): void;
}

interface Reading {
  readonly timestampMs: number;
  readonly buckets: CumulativeBuckets;
}

/**
 * Makes `le` series of an exponential histogram, whose buckets come and go, so that `rate`, `increase` and
 * `histogram_quantile` stay right:
 *
 * - A bound once seen stays, with its count, as long as the scale has it: its series has no holes.
 * - A new bound begins with its past: the count that it would have had at each reading of the last five minutes, fewer where that
 *   would be more than 8192 numbers. Before a bound was seen nothing lay around it, so that its count was that of the next lower
 *   one. Without a past, what was counted below a new bound would be missing from it over any window that reaches back before its
 *   first sample; with a past that has holes, windows that end in one would count what came later.
 * - When the scale shrinks, bounds that the coarser one has not are ended, because their counts are not known any more. All
 *   of the coarser scale's bounds are bounds of the finer one, so these go on without a break.
 * - With a time at which counting began, the first reading is preceded by zeros at that time: what it holds is an increase.
 *
 * Counts are cumulative over time; a count that falls is a counter's reset, which PromQL knows. Memory: 8 bytes a bound and a reading
 * that differs from the one before it, 64 KB at most.
 */
export class BucketSeries {
  private known: readonly number[] = [];
  private readonly history: Reading[] = [];
  private numbers = 0;
  private previous: Reading | null = null;

  /** Takes a reading; `+Inf` is given like any bound. `startMs` is when counting began, or null where that is not known. */
  update(buckets: CumulativeBuckets, timestampMs: number, startMs: number | null, rows: BucketRows): void {
    const { previous } = this;
    if (previous !== null && timestampMs <= previous.timestampMs) {
      // Late: it says nothing of what is known by now.
      for (const bound of this.known) if (has(buckets, bound)) rows.sample(bound, timestampMs, countAtBound(buckets, bound));
      return;
    }
    if (previous === null && startMs !== null && startMs < timestampMs)
      this.previous = { timestampMs: Math.max(startMs, timestampMs - HISTORY_MS), buckets: zeros(buckets) };
    this.remember(timestampMs);
    this.known = this.write(buckets, timestampMs, rows);
    this.previous = { timestampMs, buckets: this.previous === null ? buckets : shared(buckets, this.previous.buckets) };
  }

  /** Ends every series. */
  end(timestampMs: number, rows: BucketRows): void {
    for (const bound of this.known) rows.ended(bound, timestampMs);
    this.known = [];
    this.history.length = 0;
    this.numbers = 0;
    this.previous = null;
  }

  /** Gives all rows of a reading. Returns the bounds there are now. */
  private write(buckets: CumulativeBuckets, timestampMs: number, rows: BucketRows): number[] {
    const keepEmpty = this.known.length < BOUNDS_MAX;
    const now: number[] = [];
    const { known } = this;
    const { bounds } = buckets;
    let k = 0;
    let b = 0;
    while (k < known.length || b <= bounds.length) {
      const next = b < bounds.length ? bounds[b] : b === bounds.length ? Infinity : NaN;
      const old = k < known.length && !(known[k] > next);
      const bound = old ? known[k] : next;
      const counted = bound === next;
      if (old) k++;
      if (counted) b++;
      if (!counted && !(keepEmpty && has(buckets, bound))) {
        rows.ended(bound, timestampMs);
        continue;
      }
      if (!old) this.tellPast(bound, rows);
      rows.sample(bound, timestampMs, countAtBound(buckets, bound));
      now.push(bound);
    }
    return now;
  }

  private tellPast(bound: number, rows: BucketRows): void {
    for (const { timestampMs, buckets } of this.history) rows.sample(bound, timestampMs, countAtBound(buckets, bound));
  }

  /** Makes `history` the past of a reading at this time, oldest first: the last reading is always its end. */
  private remember(timestampMs: number): void {
    const { history, previous } = this;
    if (previous === null) return;
    this.numbers += sizeOf(previous, history.at(-1));
    history.push(previous);
    while (history.length > 1 && (history[0].timestampMs < timestampMs - HISTORY_MS || this.numbers > HISTORY_NUMBERS)) {
      const first = history.shift()!;
      this.numbers += sizeOf(history[0], undefined) - sizeOf(history[0], first) - sizeOf(first, undefined);
    }
  }
}

/** Numbers that a reading holds and the one before it does not. */
function sizeOf({ buckets }: Reading, before: Reading | undefined): number {
  const bounds = buckets.bounds === before?.buckets.bounds ? 0 : buckets.bounds.length;
  return bounds + (buckets.counts === before?.buckets.counts ? 0 : buckets.counts.length);
}

function has({ scale, zeroThreshold }: CumulativeBuckets, bound: number): boolean {
  return bound === Infinity || isBucketBound(scale, zeroThreshold, bound);
}

function zeros({ scale, zeroThreshold }: CumulativeBuckets): CumulativeBuckets {
  return { scale, zeroThreshold, bounds: new Float64Array(0), counts: new Float64Array(0), total: 0 };
}

/** A reading with the arrays of the one before it where they say the same. */
function shared(buckets: CumulativeBuckets, before: CumulativeBuckets): CumulativeBuckets {
  return {
    ...buckets,
    bounds: same(buckets.bounds, before.bounds) ? before.bounds : buckets.bounds,
    counts: same(buckets.counts, before.counts) ? before.counts : buckets.counts,
  };
}

function same(a: Float64Array, b: Float64Array): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}
