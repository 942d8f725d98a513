import { createBatch, type Analytics, type Manifest } from "all-use-agent/sdk";
import { seededRandom, TestContext } from "all-use-agent/sdk/testing";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build, type Rolldown } from "vite";
import { it } from "vitest";
import manifest from "./plugin.json" with { type: "json" };

const SERIES = 1500;
const TICKS = 64;

type Factory = (ctx: TestContext, config: Record<string, unknown>) => Analytics;

/**
 * The plugin bundled as for shipping. Under the test runner every constant of another module is a call, which costs ten times
 * what is measured here.
 */
async function bundled(): Promise<Factory> {
  const root = join(import.meta.dirname, "../../..");
  const result = (await build({
    configFile: false,
    logLevel: "silent",
    resolve: { alias: [{ find: /^all-use-agent\/sdk$/, replacement: join(root, "sdk/index.ts") }] },
    build: {
      write: false,
      minify: false,
      ssr: join(import.meta.dirname, "index.ts"),
      rolldownOptions: { output: { format: "cjs", codeSplitting: false } },
    },
    ssr: { noExternal: true },
  })) as Rolldown.RolldownOutput;
  const folder = await mkdtemp(join(tmpdir(), "alluse-bench-"));
  try {
    await writeFile(join(folder, "plugin.cjs"), result.output[0].code);
    const loaded: unknown = createRequire(import.meta.url)(join(folder, "plugin.cjs"));
    return (loaded as { default?: Factory }).default ?? (loaded as Factory);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Rows of one second for 1,500 series, half of them counters; values prepared so that only observing is measured. */
function prepared(factory: Factory): { ctx: TestContext; plugin: Analytics; tick(): void; ewma(): void } {
  const ctx = new TestContext(manifest as unknown as Manifest);
  const plugin = factory(ctx, {});
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
  const rig = prepared(await bundled());
  for (let i = 0; i < 300; i++) rig.tick();
  await bench.compare(
    bench("analytics/anomaly", () => rig.tick()),
    bench("bare EWMA loop", () => rig.ewma()),
  );
});
