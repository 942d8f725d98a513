import type { Batch } from "all-use-agent/sdk";
import { type ArenaPool, HeadPart } from "./head-part.ts";
import type { Log, LoggedList } from "./log.ts";
import { wordsOf } from "./samples.ts";
import type { SeriesTable } from "./series-table.ts";

/** Lists of series that recent ticks had. More than so many at once means that ticks do not repeat: start afresh. */
const LISTS_MAX = 256;
/** Clocks of writers may be ahead by this much. */
const AHEAD_MAX_MS = 10 * 60_000;
/** Year 19,809: differences of differences of such times are still exact in doubles. */
const TIME_MAX = 2 ** 49;
/** Memory's bound: some 32 MB of ticks, 80 MB of loose rows. */
export const HEAD_SAMPLES_MAX = 4_000_000;

interface KnownList {
  readonly runtime: Uint8Array;
  readonly list: LoggedList;
}

export interface IngestLimits {
  /** Older samples are refused; Infinity: none. */
  readonly maxAgeMs: number;
}

/** Takes batches into the head's newest part and the log. */
export class Ingest {
  part: HeadPart;
  appended = 0;
  droppedUndefined = 0;
  droppedTime = 0;
  droppedFull = 0;
  private readonly table: SeriesTable;
  private readonly log: Log;
  private readonly limits: IngestLimits;
  private readonly arenas: ArenaPool;
  private readonly lists = new Map<number, KnownList>();
  private ids = new Uint32Array(1024);
  private timestamps = new Float64Array(1024);
  private values = new Float64Array(1024);

  constructor(table: SeriesTable, log: Log, segment: number, limits: IngestLimits, arenas: ArenaPool) {
    this.table = table;
    this.log = log;
    this.limits = limits;
    this.arenas = arenas;
    this.part = new HeadPart(segment, arenas);
  }

  /** `headSamples`: in memory in all parts. Returns how many rows were refused for their time, -1 when all were for want of room. */
  append(batch: Batch, nowMs: number, headSamples: number): number {
    const count = batch.length;
    if (count === 0) return 0;
    if (this.log.writer.full || headSamples + count > HEAD_SAMPLES_MAX) {
      this.droppedFull += count;
      return -1;
    }
    const { series, timestamps, values } = batch;
    const oldest = this.limits.maxAgeMs === Infinity ? -TIME_MAX : nowMs - this.limits.maxAgeMs;
    const newest = this.limits.maxAgeMs === Infinity ? TIME_MAX : nowMs + AHEAD_MAX_MS;
    const time = timestamps[0];
    let same = 1;
    while (same < count && timestamps[same] === time) same++;
    if (same === count && time >= oldest && time <= newest && Number.isInteger(time)) {
      const list = this.listOf(series, count);
      if (list !== null) {
        this.part.appendTick(list, time, values);
        this.log.tick(list, time, values);
        this.appended += count;
        return 0;
      }
    }
    const droppedBefore = this.droppedTime;
    this.appendRows(batch, oldest, newest);
    return this.droppedTime - droppedBefore;
  }

  /** The list with these runtime numbers, or null when one of them is undefined. */
  private listOf(series: Uint32Array, count: number): LoggedList | null {
    const bytes = new Uint8Array(series.buffer, series.byteOffset, count * 4);
    const key = ((count * 31 + series[0]) * 31 + series[count >> 1]) * 31 + series[count - 1];
    const known = this.lists.get(key);
    if (known && Buffer.compare(known.runtime, bytes) === 0) return known.list;
    const ids = new Uint32Array(count);
    for (let i = 0; i < count; i++) {
      const number = this.table.numberOf(series[i]);
      if (number < 0) return null;
      ids[i] = number;
    }
    if (this.lists.size >= LISTS_MAX) this.lists.clear();
    const list = { ids, segment: -1, number: 0 };
    this.lists.set(key, { runtime: bytes.slice(), list });
    return list;
  }

  /** Further samples go to a part of their own. */
  startPart(segment: number): void {
    this.part = new HeadPart(segment, this.arenas);
  }

  /** Series numbers were given to others: lists of them mean nothing now. */
  forget(): void {
    this.lists.clear();
    this.log.forget();
  }

  private appendRows(batch: Batch, oldest: number, newest: number): void {
    const { series, timestamps, values } = batch;
    if (batch.length > this.ids.length) {
      this.ids = new Uint32Array(batch.length);
      this.timestamps = new Float64Array(batch.length);
      this.values = new Float64Array(batch.length);
    }
    const from = wordsOf(values);
    const to = wordsOf(this.values);
    let count = 0;
    for (let i = 0; i < batch.length; i++) {
      const time = timestamps[i];
      if (!(time >= oldest && time <= newest && Number.isInteger(time))) {
        this.droppedTime++;
        continue;
      }
      const number = this.table.numberOf(series[i]);
      if (number < 0) {
        this.droppedUndefined++;
        continue;
      }
      this.ids[count] = number;
      this.timestamps[count] = time;
      to[2 * count] = from[2 * i];
      to[2 * count + 1] = from[2 * i + 1];
      count++;
    }
    if (count === 0) return;
    this.part.appendRows(this.ids, this.timestamps, this.values, count);
    this.log.rows(this.ids, this.timestamps, this.values, count);
    this.appended += count;
  }
}
