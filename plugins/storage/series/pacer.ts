import { setImmediate } from "node:timers/promises";

/** The longest stretch of decoding before other work of the thread gets its turn. */
const STRETCH_MS = 5;

/** Lets long work on the main thread pause, and stop when it is no longer wanted. */
export class Pacer {
  private readonly signal: AbortSignal | undefined;
  private started = performance.now();

  constructor(signal: AbortSignal | undefined) {
    this.signal = signal;
  }

  due(): boolean {
    return this.signal?.aborted === true || performance.now() - this.started > STRETCH_MS;
  }

  /** Throws the signal's reason when it was aborted. */
  async pause(): Promise<void> {
    this.signal?.throwIfAborted();
    await setImmediate();
    this.signal?.throwIfAborted();
    this.started = performance.now();
  }
}
