import type { Readable } from "node:stream";

/** How often a paused stream is looked at again. */
const LOOK_AGAIN_MS = 50;

/** Reads a stream no faster than `bytesPerSecond` in the mean of a second: the rest waits with whoever writes it. */
export class Throttle {
  private readonly stream: Readable;
  private readonly bytesPerSecond: number;
  private readonly onPause: () => void;
  private credit: number;
  private creditedMs = performance.now();
  private timer: NodeJS.Timeout | null = null;

  constructor(stream: Readable, bytesPerSecond: number, take: (chunk: Buffer) => void, onPause: () => void = () => {}) {
    this.stream = stream;
    this.bytesPerSecond = bytesPerSecond;
    this.onPause = onPause;
    this.credit = bytesPerSecond;
    stream.on("data", (chunk: Buffer) => {
      this.spend(chunk.length);
      take(chunk);
    });
    // A pipe to a process that was killed may end in any way; its exit says all there is to say.
    stream.on("error", () => {});
  }

  dispose(): void {
    if (this.timer) clearTimeout(this.timer);
    this.stream.removeAllListeners("data");
    this.stream.destroy();
  }

  private spend(bytes: number): void {
    this.earn();
    this.credit -= bytes;
    if (this.credit >= 0 || this.timer) return;
    this.stream.pause();
    this.onPause();
    this.wait();
  }

  private wait(): void {
    this.timer = setTimeout(() => {
      this.earn();
      if (this.credit < 0) return this.wait();
      this.timer = null;
      this.stream.resume();
    }, LOOK_AGAIN_MS);
  }

  private earn(): void {
    const nowMs = performance.now();
    this.credit = Math.min(this.bytesPerSecond, this.credit + ((nowMs - this.creditedMs) / 1000) * this.bytesPerSecond);
    this.creditedMs = nowMs;
  }
}
