import { QuantileSketch } from "all-use-agent/sdk";
import type { AggregateFunction, Rule } from "./rule.ts";

/** Columns of a pane, doubles each. */
const PANE = 0;
const COUNT = 1;
const SUM = 2;
const MIN = 3;
const MAX = 4;
const MEAN = 5;
/** Sum of squared distances from the mean: Welford's, merged as Chan, Golub and LeVeque do. */
const SQUARES = 6;
const FIRST_MS = 7;
const FIRST = 8;
const LAST_MS = 9;
const LAST = 10;
/** Increases of counters, and differences of what is none; of how many pairs of samples. */
const INCREASE = 11;
const DELTA = 12;
const PAIRS = 13;
const WIDTH = 14;

/** Accuracy of quantiles, relative. */
const SKETCH = { accuracy: 0.01 };

/**
 * What was seen in slices of time as long as windows are apart: a window is one or several of them. Pane p of a group holds samples of
 * ((p − 1) · every, p · every], in a ring as long as windows may be open.
 */
export class Panes {
  /** Panes of a group. */
  readonly perGroup: number;
  private cells = new Float64Array(0);
  private readonly sketches: (QuantileSketch | undefined)[] = [];
  private readonly needsMean: boolean;
  private readonly needsSketch: boolean;
  private readonly windowSeconds: number;
  /** The window in hand: the sum of its panes. */
  private readonly window = new Float64Array(WIDTH);
  private sketch: QuantileSketch | null = null;

  constructor(rule: Rule) {
    this.perGroup = rule.windowMs / rule.everyMs + Math.ceil(rule.lateMs / rule.everyMs) + 2;
    this.needsMean = rule.uses("stddev");
    this.needsSketch = rule.uses("quantile");
    this.windowSeconds = rule.windowMs / 1000;
  }

  /** A group's panes, all empty. */
  clear(group: number): void {
    const from = group * this.perGroup * WIDTH;
    const to = from + this.perGroup * WIDTH;
    if (to > this.cells.length) {
      const larger = new Float64Array(Math.max(to, this.cells.length * 2));
      larger.set(this.cells);
      this.cells = larger;
    }
    for (let at = from; at < to; at += WIDTH) this.cells[at + PANE] = NaN;
  }

  add(group: number, pane: number, timestampMs: number, value: number): void {
    const at = this.open(group, pane);
    const { cells } = this;
    const count = ++cells[at + COUNT];
    cells[at + SUM] += value;
    if (value < cells[at + MIN]) cells[at + MIN] = value;
    if (value > cells[at + MAX]) cells[at + MAX] = value;
    if (timestampMs < cells[at + FIRST_MS]) {
      cells[at + FIRST_MS] = timestampMs;
      cells[at + FIRST] = value;
    }
    if (timestampMs >= cells[at + LAST_MS]) {
      cells[at + LAST_MS] = timestampMs;
      cells[at + LAST] = value;
    }
    if (this.needsMean) {
      const before = value - cells[at + MEAN];
      cells[at + MEAN] += before / count;
      cells[at + SQUARES] += before * (value - cells[at + MEAN]);
    }
    if (this.needsSketch) this.sketches[at / WIDTH]!.add(value);
  }

  /** Adds (times 1) or takes back (−1) what lies between two samples of a series. */
  addPair(group: number, pane: number, increase: number, delta: number, times: 1 | -1): void {
    const at = this.open(group, pane);
    this.cells[at + INCREASE] += increase * times;
    this.cells[at + DELTA] += delta * times;
    this.cells[at + PAIRS] += times;
  }

  /** Takes up the window of panes first..last. Returns whether there was anything in it. */
  gather(group: number, first: number, last: number): boolean {
    const { window, cells } = this;
    reset(window, 0, NaN);
    if (this.needsSketch) (this.sketch ??= new QuantileSketch(SKETCH)).clear();
    for (let pane = first; pane <= last; pane++) {
      const at = this.at(group, pane);
      if (cells[at + PANE] !== pane || (cells[at + COUNT] === 0 && cells[at + PAIRS] === 0)) continue;
      this.merge(cells, at);
      if (this.needsSketch) this.sketch!.merge(this.sketches[at / WIDTH]!);
    }
    return window[COUNT] > 0;
  }

  /** What a function says of the window taken up; NaN for nothing. */
  result({ kind, quantile }: AggregateFunction): number {
    const { window } = this;
    switch (kind) {
      case "sum":
        return window[SUM];
      case "avg":
        return window[SUM] / window[COUNT];
      case "min":
        return window[MIN];
      case "max":
        return window[MAX];
      case "count":
        return window[COUNT];
      case "stddev":
        return Math.sqrt(Math.max(0, window[SQUARES]) / window[COUNT]);
      case "quantile":
        return this.sketch!.quantile(quantile);
      case "first":
        return window[FIRST];
      case "last":
        return window[LAST];
      case "rate":
        return window[PAIRS] > 0 ? window[INCREASE] / this.windowSeconds : NaN;
      default:
        return window[PAIRS] > 0 ? window[DELTA] : NaN;
    }
  }

  /** A group's panes from one on, for a snapshot. Infinities, which JSON has not, are null. */
  save(group: number, first: number): unknown[] {
    const saved: unknown[] = [];
    for (let pane = first; pane < first + this.perGroup; pane++) {
      const at = this.at(group, pane);
      if (this.cells[at + PANE] !== pane) continue;
      const sketch = this.needsSketch ? Buffer.from(this.sketches[at / WIDTH]!.serialize()).toString("base64") : null;
      saved.push([
        Array.from(this.cells.subarray(at, at + WIDTH), (value) => (Number.isFinite(value) ? value : String(value))),
        sketch,
      ]);
    }
    return saved;
  }

  /** Throws for what was not saved by `save`. */
  load(group: number, saved: unknown): void {
    for (const [numbers, sketch] of saved as [unknown[], string | null][]) {
      const values = Array.from(numbers, Number);
      const pane = values[PANE];
      if (values.length !== WIDTH || !Number.isInteger(pane)) throw new Error("a pane of the snapshot is damaged");
      const at = this.open(group, pane);
      this.cells.set(values, at);
      if (this.needsSketch) this.sketches[at / WIDTH] = QuantileSketch.deserialize(Buffer.from(sketch!, "base64"));
    }
  }

  private at(group: number, pane: number): number {
    const ring = pane % this.perGroup;
    return (group * this.perGroup + (ring < 0 ? ring + this.perGroup : ring)) * WIDTH;
  }

  /** Where a pane is; what lay there before is long closed. */
  private open(group: number, pane: number): number {
    const at = this.at(group, pane);
    if (this.cells[at + PANE] === pane) return at;
    reset(this.cells, at, pane);
    if (this.needsSketch) {
      const sketch = this.sketches[at / WIDTH];
      if (sketch) sketch.clear();
      else this.sketches[at / WIDTH] = new QuantileSketch(SKETCH);
    }
    return at;
  }

  private merge(from: Float64Array, at: number): void {
    const { window } = this;
    const count = from[at + COUNT];
    const total = window[COUNT] + count;
    const apart = from[at + MEAN] - window[MEAN];
    if (count > 0) {
      window[SQUARES] += from[at + SQUARES] + (apart * apart * window[COUNT] * count) / total;
      window[MEAN] += (apart * count) / total;
    }
    window[COUNT] = total;
    window[SUM] += from[at + SUM];
    if (from[at + MIN] < window[MIN]) window[MIN] = from[at + MIN];
    if (from[at + MAX] > window[MAX]) window[MAX] = from[at + MAX];
    if (from[at + FIRST_MS] < window[FIRST_MS]) {
      window[FIRST_MS] = from[at + FIRST_MS];
      window[FIRST] = from[at + FIRST];
    }
    if (from[at + LAST_MS] >= window[LAST_MS]) {
      window[LAST_MS] = from[at + LAST_MS];
      window[LAST] = from[at + LAST];
    }
    window[INCREASE] += from[at + INCREASE];
    window[DELTA] += from[at + DELTA];
    window[PAIRS] += from[at + PAIRS];
  }
}

function reset(cells: Float64Array, at: number, pane: number): void {
  cells.fill(0, at, at + WIDTH);
  cells[at + PANE] = pane;
  cells[at + MIN] = Infinity;
  cells[at + MAX] = -Infinity;
  cells[at + FIRST_MS] = Infinity;
  cells[at + LAST_MS] = -Infinity;
}
