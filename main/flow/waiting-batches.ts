import type { Batch } from "all-use-agent/sdk";
import { copyOf } from "./copy.ts";
import { bytesOf, type EdgeBounds, REFUSAL_TOLD_MS, rowsIn } from "./edge.ts";
import { NewestRows } from "./newest-rows.ts";

/** What waits at an edge, by its policy. Bounded in rows and bytes; whatever is lost by that is counted. */
export class WaitingBatches {
  /** Rows dropped or refused. */
  dropped = 0;
  private readonly bounds: EdgeBounds;
  private readonly elapsed: () => number;
  private readonly batches: Batch[] = [];
  private readonly newest: NewestRows;
  private batchRows = 0;
  private batchBytes = 0;
  private refusedMs = -Infinity;

  constructor(bounds: EdgeBounds, elapsed: () => number) {
    this.bounds = bounds;
    this.elapsed = elapsed;
    this.newest = new NewestRows(Math.min(bounds.rows, rowsIn(bounds.bytes)));
  }

  get rows(): number {
    return this.batchRows + this.newest.length;
  }

  get bytes(): number {
    return this.batchBytes + (this.newest.length > 0 ? bytesOf(this.newest.length) : 0);
  }

  get length(): number {
    return this.batches.length + (this.newest.length > 0 ? 1 : 0);
  }

  /** Something was refused a short while ago: whoever asks must not believe that all of his is here. */
  get refusing(): boolean {
    return this.elapsed() - this.refusedMs < REFUSAL_TOLD_MS;
  }

  /** Copies what it keeps. */
  push(batch: Batch): void {
    const { policy, rows, bytes } = this.bounds;
    // What is at the door goes in first: with nothing there, even `latest` loses nothing.
    if (policy === "latest" && this.batches.length > 0) {
      this.dropped += this.newest.add(batch);
      return;
    }
    const fits = (): boolean => this.batchRows + batch.length <= rows && this.batchBytes + bytesOf(batch.length) <= bytes;
    if (policy === "block" && !fits()) {
      this.dropped += batch.length;
      this.refusedMs = this.elapsed();
      return;
    }
    while (!fits() && this.batches.length > 0) this.dropped += this.remove().length;
    if (!fits() && policy === "drop_oldest") {
      this.dropped += batch.length;
      return;
    }
    this.add(copyOf(batch));
  }

  /** The oldest, or null. It stays until `done`. */
  first(): Batch | null {
    if (this.batches.length === 0 && this.newest.length > 0) this.add(copyOf(this.newest.take()));
    return this.batches[0] ?? null;
  }

  /** `batch` was handed over. Meanwhile it may have been dropped as the oldest. */
  done(batch: Batch): void {
    if (this.batches[0] === batch) this.remove();
  }

  /** `batch` cannot be handed over. */
  lost(batch: Batch): void {
    if (this.batches[0] !== batch) return;
    this.remove();
    this.dropped += batch.length;
  }

  private add(batch: Batch): void {
    this.batches.push(batch);
    this.batchRows += batch.length;
    this.batchBytes += bytesOf(batch.length);
  }

  private remove(): Batch {
    const batch = this.batches.shift()!;
    this.batchRows -= batch.length;
    this.batchBytes -= bytesOf(batch.length);
    return batch;
  }
}
