import { type Batch, createBatch, ensureCapacity } from "all-use-agent/sdk";

/** Memory kept for the next gathering; a flood's is given back. */
const KEPT_ROWS = 8192;

/** Rows of several emissions, one after the other. */
export class Gather {
  private held: Batch = createBatch(0);

  get length(): number {
    return this.held.length;
  }

  /** Copies all rows. Values are copied as bytes: a NaN keeps its payload. */
  add(batch: Batch): void {
    const { length } = batch;
    const at = this.held.length;
    this.held = ensureCapacity(this.held, at + length);
    this.held.series.set(batch.series.subarray(0, length), at);
    this.held.timestamps.set(batch.timestamps.subarray(0, length), at);
    this.held.values.set(batch.values.subarray(0, length), at);
    this.held.length = at + length;
  }

  /** What was gathered, to be changed at will until the next `add`. */
  take(): Batch {
    const { held } = this;
    const taken = { length: held.length, series: held.series, timestamps: held.timestamps, values: held.values };
    if (held.series.length > KEPT_ROWS) this.held = createBatch(0);
    else held.length = 0;
    return taken;
  }
}
