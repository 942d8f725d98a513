import { readSync, writeSync } from "node:fs";
import { deserialize } from "node:v8";
import type { SeriesInfo } from "all-use-agent/sdk";
import { encodeFrame, FRAME_MESSAGE } from "./frames.ts";

/** The pipe's descriptor in the process: only plugins that may read metrics have it. */
export const LATEST_FD = 5;
/** The age, as a double. */
export const LATEST_REQUEST_BYTES = 8;
const HEADER_BYTES = 5;
const LOOK_AGAIN_MS = 1;

/** The newest samples, in columns; `infos` are series that were not told of before, numbered on from the last. */
export interface LatestAnswer {
  readonly infos: readonly SeriesInfo[];
  readonly series: Uint32Array;
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
}

/** The process's side of `ctx.latest()`: asks, and does nothing else until the answer is there. */
export class LatestQuestion {
  private readonly fd: number;
  private readonly infos: SeriesInfo[] = [];

  constructor(fd: number) {
    this.fd = fd;
  }

  ask(maxAgeMs: number, visit: (info: SeriesInfo, value: number, timestampMs: number) => void): void {
    const request = Buffer.alloc(LATEST_REQUEST_BYTES);
    request.writeDoubleLE(maxAgeMs);
    writeSync(this.fd, encodeFrame(FRAME_MESSAGE, request));
    const header = this.read(HEADER_BYTES);
    // From the agent, which is trusted.
    const { infos, series, timestamps, values } = deserialize(this.read(header.readUInt32LE(0))) as LatestAnswer;
    for (const info of infos) this.infos.push(Object.freeze({ ...info, labels: Object.freeze({ ...info.labels }) }));
    for (let i = 0; i < series.length; i++) visit(this.infos[series[i]], values[i], timestamps[i]);
  }

  private read(length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    for (let at = 0; at < length;) {
      const count = this.readSome(bytes, at);
      // The agent is gone, and with it all there is to do.
      if (count === 0) process.exit(0);
      at += count;
    }
    return bytes;
  }

  private readSome(bytes: Buffer, at: number): number {
    for (;;) {
      try {
        return readSync(this.fd, bytes, at, bytes.length - at, null);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
        // Where a pipe does not wait by itself.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOOK_AGAIN_MS);
      }
    }
  }
}
