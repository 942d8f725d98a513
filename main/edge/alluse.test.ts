/** The built command line, as a process of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const BUILT = join(import.meta.dirname, "../../out/main/alluse.js");

interface Run {
  readonly child: ChildProcess;
  readonly output: () => { out: string; err: string };
  readonly ended: Promise<number | null>;
}

describe.skipIf(!existsSync(BUILT))("alluse, as built (skipped before npm run build)", () => {
  let dataDir: string;
  const children: ChildProcess[] = [];
  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "alluse-bin-"));
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill("SIGKILL");
    await rm(dataDir, { recursive: true, force: true });
  });

  function run(...args: string[]): Run {
    const child = spawn(process.execPath, [BUILT, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    children.push(child);
    let out = "";
    let err = "";
    child.stdout.on("data", (chunk) => (out += String(chunk)));
    child.stderr.on("data", (chunk) => (err += String(chunk)));
    const ended = new Promise<number | null>((resolve) => child.on("close", (code) => resolve(code)));
    return { child, output: () => ({ out, err }), ended };
  }

  async function started(...args: string[]): Promise<Run & { address: string }> {
    const process = run("start", "--bare", "--port", "0", "--data-dir", dataDir, ...args);
    const ready = /^ready (http:\/\/127\.0\.0\.1:\d+)$/m;
    await Promise.race([expect.poll(() => process.output().out).toMatch(ready), process.ended]);
    const address = ready.exec(process.output().out)?.[1];
    if (address === undefined) throw new Error(`did not start: ${process.output().err}`);
    return { ...process, address };
  }

  it("helps without loading the agent, and ends with 2 when misused", async () => {
    const help = run("--help");
    expect(await help.ended).toBe(0);
    expect(help.output().out).toContain("Usage: alluse");
    const misused = run("start", "--port", "x");
    expect(await misused.ended).toBe(2);
    expect(misused.output()).toEqual({ out: "", err: expect.stringMatching(/^alluse start: --port .*\n$/) as string });
  });

  it("starts, answers, tells its status and stops cleanly on SIGTERM", async () => {
    const agent = await started();
    const token = (await readFile(join(dataDir, "token"), "utf8")).trim();
    expect(agent.output().out).toBe(`ready ${agent.address}\npage ${agent.address}/?token=${token}\n`);
    expect(await (await fetch(`${agent.address}/-/ready`)).text()).toBe("ok\n");
    const status = run("status", "--json", "--data-dir", dataDir);
    expect(await status.ended).toBe(0);
    expect(JSON.parse(status.output().out)).toMatchObject({ pid: agent.child.pid, shell: "edge" });
    const query = run("query", "1+1", "--data-dir", dataDir);
    expect(await query.ended).toBe(0);
    expect(query.output().out).toBe("2\n");
    agent.child.kill("SIGTERM");
    expect(await agent.ended).toBe(0);
    expect(agent.output().err).toBe("");
    expect(existsSync(join(dataDir, "agent.json"))).toBe(false);
  });

  it("says in one sentence that the port or the data folder is taken", async () => {
    const agent = await started();
    const port = new URL(agent.address).port;
    const samePort = run("start", "--bare", "--port", port, "--data-dir", join(dataDir, "other"));
    expect(await samePort.ended).toBe(1);
    expect(samePort.output().err).toBe(
      `alluse start: Port ${port} is in use by another program; stop it, or choose another with --port N (0 picks a free one).\n`,
    );
    expect(existsSync(join(dataDir, "other"))).toBe(false);
    const sameFolder = run("start", "--bare", "--port", "0", "--data-dir", dataDir);
    expect(await sameFolder.ended).toBe(1);
    expect(sameFolder.output().err.split("\n")).toHaveLength(2);
    // The running one has lost nothing by it.
    expect((await fetch(`${agent.address}/-/ready`)).status).toBe(200);
    expect(existsSync(join(dataDir, "agent.json"))).toBe(true);
  });

  it("warns loudly without a token, and moves a simulated clock", async () => {
    const agent = await started("--auth", "none", "--clock", "simulated");
    expect(agent.output().err).toContain("WARNING");
    const before = (await (await fetch(`${agent.address}/api/agent/status`)).json()) as { nowMs: number };
    const moved = await fetch(`${agent.address}/api/agent/clock`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ advance_ms: 60_000 }),
    });
    expect(await moved.json()).toEqual({ nowMs: before.nowMs + 60_000 });
  });

  it("ends at once on the second signal", async () => {
    const agent = await started();
    // An open stream keeps the first one waiting for a moment.
    const token = (await readFile(join(dataDir, "token"), "utf8")).trim();
    const stream = await fetch(`${agent.address}/api/agent/stream`, { headers: { Authorization: `Bearer ${token}` } });
    agent.child.kill("SIGINT");
    agent.child.kill("SIGTERM");
    expect(await agent.ended).toBe(1);
    await stream.body?.cancel().catch(() => undefined);
  });
});
