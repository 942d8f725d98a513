import type { Batch } from "all-use-agent/sdk";

/** A batch of its own with the same rows. */
export function copyOf(batch: Batch): Batch {
  return {
    length: batch.length,
    ...(batch.backdated === undefined ? {} : { backdated: batch.backdated }),
    series: batch.series.slice(0, batch.length),
    timestamps: batch.timestamps.slice(0, batch.length),
    values: batch.values.slice(0, batch.length),
  };
}
