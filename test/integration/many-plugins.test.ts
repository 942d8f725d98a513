/** As many installed collectors as anyone will have, each in its process: all deliver, none waits for another. */
import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RunningAgent, startAgent, temporaryFolder } from "../support/agent.ts";
import { collectorsRunning, writeCollectors } from "../support/collectors.ts";
import { quantile, recordFigure } from "../support/figures.ts";
import { isLinux, NOT_LINUX } from "../support/machine.ts";
import { readCpuMs, readPrivateBytes } from "../support/proc.ts";
import { watchStalls } from "../support/stalls.ts";
import { sleep, until } from "../support/wait.ts";

const COUNT = 50;
const SAMPLES = 5;
const WATCHED_S = 10;
/** Their first seconds: what loading left behind is given back. */
const SETTLED_MS = 4000;

const dataDir = temporaryFolder();
let agent: RunningAgent;
let pids: number[];
let endMs: number;
let heldUpMs = 0;
let agentCpuMs = 0;
let pluginCpuMs: number[] = [];

beforeAll(async () => {
  writeCollectors(dataDir, COUNT, SAMPLES);
  agent = await startAgent({ dataDir });
  pids = await collectorsRunning(agent, COUNT);
  await sleep(SETTLED_MS);
  const before = isLinux ? [agent.pid, ...pids].map(readCpuMs) : [];
  const stalls = watchStalls();
  await sleep(WATCHED_S * 1000);
  stalls.stop();
  heldUpMs = stalls.heldUpMs;
  const spent = isLinux ? [agent.pid, ...pids].map((pid, i) => (readCpuMs(pid) - before[i]) / WATCHED_S) : [];
  [agentCpuMs = 0, ...pluginCpuMs] = spent;
  endMs = Date.now() - 1000;
});

afterAll(async () => {
  await agent[Symbol.asyncDispose]();
  rmSync(dataDir, { recursive: true, force: true });
});

describe("50 installed collectors", () => {
  test("all deliver, and none misses a tick", async () => {
    const rows = await agent.query(`many_value{i="0"}[${WATCHED_S}s]`, endMs);
    expect(rows.length).toBe(COUNT);
    for (const { metric, values } of rows) {
      const ticks = new Set((values ?? []).map(([time]) => Math.round(time)));
      expect(WATCHED_S - ticks.size, `${metric["plugin"]}: ${[...ticks].join(" ")}`).toBeLessThanOrEqual(
        1 + (3 * heldUpMs) / 1000,
      );
    }
  });

  test("all are well, each in a process of its own", async () => {
    await until("all to be well", 10_000, async () =>
      (await agent.plugins()).every(({ origin, state }) => origin !== "installed" || state === "ok"),
    );
    expect(new Set(pids).size).toBe(COUNT);
  });

  test("cost little", ({ skip }) => {
    skip(!isLinux, NOT_LINUX);
    const megabytes = pids.map((pid) => readPrivateBytes(pid) / 2 ** 20);
    recordFigure("private memory of a collector's process, median of 50", quantile(megabytes, 0.5), "MB");
    recordFigure("CPU of a collector's process at 1 Hz, median of 50", quantile(pluginCpuMs, 0.5), "ms/s");
    recordFigure("CPU of the agent beside 50 installed collectors", agentCpuMs, "ms/s");
    expect(quantile(megabytes, 0.5)).toBeLessThan(16);
  });
});
