import type { SeriesId } from "all-use-agent/sdk";

/** What is known of one metric with one set of attributes, from request to request. */
export interface Stream {
  /** The start time that its cumulative points name; 0 before the first. */
  startMs: number;
  /** Of the newest point; -Infinity before the first. */
  timeMs: number;
  /** Sums of what delta points said: the value, or a histogram's sum and count. */
  value: number;
  count: number;
  /** A number's own series, a histogram's and a summary's `_count`. */
  id: SeriesId;
  sumId: SeriesId;
  /** A histogram's buckets by their upper bound, +Inf left out: the cumulative count last given. */
  readonly buckets: Map<number, BucketSeries>;
}

export interface BucketSeries {
  readonly id: SeriesId;
  count: number;
}

/** Streams by the key of their name and labels. The one silent for longest is forgotten first: its next point begins it anew, as a reset. */
export class Streams {
  private readonly byKey = new Map<string, Stream>();
  private readonly max: number;

  constructor(max: number) {
    this.max = max;
  }

  get size(): number {
    return this.byKey.size;
  }

  /** The stream of a key, now the newest, or what `make` makes; its null is handed back and not kept. */
  of(key: string, make: () => Stream | null): Stream | null {
    const known = this.byKey.get(key);
    if (known !== undefined) {
      this.byKey.delete(key);
      this.byKey.set(key, known);
      return known;
    }
    const made = make();
    if (made === null) return null;
    if (this.byKey.size >= this.max) for (const oldest of this.byKey.keys()) if (this.byKey.delete(oldest)) break;
    this.byKey.set(key, made);
    return made;
  }
}

export function newStream(id: SeriesId, sumId: SeriesId): Stream {
  return { startMs: 0, timeMs: -Infinity, value: 0, count: 0, id, sumId, buckets: new Map() };
}
