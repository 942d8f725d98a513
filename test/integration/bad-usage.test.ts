import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type CommandResult, runCommand, startAgent, temporaryFolder } from "../support/agent.ts";

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** One sentence on stderr, nothing on stdout that a script could take for success, no stack. */
function expectOneSentence({ stderr, stdout }: CommandResult): void {
  const lines = stderr.trim().split("\n");
  expect(lines, stderr).toHaveLength(1);
  expect(lines[0].length).toBeGreaterThan(10);
  expect(stdout).not.toMatch(/^ready /m);
}

describe("bad usage ends with status 2 and one sentence", () => {
  test.each([
    ["an unknown command", ["brew"]],
    ["an unknown option", ["start", "--tea"]],
    ["a port that is no number", ["start", "--port", "many"]],
    ["a port out of range", ["start", "--port", "70000"]],
    ["an option without its value", ["start", "--data-dir"]],
    ["a query without an expression", ["query"]],
    ["an unknown plugin command", ["plugin", "brew"]],
    ["an unknown kind of authentication", ["start", "--auth", "maybe"]],
  ])("%s", async (_what, args) => {
    const result = await runCommand(args);
    expect(result.status, result.stderr).toBe(2);
    expectOneSentence(result);
  });

  test("--help is no error, on each command", async () => {
    for (const args of [["--help"], ["start", "--help"], ["query", "--help"], ["plugin", "--help"]]) {
      const { status, stdout } = await runCommand(args);
      expect(status, args.join(" ")).toBe(0);
      expect(stdout).toContain("alluse");
    }
  });
});

describe("what cannot be started ends with status 1 and one sentence, and nothing is damaged", () => {
  test("the port is in use", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    const { port } = server.address() as { port: number };
    try {
      const result = await runCommand(["start", "--port", String(port), "--data-dir", join(folder, "data")]);
      expect(result.status, result.stderr).toBe(1);
      expectOneSentence(result);
      expect(result.stderr).toContain(String(port));
    } finally {
      server.close();
    }
  });

  test("the data folder is a file", async () => {
    const file = join(folder, "file");
    writeFileSync(file, "mine");
    const result = await runCommand(["start", "--port", "0", "--data-dir", file]);
    expect(result.status, result.stderr).toBe(1);
    expectOneSentence(result);
    expect(result.stderr).toContain(file);
    expect(readFileSync(file, "utf8")).toBe("mine");
  });

  test("the data folder cannot be made", async () => {
    const file = join(folder, "file");
    writeFileSync(file, "mine");
    const result = await runCommand(["start", "--port", "0", "--data-dir", join(file, "below")]);
    expect(result.status, result.stderr).toBe(1);
    expectOneSentence(result);
  });

  test("the data folder belongs to a running agent, which goes on", async () => {
    await using agent = await startAgent();
    const result = await runCommand(["start", "--port", "0", "--data-dir", agent.dataDir]);
    expect(result.status, result.stderr).toBe(1);
    expectOneSentence(result);
    expect((await agent.fetch("/-/healthy")).status).toBe(200);
    expect(readFileSync(join(agent.dataDir, "token"), "utf8").trim()).toBe(agent.token);
  });

  test("a data folder left behind by a killed agent is no running agent's", async () => {
    const killed = await startAgent({ dataDir: folder });
    await killed.kill();
    await using agent = await startAgent({ dataDir: folder });
    expect((await agent.fetch("/-/healthy")).status).toBe(200);
  });

  test.each([
    ["not JSON", `{ "port": `],
    ["JSON of another shape", `[1, 2]`],
    ["an unknown setting", `{ "prot": 8420 }`],
  ])("a configuration file that is %s", async (_what, text) => {
    mkdirSync(join(folder, "data"));
    const config = join(folder, "data/config.json");
    writeFileSync(config, text);
    const result = await runCommand(["start", "--port", "0", "--data-dir", join(folder, "data")]);
    expect(result.status, result.stderr).toBe(1);
    expectOneSentence(result);
    expect(result.stderr).toContain("config.json");
    expect(readFileSync(config, "utf8")).toBe(text);
  });

  test("a configuration file that was named and is not there", async () => {
    const result = await runCommand([
      "start",
      "--port",
      "0",
      "--data-dir",
      join(folder, "data"),
      "--config",
      join(folder, "gone.json"),
    ]);
    expect([1, 2]).toContain(result.status);
    expectOneSentence(result);
  });

  test("a question to an agent that does not run", async () => {
    const result = await runCommand(["query", "up", "--data-dir", join(folder, "data")]);
    expect(result.status, result.stderr).toBe(1);
    expectOneSentence(result);
  });
});
