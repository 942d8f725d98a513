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
/** For the cost of a sample: everything that /proc says of memory and network protocols, some 850 samples a tick. */
const EVERYTHING = { netstat_fields: ".*", vmstat_fields: ".*" };

async function start(
  config: Record<string, unknown> = {},
): Promise<{ collector: Collector; samples: () => number; stop: () => Promise<void> }> {
  const ctx = new TestContext(manifest);
  let samples = 0;
  ctx.emit = (batch: Batch) => ((samples += batch.length), 0);
  const collector = plugin(ctx, { ...defaults, ...config } as never);
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
test.skipIf(process.platform !== "linux").each([
  ["defaults", {}],
  ["everything", EVERYTHING],
])("host collector, ticks that stand apart, %s", async (name, config) => {
  const { collector, samples, stop } = await start(config);
  const signal = new AbortController().signal;
  for (let i = 0; i < WARM_UP; i++) void collector.collect!(signal);
  const before = samples();
  const times = new Float64Array(TICKS);
  /** Neighbours that take the processor away do not count in it. */
  const cpuTimes = new Float64Array(TICKS);
  for (let i = 0; i < TICKS; i++) {
    await sleep(APART_MS);
    const cpu = process.cpuUsage();
    const startedMs = performance.now();
    void collector.collect!(signal);
    times[i] = performance.now() - startedMs;
    const { user, system } = process.cpuUsage(cpu);
    cpuTimes[i] = (user + system) / 1000;
  }
  await stop();
  const collected = samples() - before;
  const p = (of: Float64Array, share: number) => of.sort()[Math.ceil(share * TICKS) - 1].toFixed(3);
  const cpuUs = 1000 * cpuTimes.reduce((sum, ms) => sum + ms);
  console.log(
    `${name}: p50 ${p(times, 0.5)} ms, p99 ${p(times, 0.99)} ms; of CPU p50 ${p(cpuTimes, 0.5)} ms, p99 ${p(cpuTimes, 0.99)} ms, ` +
      `at most ${p(cpuTimes, 1)} ms; ${(collected / TICKS).toFixed(0)} samples a tick, ${(cpuUs / collected).toFixed(2)} µs a sample`,
  );
  expect(times[TICKS / 2]).toBeLessThan(3);
});
