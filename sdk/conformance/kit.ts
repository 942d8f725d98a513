import type { TestContextOptions } from "../testing.ts";
import { Driver } from "./drive.ts";
import { Trial, type TrialParts } from "./trial.ts";

export interface KitOptions {
  readonly seed?: number;
  readonly ticks?: number;
  readonly memoryMs?: number;
}

/** What every check works with: fresh instances of the one plugin under test. */
export class Kit {
  readonly options: KitOptions;
  readonly seed: number;
  private readonly parts: TrialParts;

  constructor(parts: TrialParts, options: KitOptions) {
    this.parts = parts;
    this.options = options;
    this.seed = options.seed ?? 1;
  }

  async ticks(driver: Driver, count: number): Promise<void> {
    for (let i = 0; i < count; i++) await driver.tick();
  }

  /** Runs a task with an instance that is stopped afterwards, whatever comes. */
  async with(
    task: (trial: Trial, driver: Driver) => Promise<void>,
    { start = true, context = {} }: { start?: boolean; context?: TestContextOptions } = {},
  ): Promise<void> {
    const trial = await Trial.make(this.parts, { seed: this.seed, ...context });
    try {
      if (start) await trial.start();
      await task(trial, new Driver(trial, this.seed));
    } finally {
      await trial.end();
    }
  }
}
