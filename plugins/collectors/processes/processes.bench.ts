import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import type { Batch, Collector } from "all-use-agent/sdk";
import { TestContext } from "all-use-agent/sdk/testing";
import { describe, test } from "vitest";
import plugin from "./index.ts";
import { defaults, manifest } from "./testdata/fake-proc.ts";

const LOOKS = 40;
const APART_MS = 250;
const WARM_UP = 400;

/** Reads the real /proc; a look stands apart from the next and finds cold caches, as in an agent. */
async function measure(name: string): Promise<void> {
  const ctx = new TestContext(manifest);
  let samples = 0;
  ctx.emit = (batch: Batch) => ((samples += batch.length), 0);
  const collector: Collector = plugin(ctx, defaults);
  await collector.start!(ctx.signal);
  const look = async (): Promise<void> => {
    ctx.clock.advance(2000);
    await collector.collect!(ctx.signal);
  };
  for (let i = 0; i < WARM_UP; i++) await look();
  samples = 0;
  let micros = 0;
  const times: number[] = [];
  for (let i = 0; i < LOOKS; i++) {
    await sleep(APART_MS);
    const cpu = process.cpuUsage();
    const startMs = performance.now();
    await look();
    times.push(performance.now() - startMs);
    const used = process.cpuUsage(cpu);
    micros += used.user + used.system;
  }
  await collector.stop!();
  await ctx.dispose();
  times.sort((a, b) => a - b);
  const percent = micros / LOOKS / 2000 / 10;
  console.log(
    `${name}: ${(micros / LOOKS).toFixed(0)} µs of CPU a look, p50 ${times[LOOKS / 2].toFixed(2)} ms, worst ${times[LOOKS - 1].toFixed(2)} ms, ${(samples / LOOKS).toFixed(0)} samples; every 2 s that is ${percent.toFixed(3)} % of a core`,
  );
}

describe.skipIf(process.platform !== "linux")("the processes collector", () => {
  test("on this machine as it is", async () => await measure("as it is"));

  test("with 150 more processes that sleep", async () => {
    const children: ChildProcess[] = [];
    for (let i = 0; i < 150; i++) children.push(spawn("sleep", ["1000"], { stdio: "ignore" }));
    try {
      await measure("150 more");
    } finally {
      for (const child of children) child.kill("SIGKILL");
    }
  });
});
