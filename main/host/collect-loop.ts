import { AgentError, type Collector, type Disposable } from "all-use-agent/sdk";
import { halfPace } from "./budget.ts";
import { everyAligned, tickOf, type TimeSource } from "./time.ts";

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
  /** Every other tick is left out. */
  slowed?(): boolean;
  collected(): void;
  collectFailed(error: unknown): void;
}

/** A collector's readings, until it is disposed. */
export interface CollectLoop extends Disposable {
  /** When its last tick was, Unix ms, or it began: ticks until then are served. */
  readonly servedMs: number;
  /** Resolves when no reading is under way. */
  idle(): Promise<void>;
}

/**
 * Asks a collector for a reading at every multiple of its interval. One that is not back by its deadline is aborted; while
 * it still runs, ticks are skipped. Trouble lengthens the interval: 0, 1, 3, 7 … ticks are left out. `servedMs` is when the
 * loop that this one takes over from had its last tick: what was due since is read at once.
 */
export function startCollecting(
  collect: NonNullable<Collector["collect"]>,
  intervalMs: number,
  owner: CollectOwner,
  servedMs: number | null = null,
): CollectLoop {
  const deadlineMs = Math.max(intervalMs, DEADLINE_MIN_MS);
  const leaveOut = halfPace(() => owner.slowed?.() ?? false);
  let failures = 0;
  let ticksToSkip = 0;
  let lastMs = owner.time.now();
  let reading: Promise<void> | null = null;

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
    lastMs = owner.time.now();
    if (leaveOut()) return owner.skipped();
    if (ticksToSkip > 0) {
      ticksToSkip--;
      return owner.skipped();
    }
    const abort = new AbortController();
    try {
      const pending = owner.call(() => collect(abort.signal));
      if (!pending) return succeed();
      let late = false;
      const timer = owner.time.after(deadlineMs, () => {
        late = true;
        abort.abort();
        fail(new AgentError("collect_timeout", `a reading took longer than ${deadlineMs} ms and was aborted`));
      });
      // Whatever comes of a reading after its deadline, it has failed already.
      reading = pending
        .then(
          () => (late ? undefined : succeed()),
          (error: unknown) => (late ? undefined : fail(error)),
        )
        .finally(() => {
          void timer.dispose();
          reading = null;
        });
      return reading;
    } catch (error) {
      fail(error);
    }
  };
  const due = servedMs === null ? owner.atOnce === true : tickOf(lastMs, intervalMs) > tickOf(servedMs, intervalMs);
  let early: Promise<void> | null = null;
  if (due) early = Promise.resolve(tick()).finally(() => (early = null));
  const loop = everyAligned(
    owner.time,
    intervalMs,
    () => (early ? owner.skipped() : tick()),
    () => owner.skipped(),
  );
  return {
    dispose: () => loop.dispose(),
    idle: async () => void (await reading),
    get servedMs() {
      return lastMs;
    },
  };
}
