import type { WriteStream } from "node:tty";

const REDRAW_MS = 200;
const BAR_CHARACTERS = 30;
const MIB = 1024 * 1024;

/** One line on a terminal: how far, how fast, how long yet. Nothing where there is no terminal. */
export class Progress {
  private readonly out: Pick<WriteStream, "write"> & { readonly isTTY?: boolean };
  /** Bytes to read; null: not known. */
  private readonly totalBytes: number | null;
  private readonly startMs = performance.now();
  private bytes = 0;
  private samples = 0;
  private drawnMs = -Infinity;

  constructor(out: Progress["out"], totalBytes: number | null) {
    this.out = out;
    this.totalBytes = totalBytes;
  }

  read(bytes: number): void {
    this.bytes += bytes;
  }

  /** `samples` are kept so far. */
  kept(samples: number): void {
    this.samples = samples;
    const nowMs = performance.now();
    if (this.out.isTTY !== true || nowMs - this.drawnMs < REDRAW_MS) return;
    this.drawnMs = nowMs;
    this.out.write(`\r${progressLine(this.bytes, this.totalBytes, this.samples, (nowMs - this.startMs) / 1000)}\u001b[K`);
  }

  end(): void {
    if (this.out.isTTY === true && this.drawnMs > -Infinity) this.out.write("\r\u001b[K");
  }
}

export function progressLine(bytes: number, totalBytes: number | null, samples: number, seconds: number): string {
  const rate = Math.round(samples / Math.max(seconds, 0.001)).toLocaleString("en");
  const done = `${samples.toLocaleString("en")} samples, ${rate} a second`;
  if (totalBytes === null || totalBytes === 0) return `${(bytes / MIB).toFixed(1)} MiB  ${done}`;
  const share = Math.min(1, bytes / totalBytes);
  const filled = Math.round(share * BAR_CHARACTERS);
  const leftS = share > 0 ? (seconds * (1 - share)) / share : 0;
  return `[${"#".repeat(filled)}${" ".repeat(BAR_CHARACTERS - filled)}] ${Math.floor(share * 100)} %  ${done}, ${durationText(leftS)} left`;
}

function durationText(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.ceil(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.ceil((seconds % 3600) / 60)} min`;
}
