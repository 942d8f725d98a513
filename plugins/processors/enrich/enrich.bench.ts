import { readFileSync } from "node:fs";
import { createBatch, fillConfig, type Manifest } from "all-use-agent/sdk";
import { TestContext } from "all-use-agent/sdk/testing";
import { test } from "vitest";
import plugin, { type EnrichConfig } from "./index.ts";

const SAMPLES = 1000;
const manifest = JSON.parse(readFileSync(new URL("plugin.json", import.meta.url), "utf8")) as Manifest;

// Microseconds an iteration are nanoseconds a sample.
test(`enrich: a batch of ${SAMPLES} samples`, async ({ bench }) => {
  const ctx = new TestContext(manifest);
  const config = { series: [{ from: "info", to: "some", labels: ["nodename"] }] };
  const enrich = plugin(ctx, fillConfig(manifest.config!, config) as unknown as EnrichConfig);
  const idsOf = (name: string): Uint32Array =>
    Uint32Array.from({ length: SAMPLES }, (_, i) =>
      ctx.foreignSeries({ name, labels: { i: String(i) }, type: "gauge", help: "A test." }),
    );
  const [others, some] = [idsOf("other"), idsOf("some")];
  const batch = createBatch(SAMPLES);
  const pass = (ids: Uint32Array): void => {
    batch.series.set(ids);
    batch.length = SAMPLES;
    enrich.process(batch);
  };
  batch.series[0] = ctx.foreignSeries({ name: "info", labels: { nodename: "a" }, type: "gauge", help: "A test." });
  batch.length = 1;
  enrich.process(batch);
  await bench.compare(
    bench("no labels", () => pass(others)),
    bench("more labels", () => pass(some)),
  );
});
