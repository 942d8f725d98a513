import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Batch, Manifest } from "all-use-agent/sdk";
import { TestContext } from "all-use-agent/sdk/testing";
import { test } from "vitest";
import plugin from "./index.ts";

const manifest = JSON.parse(readFileSync(new URL("./plugin.json", import.meta.url), "utf8")) as Manifest;
const defaults = Object.fromEntries(
  Object.entries(manifest.config!.properties as Record<string, { default: unknown }>).map(([key, value]) => [key, value.default]),
) as unknown as Parameters<typeof plugin>[1];

const WARM_UP = 2000;
const READINGS = 50;
const A_SECOND = 5;

test.skipIf(process.platform !== "linux")(
  "the flight recorder while nothing happens, and what a recording costs at once",
  async () => {
    const ctx = new TestContext(manifest);
    let samples = 0;
    ctx.emit = (batch: Batch) => ((samples += batch.length), 0);
    const collector = plugin(ctx, defaults);
    await collector.start!(ctx.signal);
    const look = (): void => {
      ctx.clock.advance(200);
      void collector.collect!(ctx.signal);
    };
    for (let i = 0; i < WARM_UP; i++) look();
    let micros = 0;
    for (let i = 0; i < READINGS; i++) {
      await sleep(200);
      const cpu = process.cpuUsage();
      look();
      const used = process.cpuUsage(cpu);
      micros += used.user + used.system;
    }
    const each = micros / READINGS;
    console.log(`${each.toFixed(0)} µs of CPU a reading, ${((each * A_SECOND) / 1e4).toFixed(3)} % of a core`);
    const finding = { id: "f", kind: "anomaly", metric: "m", labels: {}, startMs: 0, endMs: null, score: 1 } as const;
    ctx.deliver("finding", { ...finding, severity: "critical", summary: "", evidence: [] });
    const startMs = performance.now();
    look();
    console.log(`a minute of backlog: ${samples} samples in ${(performance.now() - startMs).toFixed(2)} ms`);
    await collector.stop!();
    await ctx.dispose();
  },
);
