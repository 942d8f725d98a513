import {
  type Batch,
  createBatch,
  ensureCapacity,
  type Labels,
  type MetricInfo,
  type PluginContext,
  type SeriesId,
} from "all-use-agent/sdk";
import { CounterEntry, DistributionEntry, type Entry, GaugeEntry, SetEntry } from "./entry.ts";

const HELP = "Sent over StatsD.";
const COUNTER: MetricInfo = { type: "counter", help: HELP };
const GAUGE: MetricInfo = { type: "gauge", help: HELP };
const SUMMARY: MetricInfo = { type: "summary", help: HELP };

/** Makes rows of what came, with the series' numbers kept. */
export class Rows {
  batch: Batch = createBatch(256);
  private readonly ctx: Pick<PluginContext, "series">;
  private readonly quantiles: readonly number[];
  private readonly ids = new WeakMap<Entry, readonly SeriesId[]>();
  private readonly owned = new Map<string, SeriesId>();
  private nowMs = 0;

  constructor(ctx: Pick<PluginContext, "series">, quantiles: readonly number[]) {
    this.ctx = ctx;
    this.quantiles = quantiles;
  }

  begin(nowMs: number): void {
    this.nowMs = nowMs;
    this.batch.length = 0;
  }

  /** An interval's quantiles and members end with it. */
  entry(entry: Entry): void {
    let ids = this.ids.get(entry);
    if (ids === undefined) this.ids.set(entry, (ids = this.idsOf(entry)));
    if (entry instanceof CounterEntry) this.row(ids[0], entry.total);
    else if (entry instanceof GaugeEntry) this.row(ids[0], entry.value);
    else if (entry instanceof SetEntry) {
      this.row(ids[0], entry.members.size);
      entry.members.clear();
    } else if (entry instanceof DistributionEntry) {
      this.row(ids[0], entry.count);
      this.row(ids[1], entry.sum);
      if (entry.sketch.count === 0) return;
      this.quantiles.forEach((quantile, i) => this.row(ids[2 + i], entry.sketch.quantile(quantile)));
      entry.sketch.clear();
    }
  }

  own(values: Readonly<Record<string, number>>): void {
    for (const [name, value] of Object.entries(values)) this.row(this.ownId(name, {}), value);
  }

  dropped(reason: string, count: number): void {
    this.row(this.ownId("alluse_statsd_dropped_total", { reason }), count);
  }

  private ownId(name: string, labels: Labels): SeriesId {
    const key = name + JSON.stringify(labels);
    let id = this.owned.get(key);
    if (id === undefined) this.owned.set(key, (id = this.ctx.series(name, labels)));
    return id;
  }

  private idsOf(entry: Entry): SeriesId[] {
    const { name, labels } = entry;
    if (entry instanceof CounterEntry) return [this.ctx.series(name, labels, COUNTER)];
    if (!(entry instanceof DistributionEntry)) return [this.ctx.series(name, labels, GAUGE)];
    return [
      this.ctx.series(`${name}_count`, labels, SUMMARY),
      this.ctx.series(`${name}_sum`, labels, SUMMARY),
      ...this.quantiles.map((quantile) => this.ctx.series(name, { ...labels, quantile: String(quantile) }, SUMMARY)),
    ];
  }

  private row(id: SeriesId, value: number): void {
    this.batch = ensureCapacity(this.batch, this.batch.length + 1);
    const row = this.batch.length++;
    this.batch.series[row] = id;
    this.batch.timestamps[row] = this.nowMs;
    this.batch.values[row] = value;
  }
}
