import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { PluginReport } from "all-use-agent/sdk";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RunningAgent, startAgent, temporaryFolder } from "../support/agent.ts";
import { until } from "../support/wait.ts";

const dataDir = temporaryFolder();
let agent: RunningAgent;

function writePlugin(name: string, manifest: string | object, code = "export default () => ({});"): void {
  const folder = join(dataDir, "plugins/collectors", name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "plugin.json"), typeof manifest === "string" ? manifest : JSON.stringify(manifest));
  writeFileSync(join(folder, "index.mjs"), code);
}

function manifestOf(name: string): object {
  const id = `collectors/${name}`;
  return {
    id,
    version: "1.0.0",
    api: 1,
    kind: "collector",
    entry: "index.mjs",
    title: name,
    stability: "development",
    metrics: {},
  };
}

/** Plugin → [code, what its reason must hold]. */
const BROKEN_CODE: Readonly<Record<string, readonly [string, RegExp]>> = {
  "throws-at-load": [`throw new Error("cannot load, says the plugin");`, /cannot load, says the plugin/],
  "no-factory": [`export const nothing = 1;`, /factory|default/],
  "throws-in-factory": [`export default () => { throw new Error("cannot be made"); };`, /cannot be made/],
  "throws-in-start": [`export default () => ({ start() { throw new Error("cannot start"); } });`, /cannot start/],
  "rejects-in-start": [`export default () => ({ async start() { throw new Error("start rejected"); } });`, /start rejected/],
  "rejects-later": [
    `export default () => ({ start() { setTimeout(() => { Promise.reject(new Error("rejected too late")); }, 300); } });`,
    /rejected too late/,
  ],
  "throws-in-timer": [
    `export default () => ({ start() { setTimeout(() => { throw new Error("thrown in a timer"); }, 300); } });`,
    /thrown in a timer/,
  ],
  "hangs-in-start": [`export default () => ({ start: () => new Promise(() => {}) });`, /start|within/],
};

beforeAll(async () => {
  writePlugin("broken-json", `{ "id": "collectors/broken-json", `);
  writePlugin("bad-manifest", { ...manifestOf("bad-manifest"), kind: "teapot" });
  writePlugin("future-api", { ...manifestOf("future-api"), api: 99 });
  writePlugin("no-entry", { ...manifestOf("no-entry"), entry: "gone.mjs" });
  writePlugin("wrong-kind", { ...manifestOf("wrong-kind"), id: "exporters/wrong-kind" });
  for (const [name, [code]] of Object.entries(BROKEN_CODE)) writePlugin(name, manifestOf(name), code);
  writePlugin("well", manifestOf("well"));
  agent = await startAgent({ dataDir });
});

afterAll(async () => {
  await agent[Symbol.asyncDispose]();
  rmSync(dataDir, { recursive: true, force: true });
});

function failed(name: string): Promise<PluginReport> {
  return until(`${name} to be reported as failed`, 45_000, async () => {
    const report = (await agent.plugins()).find(({ folder }) => folder.endsWith(join("collectors", name)));
    return report?.state === "failed" ? report : null;
  });
}

describe("a broken plugin is shown as failed with its reason", () => {
  test.each(["broken-json", "bad-manifest", "future-api", "no-entry", "wrong-kind"])("manifest: %s", async (name) => {
    const { reason, code } = await failed(name);
    expect(reason).toBeTruthy();
    expect(code).toBeTruthy();
  });

  test("a manifest's fault is named by its place", async () => {
    expect((await failed("bad-manifest")).reason).toMatch(/kind/);
    expect((await failed("future-api")).reason).toMatch(/99/);
  });

  test.each(Object.entries(BROKEN_CODE))("code: %s", async (name, [, expected]) => {
    const { reason, code } = await failed(name);
    expect(reason).toMatch(expected);
    expect(code).toBeTruthy();
  });
});

describe("the rest runs on", () => {
  test("every other plugin is well, installed ones too", async () => {
    const others = async (): Promise<PluginReport[]> =>
      (await agent.plugins()).filter(({ origin, folder }) => origin === "bundled" || folder.endsWith("well"));
    expect((await others()).length).toBeGreaterThan(5);
    // A reading that a busy machine held up degrades a plugin until the next one.
    await until("all of them to be well", 10_000, async () =>
      (await others()).every(({ state }) => state === "ok" || state === "stopped"),
    );
  });

  test("samples go on arriving after all the faults", async () => {
    const newest = async (): Promise<number> => Number((await agent.query("timestamp(node_load1)"))[0]?.value?.[1]);
    const before = await newest();
    await until("two more samples", 10_000, async () => (await newest()) > before + 1);
    expect(agent.isRunning).toBe(true);
  });
});
