import type { QueryRow } from "../context.ts";
import { errorText } from "../errors.ts";
import type { SeriesData } from "../kinds.ts";
import { isAnswer } from "./drive.ts";
import type { Kit } from "./kit.ts";
import { demand, type Trial } from "./trial.ts";

const STRANGE = [NaN, Infinity, -Infinity, -0, Number.MAX_VALUE, Number.MIN_VALUE];
const STEPS = 10;

/** What the plugin asks is answered with values that are no quantity, with nothing, and with too little. */
export function strangeAnswers(kit: Kit): Promise<void> {
  return kit.with(async (trial, driver) => {
    const { ctx } = trial;
    for (const values of [STRANGE, [NaN, NaN, NaN], [], [1]]) {
      ctx.onQuery = (_expr, timestampMs): QueryRow[] =>
        values.map((value, i) => ({ labels: { n: String(i) }, value, timestampMs }));
      ctx.onQueryRange = (_expr, fromMs, _toMs, stepMs): SeriesData[] => [
        {
          name: "kit_strange",
          labels: {},
          timestamps: Float64Array.from(values, (_value, i) => fromMs + i * stepMs),
          values: Float64Array.from(values),
        },
      ];
      for (let i = 0; i < 3; i++) await orAnswer(() => driver.tick());
      await learn(trial, values);
    }
    trial.demandFaultless();
  });
}

/** A model may refuse such data; what it forecasts of it must be a forecast. */
async function learn({ plugin, ctx }: Trial, values: readonly number[]): Promise<void> {
  if (!plugin.fit) return;
  for (const repeat of [1, 50]) {
    const all = Float64Array.from({ length: values.length * repeat }, (_, i) => values[i % values.length]);
    const timestamps = all.map((_value, i) => ctx.clock.now() - (all.length - i) * 1000);
    await orAnswer(async () => {
      const fitted = await plugin.fit!({ timestamps, values: all }, ctx.signal);
      const forecast = await fitted.predict(1000, STEPS, 0.9);
      for (let i = 0; i < STEPS; i++) {
        const { low, expected, high } = forecast;
        demand(
          low[i] <= expected[i] && expected[i] <= high[i],
          `of values that are no numbers it forecasts ${low[i]} ≤ ${expected[i]} ≤ ${high[i]}; throw model_not_enough_data instead`,
        );
      }
    });
  }
}

async function orAnswer(task: () => Promise<void>): Promise<void> {
  try {
    await task();
  } catch (error) {
    if (!isAnswer(error)) throw new Error(`asked, it got values that are no numbers, and: ${errorText(error)}`, { cause: error });
  }
}
