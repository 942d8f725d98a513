import { errorText } from "../errors.ts";
import { isAnswer } from "./drive.ts";
import type { Kit } from "./kit.ts";
import { strays } from "./strays.ts";
import type { Trial } from "./trial.ts";

const TICKS = 20;

/**
 * With every permission refused. To pass the refusal on is a good answer; to fall over it somewhere else, or where nobody
 * listens, is none.
 */
export async function denied(kit: Kit): Promise<void> {
  let found: Trial | null = null;
  const lost = await strays(() =>
    kit.with(
      async (trial, driver) => {
        found = trial;
        try {
          await trial.start();
          for (let i = 0; i < TICKS; i++) await answered(() => driver.tick());
        } catch (error) {
          if (!isAnswer(error)) throw new Error(`refused what it asks for, it ends with: ${errorText(error)}`, { cause: error });
        }
      },
      { start: false, context: { deny: ["metrics:read", "documents"] } },
    ),
  );
  if (lost.length > 0) throw new Error(`it does not wait for a refusal: ${errorText(lost[0])}`, { cause: lost[0] });
  (found as Trial | null)?.demandFaultless();
}

async function answered(task: () => Promise<void>): Promise<void> {
  try {
    await task();
  } catch (error) {
    if (!isAnswer(error)) throw error;
  }
}
