import { readFileSync } from "node:fs";
import { createBatch, type Manifest } from "all-use-agent/sdk";
import { TestContext } from "all-use-agent/sdk/testing";
import { test } from "vitest";
import plugin from "./index.ts";

const SAMPLES = 1000;
const manifest = JSON.parse(readFileSync(new URL("plugin.json", import.meta.url), "utf8")) as Manifest;

// Microseconds an iteration are nanoseconds a sample.
test(`quality: a batch of ${SAMPLES} samples`, async ({ bench }) => {
  const ctx = new TestContext(manifest);
  const quality = plugin(ctx, { late_window_ms: 0, future_limit_ms: 1e15, keep_infinite: false, report_interval_ms: 10_000 });
  const good = createBatch(SAMPLES);
  const doubled = createBatch(SAMPLES);
  for (let i = 0; i < SAMPLES; i++) {
    good.series[i] = i;
    doubled.series[i] = i % 10 === 9 ? i - 1 : i;
  }
  let timestampMs = ctx.clock.now();

  await bench.compare(
    bench("all good", () => {
      good.timestamps.fill((timestampMs += 1000));
      good.length = SAMPLES;
      quality.process(good);
    }),
    bench("every tenth a duplicate", () => {
      doubled.timestamps.fill((timestampMs += 1000));
      for (let i = 0; i < SAMPLES; i++) doubled.series[i] = i % 10 === 9 ? i - 1 : i;
      doubled.length = SAMPLES;
      quality.process(doubled);
    }),
  );
});
