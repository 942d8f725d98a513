import { Cron } from "croner";
import { AgentError, errorText } from "../errors.ts";

/** Instants at which something is to happen, without a clock of its own. */
export interface Schedule {
  /** The first instant after `timeMs`, Unix ms; null when none is left. */
  after(timeMs: number): number | null;
}

export interface ScheduleConfig {
  readonly schedule?: string;
  readonly every?: number;
  readonly zone?: string;
}

/** The tick that sources wait by: nothing can be more often. */
const EVERY_MIN_MS = 1000;

/**
 * A cron expression of five parts, or six with seconds in front, `@hourly` and its like, or an interval. Times of day that a
 * change of clocks jumps over come right after the jump; of those that come twice, the first counts. Expressions with a
 * wildcard or a step in hours or minutes go on through both as time passes. Throws `batch_config_invalid`.
 */
export function scheduleOf({ schedule, every, zone = "" }: ScheduleConfig): Schedule {
  if ((schedule === undefined) === (every === undefined))
    throw invalid("/schedule", "a source needs either schedule, a cron expression such as 0 2 * * *, or every, a duration");
  if (every !== undefined) {
    if (!(every >= EVERY_MIN_MS)) throw invalid("/every", `every must be at least ${EVERY_MIN_MS} ms`);
    return { after: (timeMs) => (Math.floor(timeMs / every) + 1) * every };
  }
  const cron = cronOf(schedule!, zone);
  const parse = (timeMs: number): number | null => cron.nextRun(new Date(timeMs))?.getTime() ?? null;
  return { after: (timeMs) => parse(timeMs) };
}

function cronOf(expression: string, zone: string): Cron {
  try {
    const cron = new Cron(expression, {
      paused: true,
      mode: "5-or-6-parts",
      fixedTimeRule: "no-wildcard",
      ...(zone !== "" && { timezone: zone }),
    });
    // A zone that there is not shows only when it is used.
    cron.nextRun(new Date(0));
    return cron;
  } catch (error) {
    throw new AgentError(
      "batch_config_invalid",
      `${JSON.stringify(expression)} in the zone ${JSON.stringify(zone)} is no schedule: ${errorText(error)}; expected minute hour day month weekday, as in 30 2 * * MON-FRI`,
      { where: "/schedule", cause: error },
    );
  }
}

function invalid(where: string, message: string): AgentError {
  return new AgentError("batch_config_invalid", message, { where });
}
