import { readFileSync } from "node:fs";
import { createBatch, fillConfig, type Manifest } from "all-use-agent/sdk";
import { TestContext } from "all-use-agent/sdk/testing";
import { test } from "vitest";
import plugin, { type MapConfig } from "./index.ts";

const SAMPLES = 1000;
const manifest = JSON.parse(readFileSync(new URL("plugin.json", import.meta.url), "utf8")) as Manifest;

// Microseconds an iteration are nanoseconds a sample.
test(`map: a batch of ${SAMPLES} samples`, async ({ bench }) => {
  const ctx = new TestContext(manifest);
  const config = {
    relabel_configs: [{ source_labels: ["__name__"], regex: "old_(.+)", target_label: "__name__" }],
    values: [{ series: "old_value", scale: 0.001 }],
  };
  const map = plugin(ctx, fillConfig(manifest.config!, config) as unknown as MapConfig);
  const idsOf = (name: string): Uint32Array =>
    Uint32Array.from({ length: SAMPLES }, (_, i) =>
      ctx.foreignSeries({ name, labels: { i: String(i) }, type: "gauge", help: "A test." }),
    );
  const others = idsOf("other_value");
  const old = idsOf("old_value");
  const batch = createBatch(SAMPLES);
  const pass = (ids: Uint32Array): void => {
    batch.series.set(ids);
    batch.values.fill(1000);
    batch.length = SAMPLES;
    map.process(batch);
  };
  await bench.compare(
    bench("no rule fits", () => pass(others)),
    bench("renamed and scaled", () => pass(old)),
  );
});
