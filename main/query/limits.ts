import { AgentError } from "all-use-agent/sdk";

export interface QueryLimits {
  /** Samples that one query may load, and points that one intermediate result may hold. */
  readonly samples: number;
  /** Points a series of a range query. */
  readonly steps: number;
  /** Series that one selector may load. */
  readonly series: number;
  readonly timeoutMs: number;
  /** How deep an expression may nest. */
  readonly depth: number;
  /** Characters of an expression. */
  readonly length: number;
}

export const DEFAULT_LIMITS: QueryLimits = {
  samples: 50_000_000,
  steps: 11_000,
  series: 200_000,
  timeoutMs: 120_000,
  depth: 500,
  length: 100_000,
};

/** How long evaluation holds the event loop before it lets others have it. */
const SLICE_MS = 5;
/** Units of work (roughly nanoseconds) between two looks at the clock: some 0.3 ms. */
const WORK_PER_LOOK = 300_000;

/**
 * Keeps one evaluation within its time and lets the event loop breathe. Callers report work as they do it and, when
 * told so, await `pause`.
 */
export class Budget {
  readonly timeoutMs: number;
  readonly deadlineMs: number;
  readonly signal: AbortSignal | undefined;
  readonly maxSamples: number;
  private work = 0;
  private sliceEndMs: number;
  private loaded = 0;

  constructor(limits: QueryLimits, timeoutMs: number, signal: AbortSignal | undefined) {
    const now = performance.now();
    this.timeoutMs = timeoutMs;
    this.deadlineMs = now + timeoutMs;
    this.sliceEndMs = now + SLICE_MS;
    this.signal = signal;
    this.maxSamples = limits.samples;
  }

  /** Counts work; true says that `pause` is due. */
  spend(units: number): boolean {
    this.work += units;
    if (this.work < WORK_PER_LOOK) return false;
    this.work = 0;
    return performance.now() >= this.sliceEndMs;
  }

  /** Gives the event loop a turn. Throws `query_canceled` and `query_timeout`. */
  async pause(): Promise<void> {
    this.check();
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.check();
    this.sliceEndMs = performance.now() + SLICE_MS;
  }

  check(): void {
    if (this.signal?.aborted) throw new AgentError("query_canceled", "the query was canceled by its caller");
    if (performance.now() >= this.deadlineMs) throw this.timeout();
  }

  timeout(): AgentError {
    return new AgentError(
      "query_timeout",
      `query timed out after ${this.timeoutMs} ms; ask for a shorter range, a longer step or fewer series`,
    );
  }

  /** Counts samples that stay in memory for the rest of the query. Throws `query_limit_samples`. */
  load(samples: number): void {
    this.loaded += samples;
    if (this.loaded > this.maxSamples) throw this.tooManySamples();
  }

  /** Samples that may still be loaded. */
  remaining(): number {
    return Math.max(0, this.maxSamples - this.loaded);
  }

  /** Checks the size of a column before it is allocated. Throws `query_limit_samples`. */
  reserve(points: number): void {
    if (points > this.maxSamples) throw this.tooManySamples();
  }

  private tooManySamples(): AgentError {
    return new AgentError(
      "query_limit_samples",
      `query processing would load too many samples into memory (more than ${this.maxSamples}); ask for a shorter range, a longer step or fewer series`,
    );
  }
}
