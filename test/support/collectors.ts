import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RunningAgent } from "./agent.ts";
import { until } from "./wait.ts";

const METRICS = { many_value: { type: "gauge", help: "A value." } };

/** Puts `count` well-behaved collectors of `samples` series at 1 Hz into a data folder. `inside` runs them in the agent. */
export function writeCollectors(dataDir: string, count: number, samples: number, inside = false): void {
  const plugins: Record<string, { inside: true }> = {};
  for (let i = 0; i < count; i++) {
    const id = `collectors/many-${i}`;
    const folder = join(dataDir, "plugins", id);
    mkdirSync(folder, { recursive: true });
    const manifest = { id, version: "1.0.0", api: 1, kind: "collector", entry: "index.mjs", title: id, stability: "beta" };
    writeFileSync(join(folder, "plugin.json"), JSON.stringify({ ...manifest, metrics: METRICS }));
    writeFileSync(join(folder, "index.mjs"), code(String(i), samples));
    if (inside) plugins[id] = { inside: true };
  }
  writeFileSync(join(dataDir, "config.json"), JSON.stringify({ plugins }));
}

const code = (name: string, samples: number): string => `import { createBatch } from "all-use-agent/sdk";
export default (ctx) => {
  const batch = createBatch(${samples});
  for (let i = 0; i < ${samples}; i++) batch.series[i] = ctx.series("many_value", { plugin: "${name}", i: String(i) });
  let ticks = 0;
  return { collect() {
    batch.length = ${samples};
    const nowMs = ctx.clock.now();
    ticks++;
    for (let i = 0; i < ${samples}; i++) { batch.timestamps[i] = nowMs; batch.values[i] = ticks + i; }
    ctx.emit(batch);
  } };
};`;

/** Waits until all run. Their processes, none where they run inside. */
export async function collectorsRunning(agent: RunningAgent, count: number): Promise<number[]> {
  const reports = await until(`${count} collectors to run`, 60_000, async () => {
    const installed = (await agent.plugins()).filter(({ origin }) => origin === "installed");
    return installed.length === count && installed.every(({ state }) => state === "ok") ? installed : null;
  });
  return reports.flatMap(({ isolation }) => (isolation?.pid ? [isolation.pid] : []));
}
