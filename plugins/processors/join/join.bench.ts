import { readFileSync } from "node:fs";
import { createBatch, fillConfig, type Manifest } from "all-use-agent/sdk";
import { TestContext } from "all-use-agent/sdk/testing";
import { test } from "vitest";
import plugin, { type JoinPluginConfig } from "./index.ts";

const SAMPLES = 1000;
const manifest = JSON.parse(readFileSync(new URL("plugin.json", import.meta.url), "utf8")) as Manifest;

// Microseconds an iteration are nanoseconds a sample; two samples are a pair.
test(`join: a batch of ${SAMPLES} samples`, async ({ bench }) => {
  const ctx = new TestContext(manifest);
  ctx.emit = () => 0;
  const joins = [{ name: "both", left: "one", right: "two", on: ["i"], expression: "a / b" }];
  const join = plugin(ctx, fillConfig(manifest.config!, { joins }) as unknown as JoinPluginConfig);
  const register = (name: string, i: number): number =>
    ctx.foreignSeries({ name, labels: { i: String(i) }, type: "gauge", help: "A test." });
  const others = createBatch(SAMPLES);
  const pairs = createBatch(SAMPLES);
  for (let i = 0; i < SAMPLES; i++) {
    others.series[i] = register("other", i);
    pairs.series[i] = register(i % 2 ? "one" : "two", i >> 1);
  }
  others.length = pairs.length = SAMPLES;
  pairs.values.fill(2);
  let timestampMs = 0;
  await bench.compare(
    bench("in no join", () => join.process(others)),
    bench("pairs", () => {
      pairs.timestamps.fill((timestampMs += 1000));
      join.process(pairs);
    }),
  );
});
