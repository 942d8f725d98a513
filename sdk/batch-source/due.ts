import type { Schedule } from "./schedule.ts";

export type CatchUp = "one" | "all" | "none";

/** What has become due: the instants to run for, oldest first, and how many are left out: of very many, about. */
export interface Due {
  readonly instants: readonly number[];
  readonly missed: number;
  /** Until when everything is served once these have run. */
  readonly servedMs: number;
}

/** Later than this an instant was missed: the machine slept, or the agent did not run. */
const ON_TIME_MS = 60_000;
/** Most instants that are looked at or run for at once: more than a day of every five minutes. */
const INSTANTS_MAX = 500;
/** A clock that was this far ahead was wrong: what it served is forgotten. */
const WRONG_CLOCK_MS = 86_400_000;

/**
 * What is to be run at `nowMs` when everything until `servedMs` has been. No instant comes twice, however often the clock is set
 * back, unless by more than a day: then schedules begin anew from now.
 */
export function dueAt(schedule: Schedule, servedMs: number, nowMs: number, catchUp: CatchUp): Due {
  if (servedMs - nowMs > WRONG_CLOCK_MS) return { instants: [], missed: 0, servedMs: nowMs };
  const instants: number[] = [];
  let missed = 0;
  let fromMs = servedMs;
  for (let looked = 0; ; looked++) {
    const next = schedule.after(fromMs);
    if (next === null || next > nowMs) break;
    // After a long time only the newest count: schedules are asked again from where they may still matter.
    if (looked === INSTANTS_MAX) {
      const paceMs = (next - instants[0]) / INSTANTS_MAX;
      const laterMs = Math.max(next, Math.floor(nowMs - (paceMs * INSTANTS_MAX) / 2));
      missed += instants.length + Math.floor((laterMs - next) / paceMs);
      instants.length = 0;
      looked = -1;
      fromMs = laterMs;
      continue;
    }
    instants.push(next);
    fromMs = next;
  }
  if (instants.length === 0) return { instants, missed, servedMs };
  const newest = instants[instants.length - 1];
  const kept =
    catchUp === "all" ? instants : catchUp === "one" ? [newest] : instants.filter((at) => nowMs - at <= ON_TIME_MS).slice(-1);
  return { instants: kept, missed: missed + instants.length - kept.length, servedMs: newest };
}
