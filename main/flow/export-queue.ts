import { type Batch, errorText, type Exporter, PermanentError } from "all-use-agent/sdk";
import { copyOf } from "./copy.ts";

/** Two minutes of ticks: what a short outage may cost in memory, about 2 MB at 900 series. */
const QUEUED_BATCHES_MAX = 120;
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

/** The edge between the samples' way and one exporter: bounded, oldest dropped and counted, never slowing a collector. */
export class ExportQueue {
  dropped = 0;
  private readonly waiting: Batch[] = [];
  private target: ExportTarget;
  private sending = false;
  private retryMs = RETRY_FIRST_MS;

  constructor(target: ExportTarget) {
    this.target = target;
  }

  push(batch: Batch): void {
    if (this.waiting.length >= QUEUED_BATCHES_MAX) this.dropped += this.waiting.shift()!.length;
    this.waiting.push(copyOf(batch));
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
    while (this.waiting.length > 0 && !this.target.signal.aborted) {
      const { target } = this;
      const batch = this.waiting[0];
      try {
        await target.call(() => target.send(batch, target.signal));
        this.retryMs = RETRY_FIRST_MS;
      } catch (error) {
        target.warn(errorText(error));
        if (!(error instanceof PermanentError)) {
          await new Promise<void>((resolve) => target.after(this.retryMs, resolve));
          this.retryMs = Math.min(this.retryMs * 2, RETRY_MAX_MS);
          continue;
        }
        this.dropped += batch.length;
      }
      // While it was being sent the queue may have dropped it as its oldest.
      if (this.waiting[0] === batch) this.waiting.shift();
    }
    this.sending = false;
  }
}
