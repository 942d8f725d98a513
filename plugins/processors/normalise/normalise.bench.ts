import { readFileSync } from "node:fs";
import { createBatch, fillConfig, type Manifest } from "all-use-agent/sdk";
import { TestContext } from "all-use-agent/sdk/testing";
import { test } from "vitest";
import plugin, { type NormaliseConfig } from "./index.ts";

const SAMPLES = 1000;
const manifest = JSON.parse(readFileSync(new URL("plugin.json", import.meta.url), "utf8")) as Manifest;

// Microseconds an iteration are nanoseconds a sample.
test(`normalise: a batch of ${SAMPLES} samples`, async ({ bench }) => {
  const ctx = new TestContext(manifest);
  const processor = plugin(ctx, fillConfig(manifest.config!, {}) as unknown as NormaliseConfig);
  const idsOf = (name: string, unit: string): Uint32Array =>
    Uint32Array.from({ length: SAMPLES }, (_, i) =>
      ctx.foreignSeries({ name, labels: { i: String(i) }, type: "gauge", unit, help: "A test." }),
    );
  const seconds = idsOf("bench_seconds", "seconds");
  const milliseconds = idsOf("bench_ms", "ms");
  const batch = createBatch(SAMPLES);
  const pass = (ids: Uint32Array): void => {
    batch.series.set(ids);
    batch.values.fill(1000);
    batch.length = SAMPLES;
    processor.process(batch);
  };
  await bench.compare(
    bench("base units", () => pass(seconds)),
    bench("converted", () => pass(milliseconds)),
  );
});
