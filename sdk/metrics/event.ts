import type { PluginContext } from "../context.ts";
import type { Labels, SeriesId } from "../series.ts";
import { type Child, Family, type FamilyOptions } from "./family.ts";
import { type Instrument, instruments } from "./instruments.ts";
import type { RowWriter } from "./row-writer.ts";

/** Distinct milliseconds that wait for the next emission; what comes beyond is in the total only, and counted. */
const WAITING_MAX = 1024;

/**
 * Something that happens. The series `x` has a sample at the very times of the events, with their magnitude (1 unless said); events
 * of one millisecond are one sample with the sum, since a series has one value a time. So `sum_over_time(x[1h])` says how much
 * happened, `count_over_time(x[1h])` at how many times, `timestamp(x)` when it was last. Beside it `x_total` counts on, from 0 at the
 * time of binding: for `rate(x_total[5m])`, alerts, and whatever needs a value at every time.
 */
export class EventChild implements Child {
  /** Events that have no sample of their own because too many came between two emissions. */
  dropped = 0;
  private readonly ctx: PluginContext;
  private readonly id: SeriesId;
  private readonly totalId: SeriesId;
  private readonly boundMs: number;
  private readonly times = new Float64Array(WAITING_MAX);
  private readonly magnitudes = new Float64Array(WAITING_MAX);
  private waiting = 0;
  private total = 0;
  private said = false;

  constructor(ctx: PluginContext, id: SeriesId, totalId: SeriesId) {
    this.ctx = ctx;
    this.id = id;
    this.totalId = totalId;
    this.boundMs = ctx.clock.now();
  }

  /** Notes an event, of now when no time is given. Magnitudes that are not above 0 are passed over: it did not happen. */
  happened(timestampMs: number = this.ctx.clock.now(), magnitude = 1): void {
    if (!(magnitude > 0 && magnitude < Infinity)) return;
    this.total += magnitude;
    let at = this.waiting;
    while (at > 0 && this.times[at - 1] > timestampMs) at--;
    if (at > 0 && this.times[at - 1] === timestampMs) this.magnitudes[at - 1] += magnitude;
    else if (this.waiting === WAITING_MAX) this.dropped++;
    else {
      this.times.copyWithin(at + 1, at, this.waiting);
      this.magnitudes.copyWithin(at + 1, at, this.waiting);
      this.times[at] = timestampMs;
      this.magnitudes[at] = magnitude;
      this.waiting++;
    }
  }

  writePast(rows: RowWriter): void {
    for (let i = 0; i < this.waiting; i++) rows.add(this.id, Math.round(this.times[i]), this.magnitudes[i]);
    this.waiting = 0;
  }

  write(rows: RowWriter, nowMs: number): void {
    if (!this.said && this.total > 0 && this.boundMs < nowMs) rows.add(this.totalId, this.boundMs, 0);
    this.said = true;
    rows.add(this.totalId, nowMs, this.total);
  }
}

export class EventSeries extends Family<EventChild> implements Instrument {
  private readonly bound: EventChild[] = [];

  happened(timestampMs?: number, magnitude = 1, labels?: Labels): void {
    this.child(labels).happened(timestampMs, magnitude);
  }

  writePast(rows: RowWriter): void {
    for (const child of this.bound) child.writePast(rows);
  }

  protected bind(labels: Labels): EventChild {
    const { ctx, name } = this;
    const child = new EventChild(ctx, ctx.series(name, labels), ctx.series(`${name}_total`, labels));
    this.bound.push(child);
    return child;
  }
}

/** An event that the manifest declares under `name`. Throws `metric_invalid`. */
export function event(ctx: PluginContext, name: string, options: FamilyOptions = {}): EventSeries {
  return instruments(ctx).add(new EventSeries(ctx, name, options));
}
