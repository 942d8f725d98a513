import { countAtBound, cumulativeBuckets, downscaleBuckets } from "all-use-agent/sdk";
import type { ExponentialPoint } from "./model.ts";
import type { Stream } from "./streams.ts";

/** Bounds of `le` and the counts at or below them, ascending, without +Inf. */
export interface LeBuckets {
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
}

/** Bounds that one histogram may have. Those that come after so many are left out: their counts are in the next one. */
const BOUNDS_MAX = 320;

/**
 * An exponential histogram as `le` buckets of at most 2^maxScale to each power of two. A bound that was given once is given always,
 * with a count that does not fall: at a coarser scale than before it is that of the nearest bound below, or what it was.
 */
export function leBuckets(point: ExponentialPoint, maxScale: number, stream: Stream | null, delta: boolean): LeBuckets {
  const by = Math.max(0, point.scale - maxScale);
  const positive = downscaleBuckets(point.positive.offset, point.positive.counts, by);
  const negative = downscaleBuckets(point.negative.offset, point.negative.counts, by);
  const found = cumulativeBuckets({
    scale: point.scale - by,
    zeroCount: point.zeroCount,
    zeroThreshold: point.zeroThreshold,
    positiveOffset: positive.offset,
    positiveCounts: positive.counts,
    negativeOffset: negative.offset,
    negativeCounts: negative.counts,
  });
  const known = stream?.buckets ?? new Map<number, { count: number }>();
  const bounds = [...known.keys()];
  for (const bound of found.bounds) if (!known.has(bound) && bounds.length < BOUNDS_MAX) bounds.push(bound);
  bounds.sort((a, b) => a - b);
  let below = 0;
  const counts = bounds.map((bound) => {
    const now = countAtBound(found, bound);
    // A bound that is new has had what the one below it had.
    const before = known.get(bound)?.count ?? below;
    below = before;
    return delta ? before + now : Math.max(now, known.has(bound) ? before : 0);
  });
  for (let i = 1; i < counts.length; i++) counts[i] = Math.max(counts[i], counts[i - 1]);
  return { bounds, counts };
}
