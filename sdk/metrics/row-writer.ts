import type { PluginContext } from "../context.ts";
import { type Batch, createBatch, ensureCapacity, type SeriesId } from "../series.ts";

/** Prometheus' "this series ended here", whose bits no variable may carry: they are written as two words. */
const STALE_LOW = 0x00000002;
const STALE_HIGH = 0x7ff00000;

/** Gathers rows in one batch that is kept, and emits them. */
export class RowWriter {
  private batch: Batch = createBatch(64);

  add(id: SeriesId, timestampMs: number, value: number): void {
    const row = this.batch.length;
    if (row === this.batch.series.length) this.batch = ensureCapacity(this.batch, row + 1);
    const { batch } = this;
    batch.series[row] = id;
    batch.timestamps[row] = timestampMs;
    batch.values[row] = value;
    batch.length = row + 1;
  }

  /** A staleness marker. */
  end(id: SeriesId, timestampMs: number): void {
    this.add(id, timestampMs, 0);
    writeStale(this.batch.values, this.batch.length - 1);
  }

  /** Returns how many rows storage refused. With `backdated`, rows may be older than what their series have. */
  emit(ctx: PluginContext, backdated = false): number {
    const { batch } = this;
    if (batch.length === 0) return 0;
    batch.backdated = backdated;
    const refused = ctx.emit(batch);
    batch.length = 0;
    return refused;
  }
}

/** Puts Prometheus' staleness marker into a column, with all its bits. */
export function writeStale(values: Float64Array, row: number): void {
  const words = new Uint32Array(values.buffer, values.byteOffset + row * 8, 2);
  words[0] = STALE_LOW;
  words[1] = STALE_HIGH;
}
