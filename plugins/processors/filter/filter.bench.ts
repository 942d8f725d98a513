import { readFileSync } from "node:fs";
import { createBatch, fillConfig, type Manifest } from "all-use-agent/sdk";
import { TestContext } from "all-use-agent/sdk/testing";
import { test } from "vitest";
import plugin, { type FilterConfig } from "./index.ts";

const SAMPLES = 1000;
const manifest = JSON.parse(readFileSync(new URL("plugin.json", import.meta.url), "utf8")) as Manifest;

// Microseconds an iteration are nanoseconds a sample.
test(`filter: a batch of ${SAMPLES} samples`, async ({ bench }) => {
  const ctx = new TestContext(manifest);
  const config = {
    rules: [
      { name: "thin", series: '{__name__=~"thin_.+"}', action: "keep", every: 10 },
      { name: "none", series: '{__name__=~"gone_.+"}' },
    ],
  };
  const filter = plugin(ctx, fillConfig(manifest.config!, config) as unknown as FilterConfig);
  const batchOf = (name: string): ReturnType<typeof createBatch> => {
    const batch = createBatch(SAMPLES);
    for (let i = 0; i < SAMPLES; i++)
      batch.series[i] = ctx.foreignSeries({ name, labels: { i: String(i) }, type: "gauge", help: "A test." });
    return batch;
  };
  const untouched = batchOf("other_value");
  const thinned = batchOf("thin_value");
  await bench.compare(
    bench("no rule fits", () => {
      untouched.length = SAMPLES;
      filter.process(untouched);
    }),
    bench("every tenth kept", () => {
      thinned.length = SAMPLES;
      filter.process(thinned);
    }),
  );
});
