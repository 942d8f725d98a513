import type { PluginContext } from "../context.ts";
import type { Labels, SeriesId } from "../series.ts";
import { type Child, Family, type FamilyOptions } from "./family.ts";
import { instruments } from "./instruments.ts";
import type { RowWriter } from "./row-writer.ts";

/** A value that goes up and down. Nothing is emitted before it is set, or after NaN was. */
export class GaugeChild implements Child {
  value = NaN;
  private readonly id: SeriesId;

  constructor(id: SeriesId) {
    this.id = id;
  }

  set(value: number): void {
    this.value = value;
  }

  add(amount: number): void {
    this.value = (Number.isNaN(this.value) ? 0 : this.value) + amount;
  }

  write(rows: RowWriter, nowMs: number): void {
    if (Number.isFinite(this.value)) rows.add(this.id, nowMs, this.value);
  }
}

export class Gauge extends Family<GaugeChild> {
  set(value: number, labels?: Labels): void {
    this.child(labels).set(value);
  }

  add(amount: number, labels?: Labels): void {
    this.child(labels).add(amount);
  }

  protected bind(labels: Labels): GaugeChild {
    return new GaugeChild(this.ctx.series(this.name, labels));
  }
}

/** A gauge that the manifest declares. Throws `metric_invalid` for a second instrument of the name. */
export function gauge(ctx: PluginContext, name: string, options: FamilyOptions = {}): Gauge {
  return instruments(ctx).add(new Gauge(ctx, name, options));
}
