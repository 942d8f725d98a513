import type { Batch } from "all-use-agent/sdk";
import type { EdgeBounds } from "./edge.ts";
import { WaitingBatches } from "./waiting-batches.ts";

/** Between two batches for a receiver over its budget. */
const SLOWED_MS = 250;

export interface BacklogParts {
  readonly bounds: EdgeBounds;
  readonly deliver: (batch: Batch) => void;
  readonly slowed: () => boolean;
  after(delayMs: number, task: () => void): void;
  elapsed(): number;
}

/** An edge to a receiver that gets every batch in a later turn, one at a time, so that the emitter does not wait for it. */
export class Backlog {
  readonly waiting: WaitingBatches;
  private readonly parts: BacklogParts;
  private scheduled = false;

  constructor(parts: BacklogParts) {
    this.parts = parts;
    this.waiting = new WaitingBatches(parts.bounds, () => parts.elapsed());
  }

  push(batch: Batch): void {
    this.waiting.push(batch);
    this.schedule();
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    this.parts.after(this.parts.slowed() ? SLOWED_MS : 0, () => {
      this.scheduled = false;
      const batch = this.waiting.first();
      if (batch) {
        this.parts.deliver(batch);
        this.waiting.done(batch);
      }
      if (this.waiting.length > 0) this.schedule();
    });
  }
}
