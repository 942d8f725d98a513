import { type Batch, createBatch, type SeriesId } from "all-use-agent/sdk";

/** The bits of Prometheus' staleness marker, a NaN that says "this series ended here". */
const STALE_HIGH = 0x7ff00000;
const STALE_LOW = 0x00000002;

/** The rows of one tick: a batch that grows by doubling and is refilled tick after tick. */
export class Columns implements Batch {
  length = 0;
  series: Uint32Array;
  timestamps: Float64Array;
  values: Float64Array;
  private words: Uint32Array;

  constructor(capacity: number) {
    const batch = createBatch(capacity);
    this.series = batch.series;
    this.timestamps = batch.timestamps;
    this.values = batch.values;
    this.words = new Uint32Array(batch.values.buffer);
  }

  push(id: SeriesId, value: number): void {
    const row = this.length;
    if (row === this.series.length) this.grow();
    this.series[row] = id;
    this.values[row] = value;
    this.length = row + 1;
  }

  /** Ends a series. Written as words, since an engine may change the bits of a NaN that passes through a variable. */
  pushStale(id: SeriesId): void {
    this.push(id, 0);
    const word = (this.length - 1) * 2;
    this.words[word] = STALE_LOW;
    this.words[word + 1] = STALE_HIGH;
  }

  /** Gives all rows one time, Unix ms. */
  stamp(timestampMs: number): void {
    this.timestamps.fill(timestampMs, 0, this.length);
  }

  private grow(): void {
    const larger = createBatch(this.series.length * 2);
    larger.series.set(this.series);
    larger.values.set(this.values);
    this.series = larger.series;
    this.timestamps = larger.timestamps;
    this.values = larger.values;
    this.words = new Uint32Array(larger.values.buffer);
  }
}
