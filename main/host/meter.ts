import type { PluginReport } from "all-use-agent/sdk";

/** Bucket k holds calls of up to 2^(k/4) µs: 19 % wide, from 1 µs to 16 s in 96 buckets. */
const BUCKETS = 96;
/** Rates are means over about this long. */
const WINDOW_MS = 60_000;

/** What one plugin costs: time in its calls, their spread, samples, errors. Cheap enough to be around every call. */
export class Meter {
  calls = 0;
  skipped = 0;
  errors = 0;
  samples = 0;
  /** CPU spent in the synchronous part of calls since the start. */
  busyMs = 0;
  private readonly buckets = new Uint32Array(BUCKETS);
  private windowStartMs: number;
  private windowBusyMs = 0;
  private windowSamples = 0;
  private cpuMsPerSecond = 0;
  private samplesPerSecond = 0;

  constructor(nowMs: number) {
    this.windowStartMs = nowMs;
  }

  /** A call's length, and how much of it was CPU: all of it where the call is synchronous. */
  add(elapsedMs: number, busyMs: number = elapsedMs): void {
    this.calls++;
    this.busyMs += busyMs;
    const bucket = elapsedMs <= 0.001 ? 0 : Math.min(BUCKETS - 1, Math.ceil(Math.log2(elapsedMs * 1000) * 4));
    this.buckets[bucket]++;
  }

  report(nowMs: number): PluginReport["cost"] {
    const elapsedMs = nowMs - this.windowStartMs;
    if (elapsedMs > 0) {
      this.cpuMsPerSecond = ((this.busyMs - this.windowBusyMs) / elapsedMs) * 1000;
      this.samplesPerSecond = ((this.samples - this.windowSamples) / elapsedMs) * 1000;
    }
    if (elapsedMs > WINDOW_MS) {
      // The next window starts half-way, so that figures never rest on a few seconds only.
      this.windowStartMs = nowMs - elapsedMs / 2;
      this.windowBusyMs += (this.busyMs - this.windowBusyMs) / 2;
      this.windowSamples += (this.samples - this.windowSamples) / 2;
      for (let i = 0; i < BUCKETS; i++) this.buckets[i] >>>= 1;
    }
    return {
      cpuMsPerSecond: this.cpuMsPerSecond,
      calls: this.calls,
      p50Ms: this.quantile(0.5),
      p99Ms: this.quantile(0.99),
      samplesPerSecond: this.samplesPerSecond,
      skipped: this.skipped,
      errors: this.errors,
    };
  }

  private quantile(q: number): number {
    let total = 0;
    for (const count of this.buckets) total += count;
    let seen = 0;
    for (let i = 0; i < BUCKETS; i++) {
      seen += this.buckets[i];
      if (seen > 0 && seen >= q * total) return 2 ** (i / 4) / 1000;
    }
    return 0;
  }
}
