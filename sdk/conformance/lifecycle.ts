import { requiredMethods } from "./drive.ts";
import type { Kit } from "./kit.ts";
import { leftovers } from "./leftovers.ts";
import { within } from "./pause.ts";
import { demand, type Trial } from "./trial.ts";

const END_WITHIN_MS = 2000;

export function methods(kit: Kit): Promise<void> {
  return kit.with(
    (trial) => {
      for (const method of requiredMethods(trial)) {
        const there = typeof (trial.plugin as Record<string, unknown>)[method] === "function";
        demand(there, `a ${trial.manifest.kind} must have the method ${method}()`);
      }
      demand(!trial.manifest.routes?.length || !!trial.plugin.handle, "a plugin with routes must have the method handle()");
      return Promise.resolve();
    },
    { start: false },
  );
}

export async function startAndStop(kit: Kit): Promise<void> {
  await kit.with(() => Promise.resolve(), { start: false });
  await kit.with((trial, driver) => kit.ticks(driver, 3).then(() => trial.demandFaultless()));
  // Two at once: nothing of one may live outside its instance.
  await kit.with((_first, driver) => kit.with((_second, other) => kit.ticks(driver, 2).then(() => kit.ticks(other, 2))));
}

export async function leavesNothing(kit: Kit): Promise<void> {
  let silent: Trial | null = null;
  const left = await leftovers(() => kit.with((trial, driver) => ((silent = trial), kit.ticks(driver, 5))));
  demand(left.length === 0, `after stop() these are still open: ${left.join(", ")}; give them to ctx.use() or use ctx.every()`);
  (silent as Trial | null)?.demandFaultless();
}

export function declared(kit: Kit): Promise<void> {
  return kit.with(async (trial, driver) => {
    await kit.ticks(driver, 20);
    trial.demandFaultless();
  });
}

/** Stopped by its own signal and by stop() while a call is under way, which then may end in any way but must end. */
export async function stopMidway(kit: Kit): Promise<void> {
  const ends = async (what: string, calls: readonly unknown[]): Promise<void> => {
    const all = Promise.allSettled(calls.map((call) => Promise.resolve(call)));
    const inTime = await within(END_WITHIN_MS, all);
    demand(inTime !== null, `stopped while it ${what}, it does not end within ${END_WITHIN_MS} ms`);
  };
  for (const settled of [false, true]) {
    await kit.with(
      async (trial) => {
        const starting = settling(() => trial.start());
        if (settled) await new Promise((resolve) => setImmediate(resolve));
        trial.ctx.stop();
        await ends("starts", [starting, settling(() => trial.plugin.stop?.())]);
        trial.demandFaultless();
      },
      { start: false },
    );
  }
  await kit.with(async (trial, driver) => {
    await kit.ticks(driver, 2);
    const working = settling(() => driver.tick());
    trial.ctx.stop();
    await ends("works", [working, settling(() => trial.plugin.stop?.())]);
    trial.demandFaultless();
  });
}

/** The call as a promise; to be rejected is a good answer to being stopped. */
function settling(call: () => unknown): Promise<unknown> {
  return new Promise((resolve) => resolve(call())).catch(() => null);
}

export function aborted(kit: Kit, method: "collect" | "send"): Promise<void> {
  return kit.with(async ({ plugin, ctx }, driver) => {
    if (!plugin[method]) return;
    for (const early of [true, false]) {
      const abort = new AbortController();
      if (early) abort.abort();
      // To reject is a good answer to an abort.
      const ended = settling(() =>
        method === "collect" ? plugin.collect?.(abort.signal) : plugin.send?.(driver.source.next(ctx.clock.now()), abort.signal),
      ).then(() => true);
      abort.abort();
      const inTime = await within(END_WITHIN_MS, ended);
      demand(inTime === true, `${method}() must end soon after its signal is aborted; it did not within ${END_WITHIN_MS} ms`);
      await ctx.advance(1000);
    }
  });
}
