import { errorText } from "../errors.ts";
import { isAnswer } from "./drive.ts";
import type { Kit } from "./kit.ts";
import { strays } from "./strays.ts";
import { demand } from "./trial.ts";

const TICKS = 300;
/** What one call may ask at once. Who asks anew on every tick has asked far more by then. */
const WAITING_MAX = 100;
const SETTLE_WITHIN_MS = 5000;

/** Everything that the plugin waits for (flush, queries, store, documents) takes far longer than a tick. */
export async function pressure(kit: Kit): Promise<void> {
  const lost = await strays(() =>
    kit.with(async (trial, driver) => {
      const { ctx } = trial;
      await kit.ticks(driver, 3);
      let pending: Promise<unknown> | null = null;
      let failed: unknown = null;
      ctx.hold();
      try {
        for (let i = 0; i < TICKS; i++) {
          // As the agent does: what has not come back is not called again, time goes on.
          if (pending) await ctx.advance(trial.intervalMs);
          else {
            pending = driver.tick().then(
              () => (pending = null),
              (error: unknown) => {
                pending = null;
                if (!isAnswer(error)) failed ??= error;
              },
            );
          }
          await new Promise((resolve) => setImmediate(resolve));
          demand(
            ctx.waiting <= WAITING_MAX,
            `while what it asks for is slow it goes on asking: ${ctx.waiting} calls of ctx wait after ${i} ticks; await each before the next`,
          );
        }
      } finally {
        ctx.release();
      }
      const untilMs = performance.now() + SETTLE_WITHIN_MS;
      while (pending !== null && performance.now() < untilMs) await new Promise((resolve) => setTimeout(resolve, 5));
      if (failed !== null) throw new Error(`while what it asks for is slow: ${errorText(failed)}`, { cause: failed });
      demand(pending === null, "it does not go on when what was slow has come at last");
      await kit.ticks(driver, 5);
      trial.demandFaultless();
    }),
  );
  if (lost.length > 0) throw new Error(`an error that nobody caught: ${errorText(lost[0])}`, { cause: lost[0] });
}
