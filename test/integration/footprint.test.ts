import { expect, test } from "vitest";
import { startAgent } from "../support/agent.ts";
import { quantile, recordFigure } from "../support/figures.ts";
import { isLinux, NOT_LINUX } from "../support/machine.ts";
import { watchStalls } from "../support/stalls.ts";
import { sleep } from "../support/wait.ts";

const SETTLE_MS = 15_000;
const WATCH_MS = 60_000;

/** How far each tick lies from its whole second, in milliseconds. */
function offsets(timesMs: readonly number[]): number[] {
  return timesMs.map((ms) => Math.abs(ms - Math.round(ms / 1000) * 1000));
}

test("a minute of an agent that nobody asks: CPU, memory and the evenness of its ticks", async ({ skip }) => {
  skip(!isLinux, NOT_LINUX);
  await using agent = await startAgent();
  await sleep(SETTLE_MS);
  const stalls = watchStalls();
  const startCpuMs = agent.cpuMs();
  const startMs = performance.now();
  await sleep(WATCH_MS);
  stalls.stop();
  const cpuPercent = ((agent.cpuMs() - startCpuMs) / (performance.now() - startMs)) * 100;
  const residentMb = agent.residentBytes() / 2 ** 20;
  recordFigure("idle CPU, of one core", cpuPercent, "%");
  recordFigure("resident memory after 75 s", residentMb, "MB");

  const [row] = await agent.query("node_load1[60s]");
  const times = (row?.values ?? []).map(([seconds]) => Math.round(seconds * 1000));
  recordFigure("tick jitter p99", quantile(offsets(times), 0.99), "ms");

  // What no slow machine explains: a busy loop, a leak, a clock that drifts or skips.
  expect(cpuPercent).toBeLessThan(15);
  expect(residentMb).toBeLessThan(160);
  expect(times.length).toBeGreaterThanOrEqual(50 - (3 * stalls.heldUpMs) / 1000);
});
