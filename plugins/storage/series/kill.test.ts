import { spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { expect, test } from "vitest";
import { EVERYTHING, openStore, temporaryFolder } from "./testdata/support.ts";

const ROUNDS = 15;
const root = join(import.meta.dirname, "../../..");

/** Lets the child find the SDK's sources, as the build and vitest do in their ways. */
const hook = `import { registerHooks } from "node:module";
registerHooks({ resolve: (name, context, next) =>
  name === "all-use-agent/sdk" ? { url: ${JSON.stringify(new URL(`file://${root}/sdk/index.ts`).href)}, shortCircuit: true } : next(name, context) });`;
const runsSources = Boolean((process.features as { typescript?: unknown }).typescript);

/** Starts a child that appends from a tick on, kills it after a while, and returns the newest tick that it acknowledged. */
async function killedRun(folder: string, firstTick: number, lifeMs: number): Promise<number> {
  const args = [
    "--import",
    `data:text/javascript,${encodeURIComponent(hook)}`,
    join(import.meta.dirname, "testdata/kill-child.ts"),
    folder,
    String(firstTick),
  ];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const said = { text: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (said.text += text));
  const ended = new Promise((resolve) => child.once("close", resolve));
  const startedBy = Date.now() + 120_000;
  while (!said.text.includes("\n") && child.exitCode === null && Date.now() < startedBy) await setTimeout(5);
  await setTimeout(lifeMs);
  child.kill("SIGKILL");
  await ended;
  const acknowledged = said.text.slice(0, said.text.lastIndexOf("\n")).split("\n");
  return acknowledged[0] === "" ? firstTick - 1 : Number(acknowledged[acknowledged.length - 1]);
}

test.skipIf(!runsSources)(
  "killed at random moments, it has every acknowledged sample and no wrong one (needs Node.js that runs TypeScript)",
  { timeout: 600_000 },
  async () => {
    const folder = await temporaryFolder();
    const acknowledged: [from: number, to: number][] = [];
    let next = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const last = await killedRun(folder, next, Math.random() * 250);
      expect(last).toBeGreaterThanOrEqual(next);
      acknowledged.push([next, last]);
      // Ticks beyond the acknowledged ones may be there or not; the next round leaves them alone.
      next = last + 100;
      const { store } = await openStore(folder, { accept_any_age: true });
      const found = await store.select({ matchers: EVERYTHING, fromMs: 0, toMs: next * 1000 });
      expect(found).toHaveLength(40);
      for (const { labels, timestamps, values } of found) {
        const there = new Set(timestamps);
        for (const [from, to] of acknowledged)
          for (let tick = from; tick <= to; tick++) if (!there.has(tick * 1000)) expect.fail(`tick ${tick} is missing`);
        for (let i = 0; i < values.length; i++)
          if (values[i] !== timestamps[i] / 10 + Number(labels.id)) expect.fail(`a wrong value at ${timestamps[i]}`);
      }
      await store.stop();
    }
    expect(next).toBeGreaterThan(ROUNDS);
  },
);
