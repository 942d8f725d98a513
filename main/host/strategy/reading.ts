import { AgentError, type Collector, type Disposable, RetryableError } from "all-use-agent/sdk";
import type { TimeSource } from "../time.ts";
import type { RetryRule } from "./retry-rule.ts";

export interface ReadingParts {
  readonly time: TimeSource;
  readonly collect: NonNullable<Collector["collect"]>;
  /** Runs the reading in the plugin's name. */
  readonly call: <T>(task: () => T) => T;
  readonly deadlineMs: number;
  /** Until the next one is due: tries beyond belong to that. */
  readonly leftMs: number;
  readonly retry: RetryRule;
  readonly random: () => number;
  /** What came of it, once; null when it is good. */
  ended(error: unknown): void;
  /** Nothing of it runs any more. At the latest now it has ended. */
  over(): void;
}

/**
 * One reading: the first try, others where that may help, and a deadline for all of them. What comes of a try after the deadline does not
 * count; nothing else is begun before it has come back.
 */
export class Reading implements Disposable {
  private readonly parts: ReadingParts;
  private readonly abort = new AbortController();
  private readonly startMs: number;
  private deadline: Disposable | null = null;
  private again: Disposable | null = null;
  private told = false;
  private stopped = false;

  constructor(parts: ReadingParts) {
    this.parts = parts;
    this.startMs = parts.time.monotonic();
  }

  /** Resolves when the try is over, which is what a simulated clock can wait for. */
  try(): void | Promise<void> {
    const { call, collect } = this.parts;
    this.again = null;
    try {
      const pending = call(() => collect(this.abort.signal));
      if (!pending) return this.end(null);
      this.watch();
      return pending.then(
        () => this.end(null),
        (error: unknown) => this.failed(error),
      );
    } catch (error) {
      this.failed(error);
    }
  }

  /** Nothing more is tried; a try under way may end. */
  dispose(): void {
    this.stopped = true;
    if (this.again === null) return;
    this.tell(new AgentError("stopped", "the collector was stopped before it was tried again"));
    this.finish();
  }

  private failed(thrown: unknown): void {
    const { time, retry, random, leftMs } = this.parts;
    const error = thrown ?? new AgentError("failed", "it failed with nothing");
    if (this.told || this.stopped || !mayMend(error)) return this.end(error);
    const waitMs = retry.waitMs(random(), leftMs - (time.monotonic() - this.startMs));
    if (waitMs === null) return this.end(error);
    this.watch();
    this.again = time.after(waitMs, () => this.try());
  }

  private watch(): void {
    const { time, deadlineMs } = this.parts;
    this.deadline ??= time.after(deadlineMs - (time.monotonic() - this.startMs), () => {
      const waits = this.again !== null;
      this.abort.abort();
      this.tell(new AgentError("collect_timeout", `a reading took longer than ${deadlineMs} ms and was aborted`));
      if (waits) this.finish();
    });
  }

  private end(error: unknown): void {
    this.tell(error);
    this.finish();
  }

  private tell(error: unknown): void {
    if (this.told) return;
    this.told = true;
    this.parts.ended(error);
  }

  private finish(): void {
    void this.again?.dispose();
    void this.deadline?.dispose();
    this.parts.over();
  }
}

/** By its code too: the error of a plugin in a process of its own is another object. */
function mayMend(error: unknown): boolean {
  return error instanceof RetryableError || (error instanceof AgentError && error.code === "retryable");
}
