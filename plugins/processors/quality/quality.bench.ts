import { readFileSync } from "node:fs";
import { type Batch, createBatch, fillConfig, type Labels, type Manifest, type MetricType } from "all-use-agent/sdk";
import { TestContext } from "all-use-agent/sdk/testing";
import { test } from "vitest";
import plugin, { type QualityConfig } from "./index.ts";

const SAMPLES = 1000;
const manifest = JSON.parse(readFileSync(new URL("plugin.json", import.meta.url), "utf8")) as Manifest;

// Microseconds an iteration are nanoseconds a sample.
test(`quality: a batch of ${SAMPLES} samples`, async ({ bench }) => {
  const ctx = new TestContext(manifest);
  const config = { rules: [{ series: 'limited{x="y"}', max: 1e9, max_rate_per_s: 1e9 }] };
  const quality = plugin(ctx, { ...fillConfig(manifest.config!, config), future_limit_ms: 1e15 } as unknown as QualityConfig);
  const register = (name: string, type: MetricType, labels: Labels): number =>
    ctx.foreignSeries({ name, labels, type, help: "A test.", owner: "collectors/bench" });
  for (let i = 0; i < SAMPLES; i++) register("a_gauge", "gauge", { i: String(i) });
  const counters = createBatch(SAMPLES);
  for (let i = 0; i < SAMPLES; i++) counters.series[i] = register("a_total", "counter", { i: String(i) });
  const received = createBatch(SAMPLES);
  for (let i = 0; i < SAMPLES; i++) received.series[i] = register("received", "gauge", { i: String(i) });
  const limited = createBatch(SAMPLES);
  for (let i = 0; i < SAMPLES; i++) limited.series[i] = register("limited", "gauge", { x: "y", i: String(i) });
  const good = createBatch(SAMPLES);
  const doubled = createBatch(SAMPLES);
  for (let i = 0; i < SAMPLES; i++) {
    good.series[i] = i;
    doubled.series[i] = i % 10 === 9 ? i - 1 : i;
  }
  let timestampMs = ctx.clock.now();

  received.backdated = true;
  const tick = (batch: Batch): void => {
    batch.timestamps.fill((timestampMs += 1000));
    batch.length = SAMPLES;
    quality.process(batch);
  };

  await bench.compare(
    bench("all good", () => tick(good)),
    bench("counters", () => tick(counters)),
    bench("within limits", () => tick(limited)),
    bench("times given by others", () => tick(received)),
    bench("every tenth a duplicate", () => {
      doubled.timestamps.fill((timestampMs += 1000));
      for (let i = 0; i < SAMPLES; i++) doubled.series[i] = i % 10 === 9 ? i - 1 : i;
      doubled.length = SAMPLES;
      quality.process(doubled);
    }),
  );
});
