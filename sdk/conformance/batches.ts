import { createBatch } from "../series.ts";
import type { Kit } from "./kit.ts";
import { scribble } from "./source.ts";
import { demand } from "./trial.ts";

const HUGE_ROWS = 100_000;

export async function batchIsBorrowed(kit: Kit): Promise<void> {
  const behaviours: string[] = [];
  for (const spoil of [false, true]) {
    await kit.with(async (_trial, driver) => {
      driver.source.fresh = true;
      for (let i = 0; i < 60; i++) await driver.tick(spoil ? scribble : undefined);
      behaviours.push(await driver.behaviour());
    });
  }
  demand(behaviours[0] === behaviours[1], "it behaves differently when batches are refilled after the call: copy what you keep");
}

export function input(kit: Kit): Promise<void> {
  return kit.with(async ({ ctx, manifest }, driver) => {
    if (!driver.receives) return;
    for (let i = 0; i < 10; i++) {
      await ctx.advance(1000);
      const batch = driver.source.next(ctx.clock.now());
      const { length, series, timestamps, values } = batch;
      const before = JSON.stringify([length, [...series], [...timestamps], [...values]]);
      await driver.give(batch);
      demand(batch.length <= length, "a batch may be shortened, never made longer");
      const after = JSON.stringify([batch.length, [...series], [...timestamps], [...values]]);
      demand(manifest.mutates === true || before === after, 'it changes a batch that belongs to others: say "mutates" or copy');
    }
  });
}

export function strangeBatches(kit: Kit): Promise<void> {
  return kit.with(async (trial, driver) => {
    if (!driver.receives) return;
    await kit.ticks(driver, 3);
    await driver.give(createBatch(0));
    for (const value of [NaN, Infinity, -Infinity, -0, Number.MAX_VALUE, Number.MIN_VALUE]) {
      await trial.ctx.advance(1000);
      const batch = driver.source.next(trial.ctx.clock.now());
      batch.values.fill(value);
      await driver.give(batch);
    }
    await trial.ctx.advance(HUGE_ROWS + 1000);
    await driver.give(driver.source.huge(trial.ctx.clock.now(), HUGE_ROWS));
    await kit.ticks(driver, 3);
    trial.demandFaultless();
  });
}
