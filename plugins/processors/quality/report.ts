import { type Batch, createBatch, ensureCapacity, type Labels, type PluginContext, type SeriesId } from "all-use-agent/sdk";
import type { Score, Source } from "./sources.ts";

const COMPONENTS = ["completeness", "validity", "uniqueness", "order"] as const;

/** Emits what was counted and found. Series are asked for once. */
export class Report {
  private readonly ctx: PluginContext;
  private readonly ids = new Map<unknown, SeriesId[]>();
  private batch: Batch = createBatch(32);

  constructor(ctx: PluginContext) {
    this.ctx = ctx;
  }

  /** One sample a name: `metric{label=name}`. */
  counts(metric: string, label: string, names: readonly string[], values: Float64Array): void {
    const ids = this.idsOf(names, () => names.map((name) => this.ctx.series(metric, { [label]: name })));
    for (let i = 0; i < ids.length; i++) this.add(ids[i], values[i]);
  }

  score(source: Source, score: Score): void {
    const [whole, ...parts] = this.idsOf(source, () => {
      const labels: Labels = source.labels;
      return [
        this.ctx.series("alluse_quality_score", labels),
        ...COMPONENTS.map((component) => this.ctx.series("alluse_quality_component_ratio", { ...labels, component })),
      ];
    });
    this.add(whole, score.score);
    COMPONENTS.forEach((component, i) => {
      const value = score[component];
      if (value !== null) this.add(parts[i], value);
    });
  }

  emit(): void {
    this.batch.timestamps.fill(this.ctx.clock.now());
    this.ctx.emit(this.batch);
    // The pipeline runs through this very plugin, which may have shortened what it was given.
    this.batch.length = 0;
  }

  private add(id: SeriesId, value: number): void {
    const row = this.batch.length;
    this.batch = ensureCapacity(this.batch, row + 1);
    this.batch.series[row] = id;
    this.batch.values[row] = value;
    this.batch.length = row + 1;
  }

  private idsOf(key: unknown, make: () => SeriesId[]): SeriesId[] {
    let ids = this.ids.get(key);
    if (!ids) this.ids.set(key, (ids = make()));
    return ids;
  }
}
