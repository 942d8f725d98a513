import type { AgentStatus, PluginReport } from "all-use-agent/sdk";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CommandResult, type QueryResult, type RunningAgent, runCommand, startAgent } from "../support/agent.ts";
import { until } from "../support/wait.ts";

let agent: RunningAgent;

beforeAll(async () => {
  agent = await startAgent();
  await until("a sample", 10_000, async () => (await agent.query("node_load1")).length > 0);
});
afterAll(() => agent[Symbol.asyncDispose]());

async function command(...args: string[]): Promise<CommandResult> {
  const result = await runCommand([...args, "--data-dir", agent.dataDir]);
  expect(result.status, result.stderr).toBe(0);
  return result;
}

async function commandJson<T>(...args: string[]): Promise<T> {
  return JSON.parse((await command(...args, "--json")).stdout) as T;
}

describe("alluse status", () => {
  test("says what runs, what it costs and where the page is", async () => {
    const { stdout } = await command("status");
    expect(stdout).toContain(agent.origin);
    expect(stdout).toMatch(/MB|MiB/);
    expect(stdout).toMatch(/%/);
  });

  test("--json is the agent's own status", async () => {
    const status = await commandJson<AgentStatus>("status");
    expect(status.pid).toBe(agent.pid);
    expect(status.dataDir).toBe(agent.dataDir);
  });
});

describe("alluse query", () => {
  test("prints a line a series", async () => {
    const { stdout } = await command("query", "node_load1");
    expect(stdout).toMatch(/node_load1/);
    expect(stdout).toMatch(/\d/);
  });

  test("--json is what the API answers", async () => {
    // At the very time of a sample: nothing that arrives meanwhile changes what is true of it.
    const [newest] = await agent.query("timestamp(node_load1)");
    const timeS = newest.value![1];
    const answer = await commandJson<{ data?: { result: QueryResult[] }; result?: QueryResult[] }>(
      "query",
      "node_load1",
      "--time",
      timeS,
    );
    const rows = answer.data?.result ?? answer.result;
    expect(rows).toEqual(await agent.query("node_load1", Number(timeS) * 1000));
  });

  test("a range has a value a step", async () => {
    const toS = await until("three seconds of samples", 10_000, async () => {
      const nowS = Math.floor(Date.now() / 1000);
      return (await agent.query("node_load1", (nowS - 2) * 1000)).length > 0 ? nowS : null;
    });
    const range = ["--from", String(toS - 2), "--to", String(toS), "--step", "1s"];
    const { stdout } = await command("query", "node_load1", ...range);
    expect(stdout.trim().split("\n").length).toBeGreaterThanOrEqual(1);
    const answer = await commandJson<{ data?: { result: QueryResult[] }; result?: QueryResult[] }>(
      "query",
      "node_load1",
      ...range,
    );
    expect((answer.data?.result ?? answer.result)?.[0]?.values?.length).toBeGreaterThanOrEqual(2);
  });

  test("a query that cannot be parsed is one sentence that says where", async () => {
    const { status, stderr } = await runCommand(["query", "sum(", "--data-dir", agent.dataDir]);
    expect(status).toBeGreaterThan(0);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });
});

describe("alluse plugin list", () => {
  test("names every plugin with its state", async () => {
    const { stdout } = await command("plugin", "list");
    for (const { id } of await agent.plugins()) expect(stdout).toContain(id);
    expect(stdout).toContain("ok");
  });

  test("--json is the API's list", async () => {
    const answer = await commandJson<{ plugins?: PluginReport[] } | PluginReport[]>("plugin", "list");
    const listed = Array.isArray(answer) ? answer : (answer.plugins ?? []);
    expect(listed.map(({ id }) => id).sort()).toEqual((await agent.plugins()).map(({ id }) => id).sort());
  });
});

describe("alluse doctor", () => {
  test("finds nothing wrong with a well agent", async () => {
    const { stdout } = await command("doctor");
    expect(stdout).not.toBe("");
  });

  test("--json can be parsed", async () => {
    expect(await commandJson("doctor")).toBeTypeOf("object");
  });
});
