import { type Batch, errorText, type Exporter, PermanentError } from "all-use-agent/sdk";
import { type EdgeBounds, EXPORT_EDGE } from "./edge.ts";
import { WaitingBatches } from "./waiting-batches.ts";

const RETRY_FIRST_MS = 1000;
const RETRY_MAX_MS = 60_000;

export interface ExportTarget {
  readonly send: NonNullable<Exporter["send"]>;
  readonly signal: AbortSignal;
  /** Runs the call in the plugin's name. */
  call<T>(task: () => T): T;
  after(delayMs: number, task: () => void): void;
  warn(message: string): void;
}

/** The edge between the samples' way and one exporter: bounded, what is lost is counted, never slowing a collector. */
export class ExportQueue {
  readonly bounds: EdgeBounds;
  readonly waiting: WaitingBatches;
  private target: ExportTarget;
  private sending = false;
  private retryMs = RETRY_FIRST_MS;

  constructor(target: ExportTarget, bounds: EdgeBounds = EXPORT_EDGE, elapsed: () => number = () => performance.now()) {
    this.target = target;
    this.bounds = bounds;
    this.waiting = new WaitingBatches(bounds, elapsed);
  }

  push(batch: Batch): void {
    this.waiting.push(batch);
    if (!this.sending) void this.drain();
  }

  /** Another instance of the exporter goes on with what is waiting. */
  handOver(target: ExportTarget): void {
    this.target = target;
    this.retryMs = RETRY_FIRST_MS;
    if (!this.sending && this.waiting.length > 0) void this.drain();
  }

  private async drain(): Promise<void> {
    this.sending = true;
    for (let batch = this.waiting.first(); batch && !this.target.signal.aborted; batch = this.waiting.first()) {
      const { target } = this;
      const sent = batch;
      try {
        await target.call(() => target.send(sent, target.signal));
        this.retryMs = RETRY_FIRST_MS;
        this.waiting.done(sent);
      } catch (error) {
        target.warn(errorText(error));
        if (error instanceof PermanentError) {
          this.waiting.lost(sent);
          continue;
        }
        await new Promise<void>((resolve) => target.after(this.retryMs, resolve));
        this.retryMs = Math.min(this.retryMs * 2, RETRY_MAX_MS);
      }
    }
    this.sending = false;
  }
}
