import { wordsOf } from "./samples.ts";

/** Values an arena holds: 512 KB, of which only what is used becomes resident. */
const ARENA_ROWS = 65_536;

/** A list of series that ticks share. */
export interface SeriesList {
  /** Numbers in the series table, in the order of the values. */
  readonly ids: Uint32Array;
}

export interface Arena {
  readonly values: Float64Array;
  /** The values as 32-bit words: single ones are moved by these, since a double that passes through the engine's hands may
   * come out with another NaN payload. */
  readonly words: Uint32Array;
  /** null in arenas of ticks. */
  readonly ids: Uint32Array | null;
  readonly timestamps: Float64Array | null;
  used: number;
}

/** A run of rows in an arena. With a list: one tick at `minTime`. Without: loose rows. */
export interface Entry {
  readonly list: SeriesList | null;
  readonly arena: Arena;
  readonly offset: number;
  count: number;
  minTime: number;
  maxTime: number;
}

/** Arenas of ticks kept for the next part: what ten minutes of 900 samples a second take. More would be memory held for nothing. */
const SPARE_ARENAS_MAX = 9;

/**
 * Arenas of parts that have become blocks, for further parts. The collector would free them late: it sees small objects and
 * not the half megabyte behind each.
 */
export class ArenaPool {
  private readonly spare: Arena[] = [];

  take(rows: number, loose: boolean): Arena {
    const reused = loose || rows > ARENA_ROWS ? undefined : this.spare.pop();
    if (reused) return reused;
    const values = new Float64Array(rows);
    return {
      values,
      words: wordsOf(values),
      ids: loose ? new Uint32Array(rows) : null,
      timestamps: loose ? new Float64Array(rows) : null,
      used: 0,
    };
  }

  /** The part must not be read any more. */
  give(part: HeadPart): void {
    const arenas = new Set(part.entries.map((entry) => entry.arena));
    for (const arena of arenas) {
      if (arena.ids !== null || arena.values.length !== ARENA_ROWS || this.spare.length >= SPARE_ARENAS_MAX) continue;
      arena.used = 0;
      this.spare.push(arena);
    }
  }
}

/**
 * The samples of one log segment in memory, kept as they came: a tick's values in a row with a list of series that ticks
 * share, anything else as rows of series, time and value.
 */
export class HeadPart {
  readonly segment: number;
  readonly entries: Entry[] = [];
  samples = 0;
  minTime = Infinity;
  maxTime = -Infinity;
  /** Entries came in ascending time: walking back meets each series' newest sample first. */
  inOrder = true;
  private readonly pool: ArenaPool;
  private tickArena: Arena | null = null;
  private looseArena: Arena | null = null;

  constructor(segment: number, pool = new ArenaPool()) {
    this.segment = segment;
    this.pool = pool;
  }

  private grown(minTime: number, maxTime: number, count: number): void {
    if (minTime < this.maxTime) this.inOrder = false;
    if (minTime < this.minTime) this.minTime = minTime;
    if (maxTime > this.maxTime) this.maxTime = maxTime;
    this.samples += count;
  }

  /** Copies the first `list.ids.length` values. */
  appendTick(list: SeriesList, timestamp: number, values: Float64Array): void {
    const count = list.ids.length;
    let arena = this.tickArena;
    if (arena === null || arena.used + count > arena.values.length) {
      arena = this.pool.take(Math.max(ARENA_ROWS, count), false);
      this.tickArena = arena;
    }
    arena.values.set(values.length === count ? values : values.subarray(0, count), arena.used);
    this.entries.push({ list, arena, offset: arena.used, count, minTime: timestamp, maxTime: timestamp });
    arena.used += count;
    this.grown(timestamp, timestamp, count);
  }

  /** Copies the first `count` rows. */
  appendRows(ids: Uint32Array, timestamps: Float64Array, values: Float64Array, count: number): void {
    let arena = this.looseArena;
    if (arena === null || arena.used + count > arena.values.length) {
      arena = this.pool.take(Math.max(ARENA_ROWS, count), true);
      this.looseArena = arena;
    }
    arena.values.set(values.subarray(0, count), arena.used);
    (arena.ids as Uint32Array).set(ids.subarray(0, count), arena.used);
    (arena.timestamps as Float64Array).set(timestamps.subarray(0, count), arena.used);
    let minTime = timestamps[0];
    let maxTime = minTime;
    for (let i = 1; i < count; i++) {
      if (timestamps[i] < minTime) minTime = timestamps[i];
      else if (timestamps[i] > maxTime) maxTime = timestamps[i];
    }
    this.entries.push({ list: null, arena, offset: arena.used, count, minTime, maxTime });
    arena.used += count;
    this.grown(minTime, maxTime, count);
    // Within the rows themselves nothing is known of their order.
    this.inOrder = false;
  }
}
