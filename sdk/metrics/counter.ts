import type { PluginContext } from "../context.ts";
import type { Labels, SeriesId } from "../series.ts";
import { CounterTotal, type CounterTotalOptions } from "./counter-total.ts";
import { type Child, Family, type FamilyOptions } from "./family.ts";
import { instruments } from "./instruments.ts";
import type { RowWriter } from "./row-writer.ts";

/**
 * A total that only rises. It is 0 when it is bound, and says so at that time, so that PromQL's `increase` counts what came before the
 * first emission.
 */
export class CounterChild implements Child {
  value = 0;
  private readonly id: SeriesId;
  private readonly boundMs: number;
  private readonly options: CounterTotalOptions;
  private readings: CounterTotal | null = null;
  private said = false;

  constructor(id: SeriesId, boundMs: number, options: CounterTotalOptions) {
    this.id = id;
    this.boundMs = boundMs;
    this.options = options;
  }

  /** Amounts below 0 and NaN are passed over: a counter never falls. */
  inc(amount = 1): void {
    if (amount > 0 && amount < Infinity) this.value += amount;
  }

  /**
   * Takes an absolute reading of somebody else's counter that may begin anew or wrap around; see `CounterTotal.read`. The first one
   * is the level to begin with. Use either this or `inc`.
   */
  read(value: number | bigint, startMs: number | null = null): void {
    if (this.readings === null) this.said = true;
    this.readings ??= new CounterTotal(this.options);
    const total = this.readings.read(value, startMs);
    if (!Number.isNaN(total)) this.value = total;
  }

  /** How often the readings began anew. */
  get resets(): number {
    return this.readings?.resets ?? 0;
  }

  write(rows: RowWriter, nowMs: number): void {
    if (!this.said && this.value > 0 && this.boundMs < nowMs) rows.add(this.id, this.boundMs, 0);
    this.said = true;
    if (this.readings === null || !Number.isNaN(this.readings.total)) rows.add(this.id, nowMs, this.value);
  }
}

export interface CounterOptions extends FamilyOptions, CounterTotalOptions {}

export class Counter extends Family<CounterChild> {
  private readonly options: CounterTotalOptions;

  constructor(ctx: PluginContext, name: string, options: CounterOptions) {
    super(ctx, name, options);
    this.options = options;
  }

  inc(amount = 1, labels?: Labels): void {
    this.child(labels).inc(amount);
  }

  protected bind(labels: Labels): CounterChild {
    return new CounterChild(this.ctx.series(this.name, labels), this.ctx.clock.now(), this.options);
  }
}

/** A counter that the manifest declares. Throws `metric_invalid` for a second instrument of the name. */
export function counter(ctx: PluginContext, name: string, options: CounterOptions = {}): Counter {
  return instruments(ctx).add(new Counter(ctx, name, options));
}
