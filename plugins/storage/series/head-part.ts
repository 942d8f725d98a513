import { wordsOf } from "./samples.ts";

/**
 * The samples of one log segment in memory, kept as they came: a tick's values in a row with a list of series that ticks
 * share, anything else as rows of series, time and value. Rows lie in shared memory, so that the sealing worker reads them
 * without a copy while queries go on.
 */

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

function createArena(rows: number, loose: boolean): Arena {
  const values = new Float64Array(new SharedArrayBuffer(rows * 8));
  return {
    values,
    words: wordsOf(values),
    ids: loose ? new Uint32Array(new SharedArrayBuffer(rows * 4)) : null,
    timestamps: loose ? new Float64Array(new SharedArrayBuffer(rows * 8)) : null,
    used: 0,
  };
}

export class HeadPart {
  readonly segment: number;
  readonly entries: Entry[] = [];
  samples = 0;
  minTime = Infinity;
  maxTime = -Infinity;
  /** Entries came in ascending time: walking back meets each series' newest sample first. */
  inOrder = true;
  private tickArena: Arena | null = null;
  private looseArena: Arena | null = null;

  constructor(segment: number) {
    this.segment = segment;
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
      arena = createArena(Math.max(ARENA_ROWS, count), false);
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
      arena = createArena(Math.max(ARENA_ROWS, count), true);
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
