import type { Kit } from "./kit.ts";

export function clockJumps(kit: Kit): Promise<void> {
  return kit.with(async (trial, driver) => {
    const { ctx } = trial;
    await kit.ticks(driver, 5);
    for (const stepMs of [3_600_000, -7_200_000, 86_400_000, -86_400_000]) {
      const fromMs = ctx.clock.now();
      ctx.clock.step(stepMs);
      ctx.deliver("gap", { fromMs, toMs: ctx.clock.now(), reason: "the clock was set" });
      await kit.ticks(driver, 5);
    }
    const fromMs = ctx.clock.now();
    ctx.clock.advance(8 * 3_600_000);
    ctx.deliver("gap", { fromMs, toMs: ctx.clock.now(), reason: "the machine slept" });
    await kit.ticks(driver, 5);
    trial.demandFaultless();
  });
}
