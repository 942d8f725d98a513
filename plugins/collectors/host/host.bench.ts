import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Batch, Collector, Manifest } from "all-use-agent/sdk";
import { TestContext } from "all-use-agent/sdk/testing";
import { expect, test } from "vitest";
import plugin from "./index.ts";

const manifest = JSON.parse(readFileSync(new URL("./plugin.json", import.meta.url), "utf8")) as Manifest;
const defaults = Object.fromEntries(
  Object.entries(manifest.config!.properties as Record<string, { default: unknown }>).map(([key, value]) => [key, value.default]),
);

/** Ticks before the measurement, so that the machine code is there as in an agent that has run for a while. */
const WARM_UP = 3000;
const APART_MS = 100;
const TICKS = 100;

async function start(): Promise<{ collector: Collector; samples: () => number; stop: () => Promise<void> }> {
  const ctx = new TestContext(manifest);
  let samples = 0;
  ctx.emit = (batch: Batch) => ((samples += batch.length), 0);
  const collector = plugin(ctx, defaults as never);
  await collector.start?.(ctx.signal);
  return { collector, samples: () => samples, stop: () => ctx.dispose() };
}

test.skipIf(process.platform !== "linux")("host collector, one tick after the other", async ({ bench }) => {
  const { collector, stop } = await start();
  const signal = new AbortController().signal;
  await bench("a tick of all system facts", () => void collector.collect!(signal)).run();
  await stop();
});

/** Ticks that stand apart find cold caches and a sleeping CPU, and cost three times as much: that is what an agent pays. */
test.skipIf(process.platform !== "linux")("host collector, ticks that stand apart", async () => {
  const { collector, samples, stop } = await start();
  const signal = new AbortController().signal;
  for (let i = 0; i < WARM_UP; i++) void collector.collect!(signal);
  const before = samples();
  const times = new Float64Array(TICKS);
  for (let i = 0; i < TICKS; i++) {
    await sleep(APART_MS);
    const startedMs = performance.now();
    void collector.collect!(signal);
    times[i] = performance.now() - startedMs;
  }
  await stop();
  times.sort();
  const perTick = (samples() - before) / TICKS;
  const meanMs = times.reduce((sum, ms) => sum + ms) / TICKS;
  const figures = `p50 ${times[TICKS / 2].toFixed(3)} ms, p99 ${times[TICKS - 1].toFixed(3)} ms, ${perTick.toFixed(0)} samples a tick`;
  console.log(`${figures}, ${((1000 * meanMs) / perTick).toFixed(2)} µs a sample`);
  expect(times[TICKS / 2]).toBeLessThan(1.5);
});
