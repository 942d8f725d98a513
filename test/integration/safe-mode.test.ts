/** Plugins that the operator trusted with the agent's own rights and that take it down, against the built agent. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { AgentStatus, PluginReport } from "all-use-agent/sdk";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type RunningAgent, runCommand, startAgent, temporaryFolder } from "../support/agent.ts";
import { until } from "../support/wait.ts";

const COMMAND = join(import.meta.dirname, "../../out/main/alluse.js");
const ENDS_WITHIN_MS = 30_000;

let dataDir: string;
beforeEach(() => {
  dataDir = temporaryFolder();
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

function plugin(name: string, code: string, { inside = false } = {}): void {
  const id = `collectors/${name}`;
  const folder = join(dataDir, "plugins", id);
  mkdirSync(folder, { recursive: true });
  const manifest = { id, version: "1.0.0", api: 1, kind: "collector", entry: "index.mjs", title: name, stability: "beta" };
  writeFileSync(join(folder, "plugin.json"), JSON.stringify(manifest));
  writeFileSync(join(folder, "index.mjs"), code);
  if (!inside) return;
  writeFileSync(join(dataDir, "config.json"), JSON.stringify({ plugins: { [id]: { inside: true } } }));
}

const started = new Set<ChildProcess>();
afterEach(() => {
  for (const child of started) child.kill("SIGKILL");
  started.clear();
});

/** Starts an agent that is going to die; `orKill` says when a supervisor would lose its patience. */
async function startToDie(orKill?: () => Promise<unknown>): Promise<void> {
  const child = spawn(process.execPath, [COMMAND, "start", "--port", "0", "--data-dir", dataDir], { stdio: "ignore" });
  started.add(child);
  const ended = once(child, "exit", { signal: AbortSignal.timeout(6 * ENDS_WITHIN_MS) });
  if (orKill) {
    await orKill();
    child.kill("SIGKILL");
  }
  await ended;
  started.delete(child);
}

const status = (agent: RunningAgent): Promise<AgentStatus> => agent.json<AgentStatus>("/api/agent/status");

async function reportOf(agent: RunningAgent, id: string): Promise<PluginReport | undefined> {
  return (await agent.plugins()).find((report) => report.id === id);
}

/** Waits, from outside, until a file of `state/` that this start wrote says so. */
function says(name: string, text: string): () => Promise<unknown> {
  const path = join(dataDir, "state", name);
  return () => {
    const startedMs = Date.now();
    return until(`${name} to say ${text}`, ENDS_WITHIN_MS, () => {
      try {
        return statSync(path).mtimeMs >= startedMs && readFileSync(path, "utf8").includes(text);
      } catch {
        return false;
      }
    });
  };
}

describe("an agent that cannot start twice in a row comes up in safe mode and says which plugin it left out", () => {
  const later = (does: string): string => `export default () => ({ start() { setTimeout(() => { ${does} }, 1000); } });`;

  test.each<[string, string, string]>([
    ["exits when it is loaded", `process.exit(3);`, "was being started|status 3"],
    ["aborts when it is loaded", `process.abort();`, "was being started|aborted"],
    ["exits a second later", later(`process.exit(3);`), "status 3"],
    ["aborts a second later", later(`process.abort();`), "aborted the process"],
    ["kills its own process", later(`process.kill(process.pid, "SIGKILL");`), "killed the process"],
  ])("a plugin that %s", async (_what, code, why) => {
    plugin("bad", code, { inside: true });
    plugin("tame", `export default () => ({ collect() {} });`);
    await startToDie();
    await startToDie();

    await using agent = await startAgent({ dataDir });
    const { safeMode, problems } = await status(agent);
    expect(safeMode).toMatchObject({ leftOut: ["collectors/bad", "collectors/tame"], suspects: ["collectors/bad"] });
    expect(safeMode?.reason).toMatch(new RegExp(why));
    expect(problems).toContain(safeMode?.reason);
    expect(agent.output()).toContain(`alluse start: ${safeMode?.reason ?? ""}`);
    for (const id of ["collectors/bad", "collectors/tame"]) {
      const report = await reportOf(agent, id);
      expect(report).toMatchObject({ state: "stopped", code: "safe_mode" });
      expect(report?.reason).toBeTruthy();
    }
    await until("the bundled ones to run", 10_000, async () => (await reportOf(agent, "collectors/host"))?.state === "ok");
    const doctor = await runCommand(["doctor", "--data-dir", dataDir]);
    expect(doctor.stdout).toMatch(/safe mode: .*collectors\/bad/);
    expect((await runCommand(["status", "--data-dir", dataDir])).stdout).toMatch(/safe mode/);
  });

  test("a plugin that spins when it is loaded, twice ended by a supervisor", async () => {
    plugin("spins", `for (;;);`, { inside: true });
    for (let i = 0; i < 2; i++) await startToDie(says("start.json", '"starting":[{"id":"collectors/spins"'));
    await using agent = await startAgent({ dataDir });
    expect((await status(agent)).safeMode).toMatchObject({ suspects: ["collectors/spins"] });
  });

  test("a plugin that spins in its first reading, twice ended by a supervisor", async () => {
    plugin("spins", `export default () => ({ collect() { for (;;); } });`, { inside: true });
    for (let i = 0; i < 2; i++) await startToDie(says("start.call", "collectors/spins"));
    await using agent = await startAgent({ dataDir });
    expect((await status(agent)).safeMode).toMatchObject({ suspects: ["collectors/spins"] });
  });
});

test("the way back: the others come by themselves, the suspect when it is enabled, all when it is asked for", async () => {
  plugin("bad", `process.exit(3);`, { inside: true });
  plugin("tame", `export default () => ({ collect() {} });`);
  await startToDie();
  await startToDie();
  {
    await using agent = await startAgent({ dataDir });
    expect((await status(agent)).safeMode).not.toBeNull();
  }
  {
    await using agent = await startAgent({ dataDir });
    expect((await status(agent)).safeMode).toMatchObject({ leftOut: ["collectors/bad"] });
    await until("tame to run again", 10_000, async () => (await reportOf(agent, "collectors/tame"))?.state === "ok");
  }
  // Mended meanwhile.
  plugin("bad", `export default () => ({ collect() {} });`, { inside: true });
  {
    await using agent = await startAgent({ dataDir, args: ["--no-safe-mode"] });
    expect((await status(agent)).safeMode).toBeNull();
    await until("bad to run", 10_000, async () => (await reportOf(agent, "collectors/bad"))?.state === "ok");
  }
  const { stdout } = await runCommand(["plugin", "enable", "collectors/bad", "--data-dir", dataDir]);
  expect(stdout).toMatch(/forgiven/);
  await using agent = await startAgent({ dataDir });
  expect((await status(agent)).safeMode).toBeNull();
  await until("bad to run", 10_000, async () => (await reportOf(agent, "collectors/bad"))?.state === "ok");
});

test("an operator's kill −9, many times within the first minute, is nobody's fault", async () => {
  plugin("trusted", `export default () => ({ collect() {} });`, { inside: true });
  plugin("tame", `export default () => ({ collect() {} });`);
  for (let i = 0; i < 4; i++) {
    await using agent = await startAgent({ dataDir });
    await until("all to be started", 10_000, async () => (await reportOf(agent, "collectors/tame"))?.state === "ok");
    await until("trusted to run", 10_000, async () => (await reportOf(agent, "collectors/trusted"))?.state === "ok");
    await agent.kill();
  }
  await using agent = await startAgent({ dataDir });
  expect((await status(agent)).safeMode).toBeNull();
});

test("a plugin that crashes in its own process is no reason for safe mode, and a restart of the agent is no pardon", async () => {
  plugin("crashes", `export default () => ({ start() { setTimeout(() => process.exit(5), 100); } });`);
  const failed = (agent: RunningAgent): Promise<PluginReport> =>
    until("it to be given up", 30_000, async () => {
      const report = await reportOf(agent, "collectors/crashes");
      return report?.state === "failed" ? report : null;
    });
  {
    await using agent = await startAgent({ dataDir });
    expect((await failed(agent)).isolation?.restarts).toBe(2);
  }
  {
    await using agent = await startAgent({ dataDir });
    const report = await failed(agent);
    expect(report).toMatchObject({ code: "crashed", isolation: { restarts: 0 } });
    expect(report.reason).toMatch(/status 5; it crashed three times in five minutes.*alluse plugin enable collectors\/crashes/);
    expect((await status(agent)).safeMode).toBeNull();
  }
  expect((await runCommand(["plugin", "enable", "collectors/crashes", "--data-dir", dataDir])).stdout).toMatch(/forgiven/);
  await using agent = await startAgent({ dataDir });
  expect((await failed(agent)).isolation?.restarts).toBe(2);
});
