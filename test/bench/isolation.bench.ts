/**
 * What a process each costs, against its peers in the same run: the same collectors inside the agent, an agent without them, bare
 * Node processes; and how soon saved code runs. Needs `npm run build`, Linux. `npm run bench -- isolation`.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type RunningAgent, startAgent, temporaryFolder } from "../support/agent.ts";
import { collectorsRunning, writeCollectors } from "../support/collectors.ts";
import { quantile } from "../support/figures.ts";
import { readCpuMs, readPrivateBytes } from "../support/proc.ts";
import { sleep, until } from "../support/wait.ts";

const COUNT = 50;
const SAMPLES = 5;
const SETTLED_MS = 5000;
const MEASURED_S = 15;
const SAVES = 20;

const median = (values: readonly number[]): number => quantile(values, 0.5);
const bareMegabytes = (children: readonly ChildProcess[]): number =>
  median(children.map(({ pid }) => readPrivateBytes(pid!) / 2 ** 20));

/** CPU of the agent and of each collector in ms a second, and a collector's private memory in MB. */
async function measure(count: number, inside: boolean): Promise<{ agent: number; each: number; megabytes: number }> {
  const dataDir = temporaryFolder();
  writeCollectors(dataDir, count, SAMPLES, inside);
  const agent = await startAgent({ dataDir });
  try {
    const pids = await collectorsRunning(agent, count);
    await sleep(SETTLED_MS);
    const all = [agent.pid, ...pids];
    const before = all.map(readCpuMs);
    await sleep(MEASURED_S * 1000);
    const [own, ...each] = all.map((pid, i) => (readCpuMs(pid) - before[i]) / MEASURED_S);
    return { agent: own, each: median(each), megabytes: median(pids.map((pid) => readPrivateBytes(pid) / 2 ** 20)) };
  } finally {
    await agent[Symbol.asyncDispose]();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

test(`${COUNT} collectors in processes, inside, and none`, { timeout: 240_000 }, async () => {
  const apart = await measure(COUNT, false);
  const inside = await measure(COUNT, true);
  const none = await measure(0, false);
  const bare = Array.from({ length: 5 }, () =>
    spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" }),
  );
  await sleep(1500);
  const bareSize = bareMegabytes(bare);
  for (const child of bare) child.kill("SIGKILL");
  console.log(
    [
      `agent: ${apart.agent.toFixed(1)} ms/s with ${COUNT} processes, ${inside.agent.toFixed(1)} with them inside, ${none.agent.toFixed(1)} with none`,
      `a process: ${apart.each.toFixed(2)} ms/s, ${apart.megabytes.toFixed(1)} MB private, ${(apart.megabytes / bareSize).toFixed(2)} × a bare Node's ${bareSize.toFixed(1)} MB`,
    ].join("\n"),
  );
  expect(apart.megabytes / bareSize).toBeLessThan(1.5);
});

async function value(agent: RunningAgent): Promise<number> {
  const [row] = await agent.query("saved_value");
  return Number(row?.value?.[1] ?? 0);
}

const code = (version: number, typed: boolean): string => `import { createBatch } from "all-use-agent/sdk";
export default (ctx${typed ? ": any" : ""}) => {
  const batch = createBatch(1);
  batch.series[0] = ctx.series("saved_value");
  let kept = 0;
  return {
    snapshot: () => new Uint8Array([kept + 1]),
    restore(bytes${typed ? ": Uint8Array" : ""}) { kept = bytes[0]; },
    collect() { batch.length = 1; batch.timestamps[0] = ctx.clock.now(); batch.values[0] = ${version} + kept / 1000; ctx.emit(batch); },
  };
};`;

test.each(["mjs", "ts"])("from saving index.%s to the first new sample, state kept", { timeout: 120_000 }, async (ending) => {
  const dataDir = temporaryFolder();
  writeCollectors(dataDir, 1, 1);
  const folder = join(dataDir, "plugins/collectors/many-0");
  const file = join(folder, `index.${ending}`);
  const metrics = { saved_value: { type: "gauge", help: "A value." } };
  const manifest = {
    id: "collectors/many-0",
    version: "1.0.0",
    api: 1,
    kind: "collector",
    entry: `index.${ending}`,
    title: "saved",
  };
  writeFileSync(join(folder, "plugin.json"), JSON.stringify({ ...manifest, stability: "development", metrics }));
  writeFileSync(file, code(1, ending === "ts"));
  const agent = await startAgent({ dataDir });
  try {
    await until("the first sample", 15_000, async () => (await value(agent)) >= 1);
    await sleep(2000);
    const times: number[] = [];
    for (let version = 2; version < 2 + SAVES; version++) {
      // Not in step with the second, and half of the saves as editors do it that write beside and rename.
      await sleep(1000 + 137 * (version % 7));
      const startMs = performance.now();
      writeFileSync(version % 2 ? file : `${file}~`, code(version, ending === "ts"));
      if (version % 2 === 0) renameSync(`${file}~`, file);
      const seen = await until("the new sample", 10_000, async () => ((await value(agent)) >= version ? value(agent) : null), 4);
      times.push(performance.now() - startMs);
      expect(Math.round((seen % 1) * 1000)).toBe(version - 1);
    }
    console.log(
      `index.${ending}: median ${median(times).toFixed(0)} ms, slowest ${Math.max(...times).toFixed(0)} ms of ${SAVES}`,
    );
  } finally {
    await agent[Symbol.asyncDispose]();
    rmSync(dataDir, { recursive: true, force: true });
  }
});
