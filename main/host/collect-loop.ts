import { AgentError, type Collector, type Disposable } from "all-use-agent/sdk";
import { everyAligned, type TimeSource } from "./time.ts";

/** A reading may always take this long, however short the interval. */
const DEADLINE_MIN_MS = 1000;
/** A collector that keeps failing is asked less often, down to once in this many ticks. */
const BACK_OFF_TICKS_MAX = 64;

/** What the loop tells of each tick. */
export interface CollectOwner {
  readonly time: TimeSource;
  /** Asks for the first reading now, not at the next multiple. */
  readonly atOnce?: boolean;
  /** Runs the reading in the plugin's name. */
  call<T>(task: () => T): T;
  skipped(): void;
  collected(): void;
  collectFailed(error: unknown): void;
}

/**
 * Asks a collector for a reading at every multiple of its interval. One that is not back by its deadline is aborted; while
 * it still runs, ticks are skipped. Trouble lengthens the interval: 0, 1, 3, 7 … ticks are left out.
 */
export function startCollecting(collect: NonNullable<Collector["collect"]>, intervalMs: number, owner: CollectOwner): Disposable {
  const deadlineMs = Math.max(intervalMs, DEADLINE_MIN_MS);
  let failures = 0;
  let ticksToSkip = 0;

  const succeed = (): void => {
    failures = 0;
    owner.collected();
  };
  const fail = (error: unknown): void => {
    failures++;
    ticksToSkip = Math.min(BACK_OFF_TICKS_MAX, 2 ** (failures - 1)) - 1;
    owner.collectFailed(error);
  };
  const tick = (): void | Promise<void> => {
    if (ticksToSkip > 0) {
      ticksToSkip--;
      return owner.skipped();
    }
    const abort = new AbortController();
    try {
      const pending = owner.call(() => collect(abort.signal));
      if (!pending) return succeed();
      const timer = owner.time.after(deadlineMs, () => {
        abort.abort();
        fail(new AgentError("collect_timeout", `a reading took longer than ${deadlineMs} ms and was aborted`));
      });
      return pending.then(succeed, fail).finally(() => void timer.dispose());
    } catch (error) {
      fail(error);
    }
  };
  let early: Promise<void> | null = null;
  if (owner.atOnce) early = Promise.resolve(tick()).finally(() => (early = null));
  return everyAligned(
    owner.time,
    intervalMs,
    () => (early ? owner.skipped() : tick()),
    () => owner.skipped(),
  );
}
