import type { PluginContext } from "../context.ts";
import { AgentError } from "../errors.ts";
import type { Labels, SeriesId } from "../series.ts";
import { boundText } from "./exponential-buckets.ts";
import { type Child, Family, type FamilyOptions } from "./family.ts";
import { instruments } from "./instruments.ts";
import { QuantileSketch, type QuantileSketchOptions } from "./quantile-sketch.ts";
import type { RowWriter } from "./row-writer.ts";

const QUANTILES = [0.5, 0.9, 0.99];
const WINDOW_MS = 60_000;
const SLICES = 5;

export interface SummaryOptions extends FamilyOptions, QuantileSketchOptions {
  /** Shares of 0..1; the median, 0.9 and 0.99 when absent. */
  readonly quantiles?: readonly number[];
  /** The quantiles are of the observations of the last so many milliseconds, give or take a fifth; a minute when absent. */
  readonly windowMs?: number;
}

/** `{quantile}` of a sliding window, `_sum` and `_count` since the start. Quantiles of no observation are left out. */
export class SummaryChild implements Child {
  private readonly ctx: PluginContext;
  private readonly options: Required<Pick<SummaryOptions, "quantiles" | "windowMs">> & QuantileSketchOptions;
  /** A fifth of the window each, the newest at `slice`. */
  private readonly slices: QuantileSketch[];
  private slice = 0;
  private sliceNumber = -1;
  private readonly quantileIds: readonly SeriesId[];
  private readonly sumId: SeriesId;
  private readonly countId: SeriesId;
  private readonly boundMs: number;
  private sum = 0;
  private count = 0;
  private said = false;

  constructor(ctx: PluginContext, name: string, labels: Labels, options: SummaryChild["options"]) {
    this.ctx = ctx;
    this.options = options;
    this.slices = Array.from({ length: SLICES }, () => new QuantileSketch(options));
    this.quantileIds = options.quantiles.map((quantile) => ctx.series(name, { ...labels, quantile: boundText(quantile) }));
    this.sumId = ctx.series(`${name}_sum`, labels);
    this.countId = ctx.series(`${name}_count`, labels);
    this.boundMs = ctx.clock.now();
  }

  /** Counts a value; NaN is passed over. Allocates nothing once its range of values is known. */
  observe(value: number): void {
    if (value !== value) return;
    this.turn();
    this.slices[this.slice].add(value);
    this.sum += value;
    this.count++;
  }

  /** The window's sketch: a copy, to be merged or kept (`serialize`). */
  sketch(): QuantileSketch {
    this.turn();
    const all = new QuantileSketch(this.options);
    for (const slice of this.slices) if (slice.count > 0) all.merge(slice);
    return all;
  }

  write(rows: RowWriter, nowMs: number): void {
    if (!this.said && this.count > 0 && this.boundMs < nowMs)
      for (const id of [this.sumId, this.countId]) rows.add(id, this.boundMs, 0);
    this.said = true;
    const sketch = this.sketch();
    if (sketch.count > 0) this.quantileIds.forEach((id, i) => rows.add(id, nowMs, sketch.quantile(this.options.quantiles[i])));
    rows.add(this.sumId, nowMs, this.sum);
    rows.add(this.countId, nowMs, this.count);
  }

  /** Time is the monotonic one: setting the clock neither empties the window nor freezes it. */
  private turn(): void {
    const number = Math.floor((this.ctx.clock.monotonic() * SLICES) / this.options.windowMs);
    if (number === this.sliceNumber) return;
    const passed = Math.min(SLICES, number - this.sliceNumber);
    for (let i = 0; i < passed; i++) {
      this.slice = (this.slice + 1) % SLICES;
      this.slices[this.slice].clear();
    }
    this.sliceNumber = number;
  }
}

export class Summary extends Family<SummaryChild> {
  private readonly options: SummaryChild["options"];

  constructor(ctx: PluginContext, name: string, options: SummaryOptions) {
    super(ctx, name, options);
    const { quantiles = QUANTILES, windowMs = WINDOW_MS } = options;
    if (!quantiles.every((quantile) => quantile >= 0 && quantile <= 1))
      throw new AgentError("metric_invalid", `${name} has a quantile outside 0..1`);
    if (!(windowMs >= SLICES && windowMs < Infinity))
      throw new AgentError("metric_invalid", `${name} needs a window of at least ${SLICES} ms, not ${windowMs}`);
    this.options = { ...options, quantiles, windowMs };
  }

  observe(value: number, labels?: Labels): void {
    this.child(labels).observe(value);
  }

  protected bind(labels: Labels): SummaryChild {
    if (Object.hasOwn(labels, "quantile"))
      throw new AgentError("label_invalid", `${this.name} is a summary: its label quantile is taken`);
    return new SummaryChild(this.ctx, this.name, labels, this.options);
  }
}

/** A summary that the manifest declares under `name`. Throws `metric_invalid`. */
export function summary(ctx: PluginContext, name: string, options: SummaryOptions = {}): Summary {
  return instruments(ctx).add(new Summary(ctx, name, options));
}
