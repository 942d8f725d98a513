import { createBatch, type Analytics, type Manifest } from "all-use-agent/sdk";
import { seededRandom, TestContext } from "all-use-agent/sdk/testing";
import { it } from "vitest";
import factory from "./index.ts";
import manifest from "./plugin.json" with { type: "json" };

const SERIES = 1500;
const TICKS = 64;

/** Rows of one second for 1,500 series, half of them counters; values prepared so that only observing is measured. */
function prepared(): { ctx: TestContext; plugin: Analytics; tick(): void; ewma(): void } {
  const ctx = new TestContext(manifest as unknown as Manifest);
  const plugin = factory(ctx, {}) as Analytics;
  const random = seededRandom(1);
  const values = Float64Array.from({ length: SERIES * TICKS }, () => 100 + 10 * random() * random() + (random() < 0.01 ? 50 : 0));
  const totals = new Float64Array(SERIES);
  const batch = createBatch(SERIES);
  batch.length = SERIES;
  for (let i = 0; i < SERIES; i++) {
    batch.series[i] = ctx.foreignSeries({ name: `node_x_${i}`, labels: {}, type: i % 2 ? "gauge" : "counter", help: "x" });
  }
  let now = ctx.clock.now();
  let at = 0;
  const fill = (): void => {
    now += 1000;
    at = (at + 1) % TICKS;
    for (let i = 0; i < SERIES; i++) {
      const value = values[at * SERIES + i];
      batch.timestamps[i] = now;
      batch.values[i] = i % 2 ? value : (totals[i] += value);
    }
  };
  const level = new Float64Array(SERIES);
  const spread = new Float64Array(SERIES);
  let alarms = 0;
  return {
    ctx,
    plugin,
    tick() {
      fill();
      plugin.observe(batch);
    },
    ewma() {
      fill();
      for (let i = 0; i < SERIES; i++) {
        const step = batch.values[i] - level[batch.series[i]];
        if (step * step > 9 * spread[batch.series[i]]) alarms++;
        level[batch.series[i]] += 0.05 * step;
        spread[batch.series[i]] += 0.05 * (step * step - spread[batch.series[i]]);
      }
      if (alarms < 0) throw new Error("never");
    },
  };
}

it("watches one second of 1,500 series", async ({ bench }) => {
  const rig = prepared();
  for (let i = 0; i < 300; i++) rig.tick();
  await bench.compare(
    bench("analytics/anomaly", () => rig.tick()),
    bench("bare EWMA loop", () => rig.ewma()),
  );
});
