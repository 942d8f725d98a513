import { createBatch, type PluginContext, type StorageStats } from "all-use-agent/sdk";

const PREFIX = "alluse_storage_";

/** Name, labels and value of every metric of the manifest. */
function rows({
  series,
  samples,
  diskBytes,
  counters,
}: StorageStats): [name: string, labels: Record<string, string>, value: number][] {
  return [
    ["series", {}, series],
    ["samples", {}, samples],
    ["disk_bytes", {}, diskBytes],
    ["wal_bytes", {}, counters.wal_bytes],
    ["head_samples", {}, counters.head_samples],
    ["blocks", {}, counters.blocks],
    ["samples_appended_total", {}, counters.samples_appended],
    ["samples_dropped_total", { reason: "undefined" }, counters.samples_undefined],
    ["samples_dropped_total", { reason: "out_of_time" }, counters.samples_out_of_time],
    ["samples_dropped_total", { reason: "refused" }, counters.samples_refused],
    ["wal_failures_total", {}, counters.wal_failures],
    ["seals_total", {}, counters.seals],
    ["merges_total", {}, counters.merges],
    ["replayed_samples_total", {}, counters.replayed_samples],
    ["damage_total", { what: "record" }, counters.damaged_records],
    ["damage_total", { what: "block" }, counters.damaged_blocks],
    ["damage_total", { what: "column" }, counters.damaged_columns],
  ];
}

/** A task that emits the store's figures about itself as one batch. They come back to the store as samples like any other. */
export function metricsEmitter(ctx: PluginContext, stats: () => StorageStats): () => void {
  const batch = createBatch(rows(stats()).length);
  return () => {
    const now = ctx.clock.now();
    batch.length = 0;
    for (const [name, labels, value] of rows(stats())) {
      batch.series[batch.length] = ctx.series(PREFIX + name, labels);
      batch.timestamps[batch.length] = now;
      batch.values[batch.length++] = value;
    }
    ctx.emit(batch);
  };
}
