import { signal } from "@preact/signals";
import type { Severity } from "all-use-agent/sdk";
import {
  decimalsFor,
  formatClock,
  formatClockSeconds,
  formatInterval,
  formatNumber,
  placesFor,
  scaleFor,
  type UnitScale,
} from "../format.ts";
import { words } from "../words.ts";
import { endsOutside, isOutside } from "./band.ts";
import { type Column, Columns } from "./columns.ts";
import { MAX_LINES } from "./palette.ts";
import type { Cone, Limit, MarkedSpan, NamedSpan, Scene, Span } from "./scene.ts";
import { stillFits, timeStep, type ValueScale, valueScale } from "./scale.ts";

/** What a chart's caption says: the newest value, or the one at the cursor. */
export interface Reading {
  readonly value: string;
  readonly unit: string;
  /** "usual 10 to 34", "at 14:03, usual 10 to 34". */
  readonly note: string;
  readonly outside: boolean;
  /** One entry a drawn line, in the order of the palette. */
  readonly lines: readonly {
    readonly index: number;
    readonly name: string;
    readonly value: string;
    readonly unit: string;
    readonly outside: boolean;
  }[];
  /** Lines beyond the eight that are drawn. */
  readonly more: number;
}

export interface ChartTable {
  readonly heads: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export type ChartState = "loading" | "ready" | "empty" | "failed";

const NO_READING: Reading = { value: "", unit: "", note: "", outside: false, lines: [], more: 0 };

export interface ChartOptions {
  readonly unit: string;
  /** Hard upper end of the quantity. */
  readonly max?: number | undefined;
  readonly nameOf: (labels: Readonly<Record<string, string>>) => string;
  /** Whether a band is learnt for this chart: if so and there is none yet, the chart says so. */
  readonly learns: boolean;
  /** The newest value is said in the meaning's colour, band or not. */
  readonly alarm?: boolean;
  readonly ground: "ground" | "surface";
}

/** How far a cone may stretch the axis, as a share of what the data itself takes. */
const CONE_STRETCH = 1;

/** A chart's data and what it says. Knows nothing of canvases, elements or where the data comes from. */
export class ChartModel {
  readonly columns = new Columns();
  readonly state = signal<ChartState>("loading");
  /** Why it could not be read, in one sentence. */
  readonly failure = signal("");
  readonly reading = signal<Reading>(NO_READING);
  /** Counts up when data changed otherwise than by a tick. */
  readonly version = signal(0);
  /** Width of the plot in CSS pixels; 0 until it has been near the screen once, so that far charts do not read. */
  readonly width = signal(0);
  /** The line that carries band and cone; -1 when there are several and none is chosen. */
  readonly chosen = signal(-1);
  cone: Cone | null = null;
  windows: readonly MarkedSpan[] = [];
  /** Stretches in which something was found. */
  marks: () => readonly MarkedSpan[] = () => [];
  gaps: readonly NamedSpan[] = [];
  limits: readonly Limit[] = [];
  severity: Severity = "attention";
  private readonly options: ChartOptions;
  private scale: ValueScale | null = null;
  private unitScale: UnitScale = { factor: 1, symbol: "" };
  private decimals = 0;

  constructor(options: ChartOptions) {
    this.options = options;
  }

  get ground(): "ground" | "surface" {
    return this.options.ground;
  }

  /** To be called after data changed otherwise than by a tick. */
  changed(): void {
    this.version.value = this.version.peek() + 1;
  }

  /** The lines that are drawn: the largest by their newest value when there are more than the palette tells apart. */
  shown(): number[] {
    const { columns } = this.columns;
    const all = columns.map((_, i) => i);
    if (all.length <= MAX_LINES) return all;
    const newest = (i: number): number => {
      const value = columns[i].value[this.columns.end - 1];
      return Number.isNaN(value) ? -Infinity : value;
    };
    const largest = new Set(all.toSorted((a, b) => newest(b) - newest(a)).slice(0, MAX_LINES));
    return all.filter((i) => largest.has(i));
  }

  focus(): number {
    const { length } = this.columns.columns;
    if (length === 1) return 0;
    return this.chosen.value < length ? this.chosen.value : -1;
  }

  nameOf(index: number): string {
    return this.options.nameOf(this.columns.columns[index].labels);
  }

  /** The scene of a window, the axis fitted to it. `parts`: about how many steps the value axis has. */
  scene(window: Span, edgeMs: number, edgeWord: string, parts: number): Scene {
    const shown = this.shown();
    const focus = this.focus();
    const [min, max] = this.extent(window, edgeMs, shown, focus);
    this.fit(min, max, parts);
    const scale = this.scale!;
    const tickPlaces = placesFor(scale.step * this.unitScale.factor);
    const column = this.columns.columns[focus];
    const learning = this.options.learns && column !== undefined && !hasBand(column, this.columns.start, this.columns.end);
    return {
      ...window,
      edgeMs,
      edgeWord,
      columns: this.columns,
      shown,
      focus,
      cone: this.cone,
      scale,
      tickText: (value) => (value === 0 ? "0" : formatNumber(value * this.unitScale.factor, tickPlaces)),
      windows: this.windows,
      marks: this.marks(),
      gaps: this.gaps,
      limits: this.limits,
      severity: this.severity,
      note: learning ? words.chart.learning : "",
      ground: this.options.ground,
    };
  }

  /** Forgets the axis, so that the next scene chooses it anew. */
  refit(): void {
    this.scale = null;
  }

  private fit(min: number, max: number, parts: number): void {
    if (this.scale && stillFits(this.scale, min, max)) return;
    const magnitude = Math.max(Math.abs(min), Math.abs(max));
    this.unitScale = scaleFor(this.options.unit, Number.isFinite(magnitude) ? magnitude : 0);
    const { factor, symbol } = this.unitScale;
    const limit = this.options.max === undefined ? undefined : this.options.max * factor;
    const scaled = valueScale(min * factor, max * factor, parts, limit);
    this.scale = { low: scaled.low / factor, high: scaled.high / factor, step: scaled.step / factor };
    // A digit finer than the ticks, four significant ones at most.
    const whole = Math.max(1, Math.floor(Math.log10(Math.max(1, scaled.high))) + 1);
    const finer = scaled.step >= 1 ? Number(scaled.step < 20) : Math.ceil(1.2 - Math.log10(scaled.step));
    this.decimals = Math.max(0, Math.min(4 - whole, finer));
    if (symbol === "B" || symbol === "B/s") this.decimals = 0;
  }

  /** Least and largest of what is to be seen. */
  private extent(window: Span, edgeMs: number, shown: readonly number[], focus: number): [number, number] {
    const { x, start, end, columns } = this.columns;
    let min = Infinity;
    let max = -Infinity;
    const take = (value: number): void => {
      if (value < min) min = value;
      if (value > max) max = value;
    };
    for (let i = start; i < end; i++) {
      if (x[i] < window.fromMs || x[i] > window.toMs) continue;
      for (const index of shown) take(columns[index].value[i]);
      if (focus >= 0) {
        take(columns[focus].low[i]);
        take(columns[focus].high[i]);
      }
    }
    for (const limit of this.limits) take(limit.value);
    if (this.cone && focus >= 0 && max >= min) {
      const room = CONE_STRETCH * (max - min || Math.abs(max) * 0.1 || 1);
      const least = min >= 0 ? Math.max(0, min - room) : min - room;
      const most = Math.min(max + room, this.options.max ?? Infinity);
      for (let i = 0; i < this.cone.x.length; i++) {
        if (this.cone.x[i] < edgeMs || this.cone.x[i] > window.toMs) continue;
        take(Math.max(least, this.cone.low[i]));
        take(Math.min(most, this.cone.high[i]));
      }
    }
    return [min, max];
  }

  private number(value: number): string {
    return formatNumber(value * this.unitScale.factor, this.decimals);
  }

  /** A single value with its unit; one too small for the axis' unit is said in its own, not as nought. */
  private say(value: number): { value: string; unit: string } {
    const text = this.number(value);
    const own = scaleFor(this.options.unit, value);
    if (value === 0 || /[1-9–]/.test(text) || own.factor === this.unitScale.factor)
      return { value: text, unit: this.unitScale.symbol };
    return { value: formatNumber(value * own.factor, decimalsFor(value * own.factor)), unit: own.symbol };
  }

  /** What is usual at a row, in the axis' unit; with its own where the value beside it is said in another. */
  private usual(column: Column, row: number, unit: string): string {
    const low = column.low[row];
    const high = column.high[row];
    if (!(low <= high)) return "";
    if (unit !== this.unitScale.symbol) return words.chart.usualIn(formatInterval(low, high, this.options.unit));
    return words.chart.usual(this.number(low), this.number(high));
  }

  private outside(column: Column, row: number, newest: boolean): boolean {
    if (newest) return endsOutside(column.value, column.low, column.high, this.columns.start, this.columns.end);
    return isOutside(column.value[row], column.low[row], column.high[row]);
  }

  /** Brings `reading` up to date: at the cursor's time, or at the newest row. Call after `scene`. */
  read(atMs: number | null): void {
    const row = atMs === null ? this.columns.end - 1 : this.columns.nearest(atMs);
    if (row >= this.columns.start) this.reading.value = this.readingAt(row, atMs);
    else if (this.reading.peek() !== NO_READING) this.reading.value = NO_READING;
  }

  private readingAt(row: number, atMs: number | null): Reading {
    const { columns, x } = this.columns;
    const newest = atMs === null;
    const shown = columns.length > 1 ? this.shown() : [];
    const lines = shown.map((index) => {
      const column = columns[index];
      return { index, name: this.nameOf(index), ...this.say(column.value[row]), outside: this.outside(column, row, newest) };
    });
    const rest = { lines, more: columns.length > 1 ? columns.length - shown.length : 0 };
    const when = newest ? "" : words.chart.at(this.clock(x[row]));
    const column = columns[this.focus()];
    if (!column) return { ...rest, value: "", unit: "", note: when, outside: false };
    const ahead = newest ? -1 : this.coneRow(atMs);
    if (ahead >= 0) {
      const { cone } = this;
      const note = words.chart.expected(
        this.clock(cone!.x[ahead]),
        this.number(cone!.low[ahead]),
        this.number(cone!.high[ahead]),
      );
      return { ...rest, value: this.number(cone!.expected[ahead]), unit: this.unitScale.symbol, note, outside: false };
    }
    const said = this.say(column.value[row]);
    const note = [when, this.usual(column, row, said.unit)].filter(Boolean).join(", ");
    return { ...rest, ...said, note, outside: this.outside(column, row, newest) || (newest && this.options.alarm === true) };
  }

  private clock(ms: number): string {
    return this.columns.stepMs < 60_000 ? formatClockSeconds(ms) : formatClock(ms);
  }

  /** The cone's row at a time beyond the last measured one; -1 elsewhere. */
  private coneRow(atMs: number): number {
    const { cone } = this;
    const lastMs = this.columns.lastMs;
    if (!cone || this.focus() < 0 || lastMs === null || atMs <= lastMs) return -1;
    let best = -1;
    for (let i = 0; i < cone.x.length; i++) {
      if (cone.x[i] <= lastMs) continue;
      if (best < 0 || Math.abs(cone.x[i] - atMs) < Math.abs(cone.x[best] - atMs)) best = i;
    }
    return best >= 0 && atMs - cone.x[best] <= (cone.x[1] - cone.x[0] || 0) ? best : -1;
  }

  /** Value under the cursor's dot, or null where the line has none. */
  valueAt(atMs: number): number | null {
    const column = this.columns.columns[this.focus()];
    if (!column) return null;
    const ahead = this.coneRow(atMs);
    if (ahead >= 0) return this.cone!.expected[ahead];
    const row = this.columns.nearest(atMs);
    return row < 0 || Math.abs(this.columns.x[row] - atMs) > 3 * this.columns.stepMs ? null : column.value[row];
  }

  /** The time one point on from `fromMs`, `by` rows; walks out of the measured part into the cone. */
  step(fromMs: number | null, by: number): number | null {
    const { columns, cone } = this;
    if (columns.length === 0) return null;
    if (fromMs === null) return columns.lastMs;
    const ahead = this.coneRow(fromMs);
    const measured = columns.end - columns.start;
    const first = cone && this.focus() >= 0 ? cone.x.findIndex((ms) => ms > columns.lastMs!) : -1;
    const future = first < 0 ? 0 : cone!.x.length - first;
    const here = ahead >= 0 ? measured + ahead - first : columns.nearest(fromMs) - columns.start;
    const next = Math.min(measured + future - 1, Math.max(0, here + by));
    return next < measured ? columns.x[columns.start + next] : cone!.x[first + next - measured];
  }

  /** What is read aloud: the caption's sentence, or each line's value where there are several. */
  spoken(): string {
    const { value, unit, note, lines } = this.reading.value;
    if (value) return `${value} ${unit} ${note}`.trim();
    return [note, ...lines.map((line) => `${line.name} ${line.value} ${line.unit}`.trim())].filter(Boolean).join(", ");
  }

  /** The window as rows at round times, newest first. */
  table(window: Span, maxRows: number): ChartTable {
    const { columns } = this;
    const stepMs = Math.max(columns.stepMs, timeStep(window.fromMs, window.toMs, maxRows));
    const focus = this.focus();
    const one = columns.columns[focus];
    const unit = this.unitScale.symbol;
    const named = (name: string): string => (unit ? `${name}, ${unit}` : name);
    const shown = columns.columns.map((_, i) => i);
    const heads = one
      ? [words.table.time, named(words.table.value), words.table.usualFrom, words.table.usualTo]
      : [words.table.time, ...shown.map((i) => named(this.nameOf(i)))];
    const rows: string[][] = [];
    for (let ms = Math.floor(Math.min(window.toMs, columns.lastMs ?? 0) / stepMs) * stepMs; ms >= window.fromMs; ms -= stepMs) {
      const row = columns.nearest(ms);
      if (row < 0 || Math.abs(columns.x[row] - ms) > stepMs / 2) continue;
      const time = this.clock(ms);
      if (one) rows.push([time, this.number(one.value[row]), this.number(one.low[row]), this.number(one.high[row])]);
      else rows.push([time, ...shown.map((i) => this.number(columns.columns[i].value[row]))]);
    }
    return { heads, rows };
  }
}

function hasBand(column: Column, start: number, end: number): boolean {
  for (let i = end - 1; i >= start; i--) if (column.low[i] <= column.high[i]) return true;
  return false;
}
