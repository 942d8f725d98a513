/** Strategies of collectors in the built agent: by file, command line and door. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { AgentStatus, CollectReport, ConfigProblem, PluginDetail, PluginReport } from "all-use-agent/sdk";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RunningAgent, runCommand, startAgent, temporaryFolder } from "../support/agent.ts";
import { until } from "../support/wait.ts";

let dataDir: string;
let agent: RunningAgent;

const ID = "collectors/counted";

function writeCounted(): void {
  const folder = join(dataDir, "plugins", ID);
  mkdirSync(folder, { recursive: true });
  const manifest = {
    id: ID,
    version: "1.0.0",
    api: 1,
    kind: "collector",
    entry: "index.mjs",
    title: "Counted",
    stability: "beta",
    metrics: { counted_readings: { type: "counter", help: "Readings." } },
    strategy: { mode: "on_demand", priority: "low" },
  };
  writeFileSync(join(folder, "plugin.json"), JSON.stringify(manifest));
  writeFileSync(
    join(folder, "index.mjs"),
    `export default (ctx) => {
      const batch = { length: 1, series: new Uint32Array([ctx.series("counted_readings")]), timestamps: new Float64Array(1), values: new Float64Array(1) };
      return { collect() { batch.timestamps[0] = ctx.clock.now(); batch.values[0]++; ctx.emit(batch); } };
    };`,
  );
}

async function report(): Promise<PluginReport> {
  const { plugins } = await agent.json<{ plugins: PluginReport[] }>("/api/agent/plugins");
  return plugins.find(({ id }) => id === ID)!;
}

async function plugin(...args: string[]): Promise<{ status: number | null; text: string }> {
  const { status, stdout, stderr } = await runCommand(["plugin", ...args, "--data-dir", dataDir]);
  return { status, text: stdout + stderr };
}

async function post<T>(what: "config" | "action", body: unknown): Promise<{ status: number; body: T }> {
  const headers = { "Content-Type": "application/json" };
  const response = await agent.fetch(`/api/agent/plugins/${ID}/${what}`, { method: "POST", headers, body: JSON.stringify(body) });
  return { status: response.status, body: (await response.json()) as T };
}

beforeAll(async () => {
  dataDir = temporaryFolder();
  writeCounted();
  agent = await startAgent({ dataDir });
  await until("the plugin to run", 20_000, async () => (await report())?.state === "ok");
});
afterAll(async () => {
  await agent.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

test("a manifest's default counts, and a collector is read when asked, by the command line and the door", async () => {
  expect((await report()).pace).toEqual({ intervalMs: null, reason: "only when it is asked for" });
  const said = await plugin("collect", ID);
  expect(said).toEqual({ status: 0, text: expect.stringMatching(/^collectors\/counted: 1 samples in [\d.]+ ms\.\n$/) as string });
  const { status, body } = await post<CollectReport>("action", { action: "collect" });
  expect(status).toBe(200);
  expect(body).toMatchObject({ samples: 1, error: null });
  await until("both readings", 10_000, async () => Number((await agent.query("counted_readings"))[0]?.value?.[1]) === 2);
  expect((await plugin("collect", "storage/series")).text).toMatch(/not asked for readings/);
  expect((await plugin("collect", "collectors/nobody")).status).toBe(1);
});

test("the command line sets a strategy, names what is wrong with one, and shows the pace in force", async () => {
  const set = await plugin("config", ID, "strategy.mode=periodic", "strategy.interval=30s", "strategy.retry.attempts=5");
  expect(set.text).toMatch(/strategy\.mode is "periodic", strategy\.interval is "30s", strategy\.retry\.attempts is 5/);
  expect((await report()).pace).toEqual({ intervalMs: 30_000, reason: "periodic" });
  const shown = (await plugin("config", ID)).text;
  expect(shown).toMatch(/strategy\.interval +"30s" +set/);
  expect(shown).toMatch(/strategy\.priority +"low" +plugin\.json/);
  expect((await plugin("info", ID)).text).toMatch(/^pace +every 30 s: periodic$/m);
  const wrong = await plugin("config", ID, "strategy.intervall=5s");
  expect(wrong).toMatchObject({
    status: 1,
    text: expect.stringMatching(/\/strategy\/intervall: .* did you mean "interval"/) as string,
  });
  const file = JSON.parse(readFileSync(join(dataDir, "config.json"), "utf8")) as { plugins: Record<string, unknown> };
  expect(file.plugins[ID]).toEqual({ strategy: { mode: "periodic", interval: "30s", retry: { attempts: 5 } } });
});

test("the door takes a strategy with a configuration, or none, and tells what is wrong", async () => {
  const { status, body } = await post<PluginDetail>("config", {
    config: {},
    strategy: { mode: "threshold", when: "vector(1)", for: 0 },
  });
  expect(status).toBe(200);
  expect(body.instances[0].strategy).toEqual({ mode: "threshold", when: "vector(1)", for: 0 });
  await until("the condition to hold", 30_000, async () => (await report()).pace?.reason === "vector(1) holds");
  const refused = await post<{ problems: ConfigProblem[] }>("config", { config: {}, strategy: { mode: "threshold" } });
  expect(refused).toEqual({
    status: 422,
    body: { problems: [{ where: "/strategy/when", message: '"when" is missing: the condition in PromQL' }] },
  });
  // Without a word of it, it stays.
  await post("config", { config: {} });
  expect((await report()).pace?.reason).toMatch(/^vector\(1\)/);
});

test("a condition that is no PromQL makes the collector degraded, and the file mends it", async () => {
  await post("config", { config: {}, strategy: { mode: "threshold", when: "up >" } });
  await until("it to be degraded", 30_000, async () => (await report()).code === "condition_failed");
  expect((await report()).reason).toMatch(/^its condition cannot be looked at: /);
  writeFileSync(
    join(dataDir, "config.json"),
    JSON.stringify({ plugins: { [ID]: { strategy: { mode: "periodic", interval: "1s" } } } }),
  );
  await until("the file to count", 30_000, async () => (await report()).pace?.intervalMs === 1000);
  expect((await report()).state).toBe("ok");
});

test("the load level and paces are metrics, and the status says them", async () => {
  await until("the level", 30_000, async () => (await agent.query("alluse_agent_load_level")).length === 1);
  await until(
    "the pace",
    60_000,
    async () => (await agent.query(`alluse_plugin_interval_seconds{plugin="${ID}"} == 1`)).length === 1,
  );
  const status = await agent.json<AgentStatus>("/api/agent/status");
  expect(status.load?.level).toBeGreaterThanOrEqual(0);
  expect((await runCommand(["status", "--data-dir", dataDir])).stdout).toMatch(/^load +(none: every|level \d of 3)/m);
});

test("without an agent the command line checks and writes the file", async () => {
  await agent.stop();
  expect((await plugin("config", ID, "strategy.interval=x")).text).toMatch(/\/strategy\/interval: expected a duration/);
  expect((await plugin("config", ID, "strategy.interval=", "strategy.mode=on_demand")).status).toBe(0);
  const file = JSON.parse(readFileSync(join(dataDir, "config.json"), "utf8")) as { plugins: Record<string, unknown> };
  expect(file.plugins[ID]).toEqual({ strategy: { mode: "on_demand" } });
});
