import { chmod, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { PluginReport } from "all-use-agent/sdk";
import { answerText } from "../api/answer.ts";
import { createDoor } from "../api/door.ts";
import { MemoryAgent } from "../api/testing.ts";
import { readOrMakeToken } from "../api/token.ts";
import { agentFilePath, removeAgentFile, writeAgentFile } from "./agent-file.ts";
import { runCommand } from "./commands.ts";
import { type Listener, listen } from "./listener.ts";

/** A process number that no system gives out. */
const NO_PROCESS = 2 ** 30;

function pluginReport(id: string, state: PluginReport["state"], reason: string | null): PluginReport {
  const cost = { cpuMsPerSecond: 0.25, calls: 10, p50Ms: 0.1, p99Ms: 1, samplesPerSecond: 300, skipped: 0, errors: 0 };
  return {
    id,
    title: id,
    kind: "collector",
    version: "1.0.0",
    folder: `/plugins/${id}`,
    origin: "bundled",
    state,
    reason,
    code: null,
    sinceMs: 0,
    cost,
  };
}

describe("the command line", () => {
  let out: string;
  let err: string;
  beforeEach(() => {
    out = "";
    err = "";
    vi.spyOn(process.stdout, "write").mockImplementation((text) => ((out += String(text)), true));
    vi.spyOn(process.stderr, "write").mockImplementation((text) => ((err += String(text)), true));
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  describe("misused", () => {
    it.each([
      [[], "No command"],
      [["frobnicate"], '"frobnicate"'],
      [["__proto__"], '"__proto__"'],
      [["--verbose"], "--verbose"],
      [["start", "--port", "http"], "--port"],
      [["start", "--port", "65536"], "--port"],
      [["start", "--port"], "--port"],
      [["start", "--data-dir="], "--data-dir"],
      [["start", "--auth", "basic"], "--auth"],
      [["start", "--clock", "fast"], "--clock"],
      [["start", "--host", "0.0.0.0"], "--host"],
      [["start", "now"], '"now"'],
      [["start", "--bare=yes"], "--bare"],
      [["status", "x"], '"x"'],
      [["query"], "expression"],
      [["query", "up", "down"], '"down"'],
      [["query", "up", "--to", "now"], "--from"],
      [["query", "up", "--from", "now", "--time", "now"], "--time"],
      [["query", "up", "--from", "now", "--to", "now-1h"], "--to"],
      [["query", "up", "--time", "yesterday"], "--time"],
      [["plugin"], "list, info, new"],
      [["plugin", "install"], '"install"'],
      [["plugin", "info"], "id"],
      [["plugin", "list", "x"], '"x"'],
      [["doctor", "--fix"], "--fix"],
    ])("as %j ends with 2 and one sentence that names the place", async (args, place) => {
      expect(await runCommand(args)).toBe(2);
      expect(out).toBe("");
      expect(err).toMatch(/^alluse.*: .*\n$/);
      expect(err.split("\n")).toHaveLength(2);
      expect(err).toContain(place);
      expect(err).toContain("--help");
    });
  });

  it.each([
    [["--help"]],
    [["-h"]],
    [["help"]],
    [["start", "--help"]],
    [["status", "-h"]],
    [["query", "--help"]],
    [["query", "up", "--help"]],
    [["plugin", "--help"]],
    [["plugin", "list", "--help"]],
    [["doctor", "--help"]],
  ])("helps with %j", async (args) => {
    expect(await runCommand(args)).toBe(0);
    expect(out).toMatch(/^Usage: alluse/);
    expect(err).toBe("");
  });

  it("tells its version", async () => {
    expect(await runCommand(["--version"])).toBe(0);
    expect(out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it("names the default port in the help of start", async () => {
    await runCommand(["start", "--help"]);
    expect(out).toContain("8420");
  });

  describe("without an agent", () => {
    let dataDir: string;
    beforeEach(async () => {
      dataDir = await mkdtemp(join(tmpdir(), "alluse-cli-"));
    });
    afterEach(() => rm(dataDir, { recursive: true }));

    it("says so, and how to start one", async () => {
      expect(await runCommand(["status", "--data-dir", dataDir])).toBe(1);
      expect(err).toBe(
        `alluse status: No agent runs on ${dataDir}; start one with alluse start, or name its folder with --data-dir.\n`,
      );
    });

    it("says that it died when its process is gone", async () => {
      await writeAgentFile(dataDir, { pid: NO_PROCESS, port: 1, startedMs: 0 });
      expect(await runCommand(["query", "up", "--data-dir", dataDir])).toBe(1);
      expect(err).toContain("has died");
    });

    it("says that its file is damaged", async () => {
      await writeFile(agentFilePath(dataDir), "{");
      expect(await runCommand(["plugin", "list", "--data-dir", dataDir])).toBe(1);
      expect(err).toContain("is damaged");
    });

    it("says that nothing answers", async () => {
      const listener = await listen(0, async () => answerText(200, "x"));
      await listener.close();
      await writeAgentFile(dataDir, { pid: process.pid, port: listener.port, startedMs: 0 });
      expect(await runCommand(["status", "--data-dir", dataDir])).toBe(1);
      expect(err).toContain("does not answer");
    });

    it("finds that all is ready for one", async () => {
      expect(await runCommand(["doctor", "--data-dir", dataDir])).toBe(0);
      expect(out).toMatch(/^ok {4}data folder: /m);
      expect(out).toMatch(/^warn {2}agent: none runs/m);
    });

    it("finds a data folder that is a file", async () => {
      const file = join(dataDir, "file");
      await writeFile(file, "");
      expect(await runCommand(["doctor", "--data-dir", file])).toBe(1);
      expect(out).toMatch(/^fail {2}data folder: .*is not a folder/m);
    });
  });

  describe("with an agent", () => {
    const agent = new MemoryAgent();
    let dataDir: string;
    let listener: Listener;
    let token: string;

    beforeAll(async () => {
      dataDir = await mkdtemp(join(tmpdir(), "alluse-cli-"));
      token = await readOrMakeToken(dataDir);
      agent.store.put("node_load1", {}, [[agent.nowMs, 0.5]]);
      agent.store.put("up", { job: "a b" }, [[agent.nowMs, 1]]);
      listener = await listen(0, createDoor(agent, { auth: { mode: "token", token }, pageDir: null }));
      await writeAgentFile(dataDir, { pid: process.pid, port: listener.port, startedMs: Date.now() });
    });
    afterAll(async () => {
      await listener.close();
      await removeAgentFile(dataDir);
      await rm(dataDir, { recursive: true });
    });
    beforeEach(() => {
      agent.pluginReports = [
        pluginReport("collectors/host", "ok", null),
        pluginReport("models/forecast", "degraded", "Not enough data yet."),
      ];
    });

    it("tells its status and the address that signs in", async () => {
      expect(await runCommand(["status", "--data-dir", dataDir])).toBe(0);
      expect(out).toContain(`http://127.0.0.1:${listener.port}/?token=${token}\n`);
      expect(out).toMatch(/^plugins {2}2, 1 not well$/m);
      out = "";
      expect(await runCommand(["status", "--json", "--data-dir", dataDir])).toBe(0);
      expect(JSON.parse(out)).toMatchObject({ version: "0.1.0" });
    });

    it("answers a query as a table and as JSON", async () => {
      const time = String(agent.nowMs / 1000);
      expect(await runCommand(["query", "node_load1", "--time", time, "--data-dir", dataDir])).toBe(0);
      expect(out).toBe("SERIES      VALUE\nnode_load1    0.5\n");
      out = "";
      expect(
        await runCommand(["query", "up", "--time", new Date(agent.nowMs).toISOString(), "--data-dir", dataDir, "--json"]),
      ).toBe(0);
      expect(JSON.parse(out)).toMatchObject({ status: "success", data: { resultType: "vector" } });
      out = "";
      expect(
        await runCommand([
          "query",
          "up",
          "--from",
          String(agent.nowMs / 1000),
          "--to",
          time,
          "--step",
          "5",
          "--data-dir",
          dataDir,
        ]),
      ).toBe(0);
      expect(out).toMatch(/^up\{job="a b"\}\n {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}1\n$/);
      out = "";
      expect(await runCommand(["query", "--data-dir", dataDir, "--", "-1"])).toBe(0);
      expect(out).toBe("-1\n");
      out = "";
      expect(await runCommand(["query", "nothing", "--data-dir", dataDir])).toBe(0);
      expect(out).toBe("no data\n");
    });

    it("passes the agent's sentence about a wrong query on", async () => {
      expect(await runCommand(["query", "sum(", "--data-dir", dataDir])).toBe(1);
      expect(err).toMatch(/^alluse query: .*parse error.*\n$/);
    });

    it("lists plugins and tells of one", async () => {
      expect(await runCommand(["plugin", "list", "--data-dir", dataDir])).toBe(0);
      expect(out).toMatch(
        /^ID .*REASON\ncollectors\/host +ok +1\.0\.0 .*\nmodels\/forecast +degraded .* Not enough data yet\.\n$/,
      );
      out = "";
      expect(await runCommand(["plugin", "info", "models/forecast", "--data-dir", dataDir])).toBe(0);
      expect(out).toMatch(/^state +degraded since/m);
      expect(await runCommand(["plugin", "list", "--check", "--data-dir", dataDir])).toBe(1);
      expect(await runCommand(["plugin", "info", "models/none", "--data-dir", dataDir])).toBe(1);
      expect(err).toContain('"models/none"');
    });

    it("finds what is wrong with it", async () => {
      expect(await runCommand(["doctor", "--data-dir", dataDir])).toBe(0);
      expect(out).toMatch(/^warn {2}plugin models\/forecast: Not enough data yet\.$/m);
      agent.pluginReports = [pluginReport("collectors/host", "failed", "Its manifest cannot be read.")];
      out = "";
      expect(await runCommand(["doctor", "--json", "--data-dir", dataDir])).toBe(1);
      expect(JSON.parse(out)).toMatchObject({
        checks: expect.arrayContaining([
          { check: "plugin collectors/host", result: "fail", text: expect.any(String) as string },
        ]) as unknown,
      });
    });

    it.skipIf(process.platform === "win32")("finds a token that others may read", async () => {
      await chmod(join(dataDir, "token"), 0o644);
      expect(await runCommand(["doctor", "--data-dir", dataDir])).toBe(1);
      expect(out).toMatch(/^fail {2}token: .*chmod 600/m);
      await chmod(join(dataDir, "token"), 0o600);
    });

    it.skipIf(process.platform === "win32")("leaves where it is for this user only", async () => {
      expect((await stat(agentFilePath(dataDir))).mode & 0o777).toBe(0o600);
    });

    it("says so when the token is not the agent's", async () => {
      const other = await mkdtemp(join(tmpdir(), "alluse-cli-"));
      await readOrMakeToken(other);
      await writeAgentFile(other, { pid: process.pid, port: listener.port, startedMs: 0 });
      expect(await runCommand(["status", "--data-dir", other])).toBe(1);
      expect(err).toContain("token");
      await rm(other, { recursive: true });
    });
  });
});
