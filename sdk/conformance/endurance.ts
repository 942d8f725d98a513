import { errorText } from "../errors.ts";
import { createBatch } from "../series.ts";
import { seededRandom } from "../testing.ts";
import { isAnswer } from "./drive.ts";
import type { Kit } from "./kit.ts";
import { collector, usedBytes } from "./memory.ts";
import { scribble } from "./source.ts";
import { demand } from "./trial.ts";

const RANDOM_OPERATIONS = 300;
/** What a plugin without a budget may hold more after many ticks than after few. */
const GROWTH_MAX_MB = 16;

export function randomUse(kit: Kit): Promise<void> {
  return kit.with(async (trial, driver) => {
    const random = seededRandom(kit.seed);
    const { ctx, plugin } = trial;
    const operations: (() => unknown)[] = [
      () => driver.tick(),
      () => driver.tick(scribble),
      () => ctx.advance(Math.floor(random() * 90_000)),
      () => ctx.clock.step(Math.floor((random() - 0.5) * 120_000)),
      () => (driver.receives ? driver.give(createBatch(0)) : null),
      () => plugin.snapshot?.(),
      () => ctx.deliver("gap", { fromMs: ctx.clock.now() - 5000, toMs: ctx.clock.now(), reason: "the machine slept" }),
    ];
    for (let i = 0; i < RANDOM_OPERATIONS; i++) {
      // Ordinary ticks make up half of it.
      const pick = random() < 0.5 ? 0 : Math.floor(random() * operations.length);
      try {
        await operations[pick]();
      } catch (error) {
        if (isAnswer(error)) continue;
        throw new Error(`operation ${i} of seed ${kit.seed}: ${errorText(error)}`, { cause: error });
      }
    }
    trial.demandFaultless();
  });
}

export async function memory(kit: Kit): Promise<void> {
  const collect = collector();
  if (collect === null) return;
  const { ticks = 10_000, memoryMs = 5000 } = kit.options;
  await kit.with(async ({ ctx, manifest }, driver) => {
    const untilMs = performance.now() + memoryMs;
    let early = NaN;
    for (let i = 0; i < ticks; i++) {
      // What it learns of a new series and the engine's own warming up are over by then.
      const late = performance.now();
      if (Number.isNaN(early) && (i === ticks >> 2 || late > untilMs - memoryMs * 0.6)) early = usedBytes(collect);
      if (late > untilMs) break;
      await driver.tick();
      ctx.forget();
    }
    const grownMb = (usedBytes(collect) - early) / 2 ** 20;
    const limitMb = manifest.budget?.memory_mb ?? GROWTH_MAX_MB;
    demand(grownMb <= limitMb, `it held ${grownMb.toFixed(1)} MB more after many ticks; its budget is ${limitMb} MB`);
  });
}
