import type { MatrixSeries } from "../state/api.ts";

/** One line of a chart: what was measured and, where it is known, what is usual. Rows without a value hold NaN. */
export interface Column {
  /** Identity: the labels beside name and panel. */
  readonly key: string;
  readonly labels: Readonly<Record<string, string>>;
  value: Float64Array;
  low: Float64Array;
  high: Float64Array;
}

/** A tick's row, as in the stream. */
export interface TickRow {
  readonly labels: Readonly<Record<string, string>>;
  readonly timestampMs: number;
  readonly value: number;
  readonly low: number | null;
  readonly high: number | null;
}

/** A series of an answer, and which part of a line it is. */
export interface LoadedSeries extends MatrixSeries {
  readonly part: "value" | "low" | "high";
}

/** Identity of a line within its chart: labels sorted, without the metric's name and the panel's. */
export function keyOf(labels: Readonly<Record<string, string>>): string {
  const names = Object.keys(labels).filter((name) => name !== "__name__" && name !== "panel");
  return JSON.stringify(names.toSorted().map((name) => [name, labels[name]]));
}

/** After how long without a sample a line is torn: one and a half steps, and never for the jitter of a second's tick. */
export const gapAfterMs = (stepMs: number): number => Math.max(1.5 * stepMs, stepMs + 2500);

/** Rows kept beyond the window before the front is cut off in one move. */
const SLACK = 600;

/**
 * A chart's data as columns over one ascending time: rows `start` to `end` (exclusive) are valid. History fills it, ticks
 * extend it in place; nothing is allocated per tick. Bounded: rows left of the window are dropped.
 */
export class Columns {
  /** Unix ms. */
  x: Float64Array = new Float64Array(0);
  columns: Column[] = [];
  start = 0;
  end = 0;
  stepMs = 1000;

  get length(): number {
    return this.end - this.start;
  }

  /** The last row's time, or null without rows. */
  get lastMs(): number | null {
    return this.end > this.start ? this.x[this.end - 1] : null;
  }

  /** Replaces everything by answers on the grid `fromMs + n * stepMs`. */
  load(series: readonly LoadedSeries[], fromMs: number, toMs: number, stepMs: number): void {
    const rows = Math.floor((toMs - fromMs) / stepMs) + 1;
    const capacity = rows + SLACK;
    const x = new Float64Array(capacity);
    for (let i = 0; i < rows; i++) x[i] = fromMs + i * stepMs;
    const byKey = new Map<string, Column>();
    let first = rows;
    let last = -1;
    for (const one of series) {
      const { part } = one;
      const key = keyOf(one.metric);
      let column = byKey.get(key);
      if (!column) byKey.set(key, (column = emptyColumn(key, one.metric, capacity)));
      const target = column[part];
      for (const [seconds, text] of one.values) {
        const row = Math.round((seconds * 1000 - fromMs) / stepMs);
        if (row < 0 || row >= rows) continue;
        target[row] = Number(text);
        if (part !== "value") continue;
        if (row < first) first = row;
        if (row > last) last = row;
      }
    }
    this.x = x;
    // A band without a line is about a series that has gone.
    this.columns = [...byKey.values()].filter((column) => column.value.some((value) => value === value));
    this.columns.sort((a, b) => (a.key < b.key ? -1 : 1));
    this.stepMs = stepMs;
    this.start = Math.min(first, last + 1);
    this.end = last + 1;
  }

  /**
   * Takes a tick's rows of this chart. Within one step the newest replaces the one before, as the range query's grid does.
   * Older than what is there: ignored. A pause longer than `gapAfterMs` tears the line.
   */
  push(rows: readonly TickRow[]): void {
    if (rows.length === 0) return;
    let timeMs = rows[0].timestampMs;
    for (const row of rows) if (row.timestampMs > timeMs) timeMs = row.timestampMs;
    const last = this.lastMs;
    if (last !== null && timeMs < last) return;
    const sameStep = last !== null && Math.ceil(timeMs / this.stepMs) === Math.ceil(last / this.stepMs);
    if (last !== null && timeMs - last > gapAfterMs(this.stepMs)) this.addRow(last + this.stepMs);
    const at = sameStep ? this.end - 1 : this.addRow(timeMs);
    this.x[at] = timeMs;
    for (const row of rows) {
      const column = this.columnOf(row.labels);
      column.value[at] = row.value;
      column.low[at] = row.low ?? NaN;
      column.high[at] = row.high ?? NaN;
    }
  }

  /** Forgets rows before `fromMs`, but for one so that the line comes in from the edge. */
  trim(fromMs: number): void {
    while (this.end - this.start > 2 && this.x[this.start + 1] < fromMs) this.start++;
  }

  /** The row whose time is nearest, or -1 without rows. */
  nearest(timeMs: number): number {
    if (this.length === 0) return -1;
    let low = this.start;
    let high = this.end - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.x[middle] < timeMs) low = middle + 1;
      else high = middle;
    }
    return low > this.start && timeMs - this.x[low - 1] <= this.x[low] - timeMs ? low - 1 : low;
  }

  private columnOf(labels: Readonly<Record<string, string>>): Column {
    const key = keyOf(labels);
    let column = this.columns.find((one) => one.key === key);
    if (!column) {
      column = emptyColumn(key, labels, this.x.length);
      this.columns.push(column);
    }
    return column;
  }

  /** Adds a row without values; its index. */
  private addRow(timeMs: number): number {
    if (this.end === this.x.length) this.makeRoom();
    const at = this.end++;
    this.x[at] = timeMs;
    for (const column of this.columns) column.value[at] = column.low[at] = column.high[at] = NaN;
    return at;
  }

  /** Moves the valid rows to the front; only when they fill more than half of it, into arrays twice the size. */
  private makeRoom(): void {
    const length = this.length;
    const capacity = length + SLACK > this.x.length ? 2 * length + SLACK : this.x.length;
    const move = (from: Float64Array): Float64Array => {
      if (capacity === from.length) return from.copyWithin(0, this.start, this.end);
      const to = new Float64Array(capacity).fill(NaN);
      to.set(from.subarray(this.start, this.end));
      return to;
    };
    this.x = move(this.x);
    for (const column of this.columns) {
      column.value = move(column.value);
      column.low = move(column.low);
      column.high = move(column.high);
    }
    this.start = 0;
    this.end = length;
  }
}

function emptyColumn(key: string, metric: Readonly<Record<string, string>>, capacity: number): Column {
  const labels = Object.fromEntries(Object.entries(metric).filter(([name]) => name !== "__name__" && name !== "panel"));
  const nan = (): Float64Array => new Float64Array(capacity).fill(NaN);
  return { key, labels, value: nan(), low: nan(), high: nan() };
}
