import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PLUGIN_KINDS, type PluginReport } from "all-use-agent/sdk";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type CommandResult, runCommand, startAgent, temporaryFolder } from "../support/agent.ts";
import { recordFigure } from "../support/figures.ts";
import { until } from "../support/wait.ts";

let dataDir: string;
beforeEach(() => {
  dataDir = temporaryFolder();
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

function plugin(...args: string[]): Promise<CommandResult> {
  return runCommand(["plugin", ...args, "--data-dir", dataDir]);
}

async function done(...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await plugin(...args);
  expect(status, stderr).toBe(0);
  return stdout;
}

/** One sentence on stderr, exit status 1, and nothing left in the plugins folder. */
async function refused(...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await plugin(...args);
  expect(status, stdout).toBe(1);
  expect(stderr.trim().split("\n")).toHaveLength(1);
  return stderr;
}

function installed(): string[] {
  const root = join(dataDir, "plugins");
  if (!existsSync(root)) return [];
  return readdirSync(root, { recursive: true, encoding: "utf8" }).filter((path) => !path.startsWith("node_modules"));
}

describe("alluse plugin new", () => {
  test("from nothing to the first sample of a metric of one's own", async () => {
    const startMs = performance.now();
    await done("new", "--kind", "collector", "tides");
    await using agent = await startAgent({ dataDir });
    await until("a sample", 10_000, async () => (await agent.query("tides_level")).length > 0);
    recordFigure("alluse plugin new, agent start, first sample", performance.now() - startMs, "ms");
    await until(
      "its panel",
      10_000,
      async () => (await agent.query('alluse_panel_value{panel="collectors/tides/level"}')).length > 0,
    );
    const { stdout } = await runCommand(["plugin", "info", "collectors/tides", "--data-dir", dataDir]);
    expect(stdout).toMatch(/tides_level \(gauge, percent\)/);
    expect(stdout).toMatch(/period_s: 60/);
    expect(stdout).toContain(join(dataDir, "plugins/collectors/tides"));
  });

  test("every kind runs in the agent as it was written", async () => {
    // A second document store cannot serve beside the bundled one; it must still start.
    for (const kind of PLUGIN_KINDS) await done("new", "--kind", kind, "fresh");
    await using agent = await startAgent({ dataDir });
    const fresh = (reports: PluginReport[]) => reports.filter(({ id }) => id.endsWith("/fresh"));
    await until("all started", 10_000, async () => fresh(await agent.plugins()).every(({ state }) => state === "ok"));
    expect(fresh(await agent.plugins())).toHaveLength(PLUGIN_KINDS.length);
    await until("the route's answer", 10_000, async () => (await agent.json<unknown[]>("/plugins/fresh/latest")).length > 0);
  });

  test("writes over nothing, and not half of something", async () => {
    await done("new", "--kind", "model", "fresh");
    expect(await refused("new", "--kind", "model", "fresh")).toContain("already there");
    for (const args of [["--kind", "colector", "x"], ["--kind", "model", "../x"], ["x"], ["--kind", "model"]]) {
      expect((await plugin("new", ...args)).status).toBe(2);
    }
  });
});

describe("alluse plugin test", () => {
  test("tells which check a plugin fails and why", async () => {
    const folder = join(dataDir, "demo");
    await done("new", "--kind", "collector", "demo", "--dir", folder);
    expect(await done("test", folder)).toMatch(/checks passed/);
    const entry = join(folder, "index.mjs");
    writeFileSync(entry, readFileSync(entry, "utf8").replace("ctx.emit(batch)", "setInterval(() => {}, 1e6); ctx.emit(batch)"));
    const { status, stdout } = await plugin("test", folder, "--json");
    expect(status).toBe(1);
    const { checks } = JSON.parse(stdout) as { checks: { name: string; ok: boolean; reason: string }[] };
    expect(checks.filter(({ ok }) => !ok).map(({ reason }) => reason)).toEqual([expect.stringMatching(/Timeout/)]);
  });

  test("survives a plugin that throws where nobody catches", async () => {
    const folder = join(dataDir, "demo");
    await done("new", "--kind", "collector", "demo", "--dir", folder);
    const entry = join(folder, "index.mjs");
    writeFileSync(entry, readFileSync(entry, "utf8").replace("ctx.emit(batch)", "void Promise.reject(new Error('forgotten'))"));
    const { status, stdout } = await plugin("test", folder);
    expect(status).toBe(1);
    expect(stdout).toMatch(/FAIL .*forgotten/);
  });
});

describe("alluse plugin pack, add, remove", () => {
  test("carry a plugin to another agent", async () => {
    const folder = join(dataDir, "demo");
    const file = join(dataDir, "demo.alluse-plugin");
    await done("new", "--kind", "collector", "demo", "--dir", folder);
    const hash = /[0-9a-f]{64}/.exec(await done("pack", folder, "-o", file))?.[0];
    expect(await done("add", file)).toContain(hash);
    expect(readFileSync(join(dataDir, "plugins/collectors/demo/index.mjs"))).toEqual(readFileSync(join(folder, "index.mjs")));
    expect(await refused("add", folder)).toMatch(/--replace/);
    const manifest = JSON.parse(readFileSync(join(folder, "plugin.json"), "utf8")) as Record<string, unknown>;
    writeFileSync(join(folder, "plugin.json"), JSON.stringify({ ...manifest, version: "0.2.0", permissions: ["read:/var/log"] }));
    expect(await done("add", folder, "--replace", "--yes")).toMatch(
      /now also: reads files in \/var\/log[\s\S]*in place of 0.1.0/,
    );
    await done("remove", "collectors/demo");
    expect(installed().filter((path) => path.includes("demo"))).toEqual([]);
    expect(await refused("remove", "collectors/demo")).toMatch(/there is no plugin/);
    expect(await refused("remove", "collectors/host")).toMatch(/comes with the agent/);
  });

  test("refuse hostile and broken packages, writing nothing", async () => {
    const folder = join(dataDir, "demo");
    const file = join(dataDir, "demo.alluse-plugin");
    await done("new", "--kind", "collector", "demo", "--dir", folder);
    await done("pack", folder, "-o", file);
    const whole = readFileSync(file);
    const damaged = Buffer.from(whole);
    damaged[20] ^= 1;
    for (const [bytes, reason] of [
      [whole.subarray(0, whole.length - 20), /damaged/],
      [damaged, /SHA-256/],
      [Buffer.from("#!/bin/sh\n"), /not a packed plugin/],
    ] as const) {
      writeFileSync(file, bytes);
      expect(await refused("add", file)).toMatch(reason);
    }
    symlinkSync("/etc", join(folder, "etc"));
    expect(await refused("add", folder)).toMatch(/symlink/);
    rmSync(join(folder, "etc"));
    mkdirSync(join(folder, "many"));
    for (let i = 0; i < 1001; i++) writeFileSync(join(folder, "many", String(i)), "");
    expect(await refused("add", folder)).toMatch(/at most 1000/);
    rmSync(join(folder, "many"), { recursive: true });
    writeFileSync(join(folder, "plugin.json"), '{"id": "collectors/host"}');
    expect(await refused("add", folder)).toMatch(/not a valid manifest/);
    expect(installed()).toEqual([]);
  });
});

describe("a running agent", () => {
  test("takes up plugins that are dropped in, changed and taken away, keeping their state", async () => {
    await using agent = await startAgent({ dataDir });
    const stateOf = async (id: string) => (await agent.plugins()).find((report) => report.id === id)?.state;
    const droppedMs = performance.now();
    expect(await done("new", "--kind", "collector", "tides")).toMatch(/within seconds/);
    await until("a sample", 15_000, async () => (await agent.query("tides_level")).length > 0, 20);
    recordFigure("alluse plugin new to first sample in a running agent", performance.now() - droppedMs, "ms");

    const folder = join(dataDir, "plugins/collectors/tides");
    writeFileSync(join(folder, "value.mjs"), "export const value = 1;");
    const counting = `import { createBatch, definePlugin } from "all-use-agent/sdk";
import { value } from "./value.mjs";
export default definePlugin("collector", (ctx) => {
  let restored = 0;
  const batch = createBatch(1);
  return {
    snapshot: () => Uint8Array.of(restored + 1),
    restore: (bytes) => void (restored = bytes[0]),
    collect() {
      batch.series[0] = ctx.series("tides_level");
      batch.timestamps[0] = ctx.clock.now();
      batch.values[0] = value * 1000 + restored;
      batch.length = 1;
      ctx.emit(batch);
    },
  };
});`;
    writeFileSync(join(folder, "index.mjs"), counting);
    const newest = async () => Number((await agent.query("tides_level"))[0]?.value?.[1]);
    await until("the changed code", 15_000, async () => (await newest()) >= 1000, 20);
    const restored = (await newest()) % 1000;
    const savedMs = performance.now();
    // A module that the entry imports, changed alone.
    writeFileSync(join(folder, "value.mjs"), "export const value = 2;");
    await until("the changed module", 15_000, async () => (await newest()) >= 2000, 20);
    recordFigure("plugin saved to first new sample", performance.now() - savedMs, "ms");
    expect((await newest()) % 1000).toBeGreaterThan(restored);

    writeFileSync(join(folder, "index.mjs"), "this is no JavaScript");
    await until("it fails", 15_000, async () => (await stateOf("collectors/tides")) === "failed");
    writeFileSync(join(folder, "index.mjs"), counting);
    await until("it works again", 15_000, async () => (await stateOf("collectors/tides")) === "ok");
    await done("remove", "collectors/tides");
    await until("it is gone", 15_000, async () => (await stateOf("collectors/tides")) === undefined);
    expect(await stateOf("collectors/host")).toBe("ok");
  });
});

describe("alluse plugin disable", () => {
  test("keeps a bundled plugin from starting, enable starts it at once", async () => {
    expect(await done("disable", "models/forecast")).toMatch(/when the agent starts/);
    await using agent = await startAgent({ dataDir });
    const state = async () => (await agent.plugins()).find(({ id }) => id === "models/forecast")?.state;
    expect(await state()).toBe("stopped");
    expect(await done("enable", "models/forecast")).toMatch(/running agent/);
    expect(await state()).toBe("ok");
    expect(await refused("disable", "models/forcast")).toMatch(/did you mean models\/forecast/);
  });
});
