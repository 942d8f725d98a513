import { type Batch, createBatch, ensureCapacity, type SeriesId } from "all-use-agent/sdk";

/** The bits of Prometheus' staleness marker, a NaN that says "this series ended here". */
const STALE_HIGH = 0x7ff00000;
const STALE_LOW = 0x00000002;

/** The rows of one tick: a batch that grows by doubling and is refilled tick after tick. */
export class Columns {
  batch: Batch = createBatch(256);
  private words = new Uint32Array(this.batch.values.buffer);

  push(id: SeriesId, value: number): void {
    const row = this.batch.length;
    if (row === this.batch.series.length) {
      this.batch = ensureCapacity(this.batch, row + 1);
      this.words = new Uint32Array(this.batch.values.buffer);
    }
    this.batch.series[row] = id;
    this.batch.values[row] = value;
    this.batch.length = row + 1;
  }

  /** Ends a series. Written as words, since an engine may change the bits of a NaN that passes through a variable. */
  pushStale(id: SeriesId): void {
    this.push(id, 0);
    const word = (this.batch.length - 1) * 2;
    this.words[word] = STALE_LOW;
    this.words[word + 1] = STALE_HIGH;
  }

  /** All rows at one time, Unix ms, ready to be emitted. */
  stamped(timestampMs: number): Batch {
    this.batch.timestamps.fill(timestampMs, 0, this.batch.length);
    return this.batch;
  }
}

/** Makes a series known, as `ctx.series` does. */
export type Series = (name: string, labels?: Record<string, string>) => SeriesId;
