import { type Batch, createBatch, ensureCapacity, type SeriesId } from "all-use-agent/sdk";

/** Twice the time from one tick to the next. */
const EVERY_MS = 2000;

export interface LatestGateParts {
  readonly now: () => number;
  readonly deliver: (batch: Batch) => void;
  /** So many batches were not handed over by themselves. */
  readonly leftOut: (batches: number) => void;
}

/**
 * An edge to a receiver that gets less than all: every two seconds one batch with the newest sample of each series; what came
 * before it is dropped and counted. Holds one sample a series.
 */
export class LatestGate {
  private readonly parts: LatestGateParts;
  private readonly rows = new Map<SeriesId, number>();
  private held: Batch = createBatch(64);
  private batches = 0;
  private deliveredMs: number;

  constructor(parts: LatestGateParts) {
    this.parts = parts;
    this.deliveredMs = parts.now();
  }

  push(batch: Batch): void {
    for (let i = 0; i < batch.length; i++) this.keep(batch.series[i], batch.timestamps[i], batch.values[i]);
    this.batches++;
    const nowMs = this.parts.now();
    if (nowMs - this.deliveredMs < EVERY_MS) return;
    this.deliveredMs = nowMs;
    this.parts.leftOut(this.batches - 1);
    this.parts.deliver(this.held);
    this.batches = 0;
    this.rows.clear();
    this.held.length = 0;
  }

  private keep(id: SeriesId, timestampMs: number, value: number): void {
    let row = this.rows.get(id);
    if (row === undefined) {
      row = this.held.length;
      this.held = ensureCapacity(this.held, row + 1);
      this.held.length = row + 1;
      this.held.series[row] = id;
      this.rows.set(id, row);
    }
    this.held.timestamps[row] = timestampMs;
    this.held.values[row] = value;
  }
}
