import type { Clock, Disposable } from "all-use-agent/sdk";
import { AgentError } from "all-use-agent/sdk";

/** A clock that can also wake its caller: the only place that knows whether time is real. */
export interface TimeSource extends Clock {
  /** Calls `task` once, `delayMs` from now. */
  after(delayMs: number, task: () => void | Promise<void>): Disposable;
}

export class RealTime implements TimeSource {
  now(): number {
    return Date.now();
  }

  monotonic(): number {
    return performance.now();
  }

  after(delayMs: number, task: () => void | Promise<void>): Disposable {
    const timer = setTimeout(() => void task(), delayMs);
    return { dispose: () => clearTimeout(timer) };
  }
}

interface Waiting {
  readonly dueMs: number;
  readonly order: number;
  readonly task: () => void | Promise<void>;
}

/** Time that moves only by `advance`, running what becomes due in order and waiting for each to finish. */
export class SimulatedTime implements TimeSource {
  private wallMs: number;
  private elapsedMs = 0;
  private order = 0;
  private readonly waiting = new Set<Waiting>();

  constructor(startMs: number) {
    this.wallMs = startMs;
  }

  now(): number {
    return this.wallMs;
  }

  monotonic(): number {
    return this.elapsedMs;
  }

  after(delayMs: number, task: () => void | Promise<void>): Disposable {
    const entry: Waiting = { dueMs: this.elapsedMs + Math.max(0, delayMs), order: this.order++, task };
    this.waiting.add(entry);
    return { dispose: () => void this.waiting.delete(entry) };
  }

  /** Sets the wall clock by a step, as an operator or NTP would; timers do not notice. */
  step(ms: number): void {
    this.wallMs += ms;
  }

  async advance(ms: number): Promise<void> {
    if (!(ms >= 0) || !Number.isFinite(ms))
      throw new AgentError("clock_advance_invalid", `time moves forward by a number of milliseconds, not by ${ms}`);
    const endMs = this.elapsedMs + ms;
    for (;;) {
      let next: Waiting | undefined;
      for (const entry of this.waiting) {
        if (entry.dueMs > endMs) continue;
        if (!next || entry.dueMs < next.dueMs || (entry.dueMs === next.dueMs && entry.order < next.order)) next = entry;
      }
      if (!next) break;
      this.waiting.delete(next);
      this.moveTo(next.dueMs);
      await next.task();
    }
    this.moveTo(endMs);
  }

  private moveTo(elapsedMs: number): void {
    this.wallMs += elapsedMs - this.elapsedMs;
    this.elapsedMs = elapsedMs;
  }
}

/** Timers may fire a little early; a boundary this near counts as reached. */
const EARLY_MS = 2;

/** Which multiple of the interval a time belongs to: two times of one number are of one tick. */
export function tickOf(timeMs: number, intervalMs: number, phaseMs = 0): number {
  return Math.floor((timeMs - phaseMs + EARLY_MS) / intervalMs);
}

/** How long it is until the next tick, from any time; never none. */
export function untilTick(timeMs: number, intervalMs: number, phaseMs = 0): number {
  const sinceBoundary = (((timeMs - phaseMs + EARLY_MS) % intervalMs) + intervalMs) % intervalMs;
  return intervalMs - sinceBoundary + EARLY_MS;
}

/**
 * Runs `task` at every multiple of `intervalMs` of the wall clock, so that all plugins tick together and nothing drifts.
 * The wait is worked out anew each time: a clock that is set costs at most one interval. A task still running when its
 * next tick comes makes that tick be skipped (`onSkip`), never run twice at a time.
 */
export function everyAligned(
  time: TimeSource,
  intervalMs: number,
  task: () => void | Promise<void>,
  onSkip: () => void = () => {},
  phaseMs = 0,
): Disposable {
  let stopped = false;
  let running = false;
  let timer: Disposable;

  const schedule = (): void => {
    timer = time.after(untilTick(time.now(), intervalMs, phaseMs), tick);
  };
  const tick = (): void | Promise<void> => {
    if (stopped) return;
    schedule();
    if (running) return onSkip();
    const pending = task();
    if (!pending) return;
    running = true;
    return pending.finally(() => (running = false));
  };
  schedule();
  return {
    dispose: () => {
      stopped = true;
      void timer.dispose();
    },
  };
}
