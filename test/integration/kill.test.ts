import { rmSync } from "node:fs";
import { seriesKey } from "all-use-agent/sdk";
import { afterAll, expect, test } from "vitest";
import { type RunningAgent, startAgent, temporaryFolder } from "../support/agent.ts";
import { recordFigure } from "../support/figures.ts";
import { isLinux, NOT_LINUX } from "../support/machine.ts";
import { sleep, until } from "../support/wait.ts";

const ROUNDS = 5;
const dataDir = temporaryFolder();
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

/** `series@milliseconds` → value, of every host sample in the window. */
async function samples(agent: RunningAgent, fromMs: number, toMs: number): Promise<Map<string, string>> {
  const windowS = Math.max(1, Math.ceil((toMs - fromMs) / 1000));
  const found = new Map<string, string>();
  for (const { metric, values } of await agent.query(
    `{__name__=~"node_load1|node_cpu_seconds_total|node_network_receive_bytes_total"}[${windowS}s]`,
    toMs,
  )) {
    const key = seriesKey(metric["__name__"] ?? "", metric);
    for (const [seconds, value] of values ?? []) found.set(`${key}@${Math.round(seconds * 1000)}`, value);
  }
  return found;
}

test(
  "kill −9 at random moments loses no sample older than the last second, and the agent is soon back",
  { timeout: 600_000 },
  async ({ skip }) => {
    skip(!isLinux, NOT_LINUX);
    const firstMs = Date.now();
    const readyMs: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      await using agent = await startAgent({ dataDir });
      if (round > 0) readyMs.push(agent.readyMs);
      const startedMs = Date.now();
      await until("new samples", 10_000, async () => (await samples(agent, startedMs, Date.now())).size > 10);
      const seen = await samples(agent, firstMs, Date.now());
      await sleep(1000 + Math.random() * 2000);
      // Another answer: the agent had its second to write what was seen, however slow the machine.
      const later = await samples(agent, firstMs, Date.now());
      const killedMs = Date.now();
      await agent.kill();

      await using again = await startAgent({ dataDir });
      readyMs.push(again.readyMs);
      const kept = await samples(again, firstMs, killedMs);
      let compared = 0;
      for (const [key, value] of seen) {
        expect(kept.get(key), key).toBe(value);
        compared++;
      }
      expect(compared).toBeGreaterThan(10);
      // What was younger may be lost, never wrong.
      for (const [key, value] of later) expect([value, undefined], key).toContain(kept.get(key));

      // Killed again before it has written much: starting must not depend on a calm end of the start before.
      await until("a sample after the restart", 10_000, async () => (await samples(again, killedMs, Date.now())).size > 0);
      await again.kill();
    }
    recordFigure("ready after kill -9, slowest of ten", Math.max(...readyMs), "ms");
  },
);
