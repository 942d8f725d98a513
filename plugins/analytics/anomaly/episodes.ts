const KEPT = 24;
const MEMORY_MS = 14 * 86_400_000;
/** Episodes closer than this are one occasion: five compiler runs in a row are one thing to get used to. */
const SAME_OCCASION_MS = 3_600_000;

export type Direction = 1 | -1;

export interface Episode {
  readonly direction: Direction;
  readonly startMs: number;
  endMs: number;
  /** The value furthest out. */
  peak: number;
  /** Longest stay of the occasion. */
  longestMs: number;
}

/** The times a series was outside its band, bounded; so that what recurs is told more quietly, then not at all. */
export class Episodes {
  list: Episode[] = [];

  remember(direction: Direction, startMs: number, endMs: number, peak: number): void {
    const last = this.list.findLast((episode) => episode.direction === direction);
    if (last && startMs - last.endMs < SAME_OCCASION_MS) {
      last.endMs = endMs;
      last.peak = direction > 0 ? Math.max(last.peak, peak) : Math.min(last.peak, peak);
      last.longestMs = Math.max(last.longestMs, endMs - startMs);
      return;
    }
    this.list.push({ direction, startMs, endMs, peak, longestMs: endMs - startMs });
    if (this.list.length > KEPT) this.list.shift();
  }

  /** Occasions in memory that went at least this far out, within a tolerance, and the longest stay among them. */
  like(direction: Direction, value: number, tolerance: number, nowMs: number): { count: number; longestMs: number } {
    let count = 0;
    let longestMs = 0;
    for (const episode of this.list) {
      if (episode.direction !== direction || nowMs - episode.endMs > MEMORY_MS) continue;
      if (direction > 0 ? episode.peak < value - tolerance : episode.peak > value + tolerance) continue;
      count++;
      longestMs = Math.max(longestMs, episode.longestMs);
    }
    return { count, longestMs };
  }
}
