import type { Batch } from "all-use-agent/sdk";
import { NewestRows } from "./newest-rows.ts";

/** Twice the time from one tick to the next. */
const EVERY_MS = 2000;

export interface LatestGateParts {
  readonly now: () => number;
  readonly deliver: (batch: Batch) => void;
  /** So many batches were not handed over by themselves. */
  readonly leftOut: (batches: number) => void;
  /** Series beyond so many are left out altogether; absent: all are held. */
  readonly rowsMax?: number;
}

/**
 * An edge to a receiver that gets less than all: every two seconds one batch with the newest sample of each series; what came
 * before it is dropped and counted. Holds one sample a series.
 */
export class LatestGate {
  /** Rows that were never handed over. */
  dropped = 0;
  private readonly parts: LatestGateParts;
  private readonly newest: NewestRows;
  private batches = 0;
  private deliveredMs: number;

  constructor(parts: LatestGateParts) {
    this.parts = parts;
    this.newest = new NewestRows(parts.rowsMax ?? Infinity);
    this.deliveredMs = parts.now();
  }

  /** Rows held. */
  get rows(): number {
    return this.newest.length;
  }

  /** Everything is handed over by itself again: what is held is older than that. */
  open(): void {
    this.dropped += this.newest.take().length;
    this.batches = 0;
  }

  push(batch: Batch): void {
    this.dropped += this.newest.add(batch);
    this.batches++;
    const nowMs = this.parts.now();
    if (nowMs - this.deliveredMs < EVERY_MS) return;
    this.deliveredMs = nowMs;
    this.parts.leftOut(this.batches - 1);
    this.parts.deliver(this.newest.take());
    this.batches = 0;
  }
}
