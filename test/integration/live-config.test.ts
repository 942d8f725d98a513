/** Configuration of plugins in the built agent, by the door, the command line and by hand, while it runs. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { AgentStatus, ConfigProblem, PluginDetail } from "all-use-agent/sdk";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CommandResult, type RunningAgent, runCommand, startAgent, temporaryFolder } from "../support/agent.ts";
import { watchStalls } from "../support/stalls.ts";
import { sleep, until } from "../support/wait.ts";

const SECRET = "correct horse battery staple";
const COMMAND = join(import.meta.dirname, "../../out/main/alluse.js");

let dataDir: string;
let agent: RunningAgent;

/** A collector that needs a secret and says it wherever it can. */
function writeLeaky(): void {
  const folder = join(dataDir, "plugins/collectors/leaky");
  mkdirSync(folder, { recursive: true });
  const manifest = {
    id: "collectors/leaky",
    version: "1.0.0",
    api: 1,
    kind: "collector",
    entry: "index.mjs",
    title: "Leaky",
    stability: "beta",
    metrics: { leaky_length: { type: "gauge", help: "Characters of its secret." } },
    config: {
      type: "object",
      required: ["token"],
      properties: {
        interval_ms: { type: "integer", format: "duration", minimum: 100, default: "500ms" },
        mode: { enum: ["quiet", "loud"], default: "quiet" },
        token: { type: "string", format: "secret" },
      },
    },
  };
  writeFileSync(join(folder, "plugin.json"), JSON.stringify(manifest));
  writeFileSync(
    join(folder, "index.mjs"),
    `export default (ctx, { token, mode }) => {
      const batch = { length: 1, series: new Uint32Array([ctx.series("leaky_length")]), timestamps: new Float64Array(1), values: new Float64Array(1) };
      return { collect() {
        batch.timestamps[0] = ctx.clock.now(); batch.values[0] = token.length; ctx.emit(batch);
        if (mode === "loud") { console.log("my token is " + token); ctx.log.warn("token " + token); throw new Error("bad token " + token); }
      } };
    };`,
  );
}

beforeAll(async () => {
  dataDir = temporaryFolder();
  writeLeaky();
  agent = await startAgent({ dataDir });
  await until("a sample", 10_000, async () => (await agent.query("node_load1")).length > 0);
});
afterAll(async () => {
  await agent.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

const detail = (id: string): Promise<PluginDetail> => agent.json<PluginDetail>(`/api/agent/plugins/${id}`);

async function post<T>(id: string, what: "config" | "action", body: unknown): Promise<{ status: number; body: T }> {
  const headers = { "Content-Type": "application/json" };
  const response = await agent.fetch(`/api/agent/plugins/${id}/${what}`, { method: "POST", headers, body: JSON.stringify(body) });
  return { status: response.status, body: (await response.json()) as T };
}

function plugin(...args: string[]): Promise<CommandResult> {
  return runCommand(["plugin", ...args, "--data-dir", dataDir]);
}

async function done(...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await plugin(...args);
  expect(status, stderr).toBe(0);
  return stdout;
}

/** The same with something on its standard input. */
function piped(input: string, ...args: string[]): Promise<CommandResult> {
  const child = spawn(process.execPath, [COMMAND, "plugin", ...args, "--data-dir", dataDir], { stdio: "pipe" });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (text) => (stdout += String(text)));
  child.stderr.on("data", (text) => (stderr += String(text)));
  child.stdin.end(input);
  return new Promise((resolve) => child.once("close", (status) => resolve({ status, stdout, stderr })));
}

const state = async (id: string): Promise<string | undefined> =>
  (await agent.plugins()).find((report) => report.id === id)?.state;

/** Every file below the data folder in which a text stands. */
function filesWith(text: string): string[] {
  return readdirSync(dataDir, { recursive: true, encoding: "utf8" }).filter((name) => {
    const path = join(dataDir, name);
    return statSync(path).isFile() && readFileSync(path).includes(text);
  });
}

describe("the bundled host collector", () => {
  test("is reconfigured at 1 Hz without a second that is missing or there twice", async () => {
    const fromMs = Math.ceil(Date.now() / 1000) * 1000;
    const stalls = watchStalls();
    for (let i = 0; i < 6; i++) {
      const { status } = await post("collectors/host", "config", { config: { slow_interval_ms: 10_000 + i } });
      expect(status).toBe(200);
      await sleep(300 + 130 * i);
    }
    const toMs = Math.floor(Date.now() / 1000) * 1000;
    await until("the last second", 5000, async () =>
      (await agent.query("timestamp(node_load1)")).some(({ value }) => Number(value![1]) * 1000 >= toMs),
    );
    stalls.stop();
    const seconds = Math.round((toMs - fromMs) / 1000);
    const [{ value }] = await agent.query(`count_over_time(node_load1[${seconds}s])`, toMs + 500);
    const skipped = (await agent.plugins()).find(({ id }) => id === "collectors/host")!.cost.skipped;
    // A machine that stands still for a second may cost a tick, which then is counted; none is ever there twice.
    expect(Number(value![1])).toBeLessThanOrEqual(seconds + 1);
    expect(Number(value![1]) + skipped + (3 * stalls.heldUpMs) / 1000).toBeGreaterThanOrEqual(seconds);
    expect((await detail("collectors/host")).instances[0]).toMatchObject({ config: { slow_interval_ms: 10_005 }, problems: [] });
  });

  test("keeps its configuration when the new one is not valid, and the door says what is wrong", async () => {
    const before = readFileSync(join(dataDir, "config.json"), "utf8");
    const { status, body } = await post<{ problems: ConfigProblem[] }>("collectors/host", "config", {
      config: { slow_intervall_ms: 1, source: "prok", interval_ms: "10ms" },
    });
    expect(status).toBe(422);
    expect(body.problems.map(({ where }) => where).sort()).toEqual(["/interval_ms", "/slow_intervall_ms", "/source"]);
    expect(readFileSync(join(dataDir, "config.json"), "utf8")).toBe(before);
    const checked = await post<{ problems: ConfigProblem[] }>("collectors/host", "config", {
      config: { source: "prok" },
      check: true,
    });
    expect(checked).toMatchObject({ status: 200, body: { problems: [{ where: "/source" }] } });
    expect(await post("collectors/host", "config", { config: {}, check: true })).toEqual({ status: 200, body: { problems: [] } });
  });
});

describe("a secret", () => {
  test("is asked for, set from a pipe, and said by nobody", async () => {
    expect((await detail("collectors/leaky")).instances[0].problems).toMatchObject([
      { where: "/token", message: expect.stringMatching(/--secret token/) as string },
    ]);
    expect((await plugin("config", "collectors/leaky", `token=${SECRET}`)).stderr).toMatch(/--secret token reads it/);
    const set = await piped(`${SECRET}\n`, "config", "collectors/leaky", "--secret", "token");
    expect(set).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/token is set\. The running agent works with it/) as string,
    });
    await until(
      "a sample of it",
      10_000,
      async () => (await agent.query("leaky_length"))[0]?.value?.[1] === String(SECRET.length),
    );
    await done("config", "collectors/leaky", "mode=loud");
    await until("its error", 10_000, async () => (await agent.plugins()).some(({ reason }) => reason === "bad token [secret]"));
    await until("its log", 10_000, () =>
      readFileSync(join(dataDir, "agent.log"), "utf8").includes("printed: my token is [secret]"),
    );
    for (const args of [
      ["config", "collectors/leaky"],
      ["info", "collectors/leaky", "--json"],
      ["list", "--json"],
    ])
      expect(await done(...args)).not.toContain(SECRET);
    expect(JSON.stringify([await detail("collectors/leaky"), await agent.json("/api/agent/status")])).not.toContain(SECRET);
    expect(filesWith(SECRET)).toEqual(["secrets.json"]);
    expect(statSync(join(dataDir, "secrets.json")).mode & 0o777).toBe(0o600);
    expect(agent.output()).not.toContain(SECRET);
  });

  test("in clear in config.json is refused, and the plugin runs on", async () => {
    const { body } = await post<{ problems: ConfigProblem[] }>("collectors/leaky", "config", {
      config: { token: "clear-clear" },
    });
    expect(body.problems).toHaveLength(1);
    expect(JSON.stringify(body)).not.toContain("clear-clear");
    expect(await done("config", "collectors/leaky", "mode=")).toMatch(/mode is as by default/);
    expect(JSON.parse(await done("config", "collectors/leaky", "--json"))).toMatchObject({
      effective: { interval_ms: { value: "500ms", from: "default" }, mode: { value: "quiet", from: "default" } },
      secrets: ["token"],
    });
  });
});

describe("instances", () => {
  test("are added, configured, switched and taken away while the agent runs", async () => {
    expect(await post("collectors/leaky", "action", { action: "add_instance", instance: "No!" })).toMatchObject({ status: 400 });
    for (const instance of ["lan", "wan"])
      expect((await post("collectors/leaky", "action", { action: "add_instance", instance })).status).toBe(200);
    expect(await post("collectors/leaky", "action", { action: "add_instance", instance: "lan" })).toMatchObject({ status: 409 });
    await piped("another one", "config", "collectors/leaky", "--instance", "wan", "--secret", "token");
    await until("both", 10_000, async () => {
      const rows = await agent.query('leaky_length{plugin_instance!=""}');
      const lengths = new Map(rows.map(({ metric, value }) => [metric["plugin_instance"], Number(value![1])]));
      return lengths.get("lan") === SECRET.length && lengths.get("wan") === "another one".length;
    });
    expect(await done("disable", "collectors/leaky#lan")).toMatch(/is disabled. The running agent has taken it up/);
    expect(await state("collectors/leaky#lan")).toBe("stopped");
    expect(await state("collectors/leaky#wan")).toBe("ok");
    expect(await done("enable", "collectors/leaky#lan")).toMatch(/is enabled/);
    expect(await state("collectors/leaky#lan")).toBe("ok");
    await post("collectors/leaky", "action", { action: "remove", instance: "lan" });
    const after = await post<PluginDetail>("collectors/leaky", "action", { action: "remove", instance: "wan" });
    expect(after.body.instances).toMatchObject([{ instance: "default", enabled: false }]);
    expect(readFileSync(join(dataDir, "secrets.json"), "utf8")).not.toContain("another one");
    await done("enable", "collectors/leaky");
    expect(await state("collectors/leaky")).toBe("ok");
  });

  test("a restart is another process, and storage is not restarted under the samples", async () => {
    const pid = async (): Promise<number | null | undefined> =>
      (await detail("collectors/leaky")).instances[0].report?.isolation?.pid;
    const before = await pid();
    expect((await post("collectors/leaky", "action", { action: "restart" })).status).toBe(200);
    expect(await pid()).not.toBe(before);
    expect(await post("storage/series", "action", { action: "restart" })).toMatchObject({ status: 409 });
    const { body } = await post<PluginDetail>("storage/series", "config", { config: { retention_days: 20 } });
    expect(body.instances[0]).toMatchObject({ pending: expect.stringMatching(/next start/) as string });
    expect(await done("config", "storage/series", "retention_days=")).toMatch(/retention_days is as by default/);
    expect((await detail("storage/series")).instances[0].pending).toBeNull();
  });
});

describe("config.json", () => {
  const file = (): string => join(dataDir, "config.json");
  const sensitivity = async (): Promise<unknown> => (await detail("collectors/leaky")).instances[0].config["mode"];

  test("counts when it is replaced by hand, and one that cannot be understood changes nothing", async () => {
    const good = readFileSync(file(), "utf8");
    writeFileSync(`${file()}.draft`, JSON.stringify({ plugins: { "collectors/leaky": { config: { mode: "loud" } } } }));
    renameSync(`${file()}.draft`, file());
    await until("the change", 10_000, async () => (await sensitivity()) === "loud");
    writeFileSync(file(), "{");
    await until("the problem", 10_000, async () =>
      (await agent.json<AgentStatus>("/api/agent/status")).problems.some((text) => /config.json is not JSON/.test(text)),
    );
    expect(await state("collectors/host")).toBe("ok");
    expect((await plugin("config", "collectors/leaky", "mode=quiet")).stderr).toMatch(/mend the file/);
    expect(readFileSync(file(), "utf8")).toBe("{");
    writeFileSync(file(), JSON.stringify({ plugins: { "collectors/leaky": { config: { mode: "lout" } } } }));
    await until("what is wrong with it", 10_000, async () =>
      (await agent.json<AgentStatus>("/api/agent/status")).problems.some((text) => /did you mean "loud"/.test(text)),
    );
    writeFileSync(file(), good);
    await until("no problem", 10_000, async () =>
      (await agent.json<AgentStatus>("/api/agent/status")).problems.every((text) => !/config/.test(text)),
    );
  });

  test("says no more of a plugin that is removed, whose secrets are forgotten", async () => {
    expect(await done("remove", "collectors/leaky")).toMatch(/is removed/);
    expect(existsSync(join(dataDir, "plugins/collectors/leaky"))).toBe(false);
    expect(await state("collectors/leaky")).toBeUndefined();
    expect(filesWith(SECRET)).toEqual([]);
    expect((await agent.fetch("/api/agent/plugins/collectors/leaky")).status).toBe(404);
    expect(await post("collectors/host", "action", { action: "remove" })).toMatchObject({ status: 409 });
  });

  test("without an agent the command line writes the files", async () => {
    await agent.stop();
    writeLeaky();
    expect((await piped(SECRET, "config", "collectors/leaky", "--secret", "token")).stdout).toMatch(
      /counts when the agent starts/,
    );
    expect((await plugin("config", "collectors/leaky", "interval_ms=10ms")).stderr).toMatch(
      /expected 100 ms or more, found "10ms"/,
    );
    await done("config", "collectors/leaky", "interval_ms=2s");
    expect(await done("config", "collectors/leaky")).toMatch(/interval_ms +"2s" +set\n[\s\S]*token +\(secret\) +set/);
    const clear = { plugins: { "collectors/leaky": { config: { token: "clear-clear" } } } };
    writeFileSync(file(), JSON.stringify(clear));
    for (const args of [
      ["config", "collectors/leaky"],
      ["config", "collectors/leaky", "--json"],
    ]) {
      const shown = await done(...args);
      expect(shown).toMatch(/does not belong into config.json/);
      expect(shown).not.toContain("clear-clear");
    }
    agent = await startAgent({ dataDir });
    await until("it says why it does not run", 10_000, async () => (await state("collectors/leaky")) === "failed");
    expect(agent.output() + readFileSync(join(dataDir, "agent.log"), "utf8")).not.toContain("clear-clear");
    await done("config", "collectors/leaky", "interval_ms=1s");
    await until("a sample", 10_000, async () => (await agent.query("leaky_length")).length > 0);
    expect(readFileSync(file(), "utf8")).not.toContain("clear-clear");
  });
});
