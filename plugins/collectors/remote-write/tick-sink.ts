import { type Batch, createBatch, ensureCapacity, type SeriesId } from "all-use-agent/sdk";

/** More different times in one request than this are no ticks: what comes after goes into rows. */
const TICKS_MAX = 64;
/** A tick of fewer samples is not worth a batch of its own. */
const TICK_ROWS_MIN = 8;
/** Rows handed on at once: the pipeline copies a batch and keeps the room. */
const EMIT_ROWS_MAX = 16_384;
/** Rows that all batches together may keep between requests. */
const KEEP_ROWS = 131_072;

interface Column {
  timeMs: number;
  batch: Batch;
  /** The batch's values as words, lower first: a NaN keeps its bits. */
  words: Uint32Array;
}

function columnOf(rows: number): Column {
  const batch = createBatch(rows);
  batch.backdated = true;
  return { timeMs: 0, batch, words: new Uint32Array(batch.values.buffer) };
}

/**
 * Gathers the samples of one request, which come series by series, as what storage takes fastest: one batch a time, all its rows of
 * that time. What has no tick goes into rows. Of samples of one series at one time, the later one stays the later.
 */
export class TickSink {
  rows = 0;
  private readonly columns: Column[] = [];
  private ticks = 0;
  /** The column where the next sample of the series in hand is expected. */
  private expected = 0;
  private readonly byTime = new Map<number, Column>();
  private rest = columnOf(1024);

  begin(): void {
    this.rows = 0;
    this.ticks = 0;
    this.byTime.clear();
    this.rest.batch.length = 0;
  }

  /** The samples that follow are of another series. */
  nextSeries(): void {
    this.expected = 0;
  }

  /** A sample whose value are the eight bytes at `at`. */
  add(id: SeriesId, timeMs: number, view: DataView, at: number): void {
    this.addWords(id, timeMs, view.getUint32(at, true), view.getUint32(at + 4, true));
  }

  addWords(id: SeriesId, timeMs: number, low: number, high: number): void {
    let column: Column;
    if (this.expected < this.ticks && this.columns[this.expected].timeMs === timeMs) column = this.columns[this.expected++];
    else column = this.columnAt(timeMs);
    if (column.batch.length === column.batch.series.length) grow(column);
    const { batch, words } = column;
    const row = batch.length++;
    batch.series[row] = id;
    batch.timestamps[row] = timeMs;
    words[2 * row] = low;
    words[2 * row + 1] = high;
    this.rows++;
  }

  /** Hands everything on in ascending time. Returns how many rows were refused for their time. */
  emit(emit: (batch: Batch) => number): number {
    const ticks = this.columns.slice(0, this.ticks).sort((a, b) => a.timeMs - b.timeMs);
    let refused = 0;
    let loose = 0;
    for (const column of ticks) {
      if (column.batch.length < TICK_ROWS_MIN) loose += column.batch.length;
      else refused += emit(column.batch);
    }
    if (loose > 0) this.moveToRest(ticks, loose);
    const { batch } = this.rest;
    for (let from = 0; from < batch.length; from += EMIT_ROWS_MAX) {
      const to = Math.min(from + EMIT_ROWS_MAX, batch.length);
      refused += emit({
        length: to - from,
        backdated: true,
        series: batch.series.subarray(from, to),
        timestamps: batch.timestamps.subarray(from, to),
        values: batch.values.subarray(from, to),
      });
    }
    this.trim();
    return refused;
  }

  /** Rows of small ticks go before those that never had one: at equal times these came later. */
  private moveToRest(ticks: readonly Column[], loose: number): void {
    const old = this.rest;
    const joined = columnOf(Math.max(1024, loose + old.batch.length));
    for (const { batch } of ticks) if (batch.length < TICK_ROWS_MIN) appendRows(joined.batch, batch);
    appendRows(joined.batch, old.batch);
    this.rest = joined;
  }

  private columnAt(timeMs: number): Column {
    const known = this.byTime.get(timeMs);
    if (known !== undefined) {
      const at = this.columns.indexOf(known);
      this.expected = at < 0 ? 0 : at + 1;
      return known;
    }
    if (this.ticks === TICKS_MAX) return this.rest;
    const column = (this.columns[this.ticks] ??= columnOf(256));
    column.timeMs = timeMs;
    column.batch.length = 0;
    this.byTime.set(timeMs, column);
    this.expected = ++this.ticks;
    return column;
  }

  private trim(): void {
    let room = KEEP_ROWS - this.rest.batch.series.length;
    if (room < 0) this.rest = columnOf(1024);
    for (let i = 0; i < this.columns.length; i++) {
      room -= this.columns[i].batch.series.length;
      if (room < 0) this.columns[i] = columnOf(0);
    }
  }
}

function grow(column: Column): void {
  column.batch = ensureCapacity(column.batch, column.batch.length + 1);
  column.words = new Uint32Array(column.batch.values.buffer);
}

function appendRows(target: Batch, batch: Batch): void {
  const { length } = batch;
  target.series.set(batch.series.subarray(0, length), target.length);
  target.timestamps.set(batch.timestamps.subarray(0, length), target.length);
  target.values.set(batch.values.subarray(0, length), target.length);
  target.length += length;
}
