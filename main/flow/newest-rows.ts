import { type Batch, createBatch, ensureCapacity, type SeriesId } from "all-use-agent/sdk";

/** The newest sample of each series as one batch. Holds one row a series, of `rowsMax` series at most. */
export class NewestRows {
  private readonly rows = new Map<SeriesId, number>();
  private readonly rowsMax: number;
  private held: Batch = createBatch(64);

  constructor(rowsMax: number) {
    this.rowsMax = rowsMax;
  }

  get length(): number {
    return this.held.length;
  }

  /** Returns how many rows are lost by it: those that newer ones took the place of, and of series for which there is no room. */
  add(batch: Batch): number {
    const before = this.held.length;
    for (let i = 0; i < batch.length; i++) this.keep(batch, i);
    return batch.length - (this.held.length - before);
  }

  /** All of it; valid until the next `add`. */
  take(): Batch {
    const { held } = this;
    const taken = { length: held.length, series: held.series, timestamps: held.timestamps, values: held.values };
    this.rows.clear();
    held.length = 0;
    return taken;
  }

  private keep(batch: Batch, from: number): void {
    const id = batch.series[from];
    let row = this.rows.get(id);
    if (row === undefined) {
      row = this.held.length;
      if (row >= this.rowsMax) return;
      this.held = ensureCapacity(this.held, row + 1);
      this.held.length = row + 1;
      this.held.series[row] = id;
      this.rows.set(id, row);
    }
    this.held.timestamps[row] = batch.timestamps[from];
    this.held.values[row] = batch.values[from];
  }
}
