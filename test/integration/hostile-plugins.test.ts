/**
 * Plugins that do their worst, against the built agent. Each is dropped into the data folder; what is asserted is that it is
 * contained, that the report says what happened, and that neither the host's collector nor a neighbour misses a tick.
 */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server } from "node:net";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { AgentStatus, PluginReport } from "all-use-agent/sdk";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RunningAgent, startAgent, temporaryFolder } from "../support/agent.ts";
import { quantile, recordFigure } from "../support/figures.ts";
import { isLinux, NOT_LINUX } from "../support/machine.ts";
import { type Stalls, watchStalls } from "../support/stalls.ts";
import { sleep, until } from "../support/wait.ts";

const dataDir = temporaryFolder();
const outside = temporaryFolder();
const isRoot = process.getuid?.() === 0;
let agent: RunningAgent;
let watching = true;
let watched: Promise<void> = Promise.resolve();
let server: Server;
let startedMs = 0;
let stalls: Stalls;
/** Between a plugin's start and its worst. */
const GRACE_MS = 300;
/** This process, which has little to do, feels what the machine itself holds up. Sampled as the agent samples itself. */
const SAMPLED_MS = 100;
const ownDelay = monitorEventLoopDelay({ resolution: SAMPLED_MS });
/** Long enough for every crash, restart and giving up. */
const WATCHED_MS = 15_000;
/** Plugin → when it was first seen well, and when first ended, in this process's milliseconds. */
const wellMs = new Map<string, number>();
const endedMs = new Map<string, number>();
/** Plugin → every reason it ever showed. */
const reasons = new Map<string, Set<string>>();
const codes = new Map<string, Set<string>>();

const WRITE_SYNC = `import { writeSync } from "node:fs";`;
/** Waits, so that it does its worst in a running agent, and says so in its status if it succeeded. */
const probe = (imports: string, body: string): string => `${imports}
export default (ctx) => ({ async collect() {
  try { const got = await (async () => { ${body} })(); ctx.status("degraded", "BROKE OUT: " + got); }
  catch (error) { ctx.status("degraded", "refused: " + (error.code ?? error.message)); }
} });`;
const later = (body: string, imports = ""): string =>
  `${imports}\nexport default (ctx) => ({ start() { setTimeout(() => { ${body} }, ${GRACE_MS}); } });`;

/** Plugin → [code, expected code of its failure, expected reason]. */
const ENDED: Readonly<Record<string, readonly [string, RegExp, RegExp]>> = {
  "throws-at-load": [`throw new Error("at load");`, /^start_failed$/, /at load/],
  "throws-later": [later(`throw new Error("thrown later");`), /^crashed$/, /thrown later/],
  "rejects-later": [later(`Promise.reject(new Error("rejected later"));`), /^crashed$/, /rejected later/],
  exits: [later(`process.exit(7);`), /^crashed$/, /status 7/],
  aborts: [later(`process.abort();`), /^crashed$/, /SIGABRT/],
  "kills-itself": [later(`process.kill(process.pid, "SIGKILL");`), /^crashed$/, /SIGKILL/],
  spins: [later(`for (;;);`), /^silent$/, /no sign of life/],
  "spins-at-load": [`for (;;);`, /^silent$/, /no sign of life/],
  "blocks-on-fifo": [
    later(`readFileSync(import.meta.dirname + "/fifo");`, `import { readFileSync } from "node:fs";`),
    /^silent$/,
    /no sign of life/,
  ],
  "catastrophic-regex": [later(`/^(a+)+$/.test("a".repeat(60) + "!");`), /^silent$/, /no sign of life/],
  "leaks-heap": [
    `const kept = []; export default () => ({ start() { setInterval(() => { for (let i = 0; i < 200; i++) kept.push(new Array(1000).fill(Math.random())); }, 5); } });`,
    /^memory_exceeded$/,
    /memory/,
  ],
  "leaks-buffers": [
    `const kept = []; export default () => ({ start() { setInterval(() => kept.push(Buffer.alloc(8e6, 1)), 20); } });`,
    /^memory_exceeded$/,
    /memory/,
  ],
  "leaks-fast": [later(`const kept = []; for (;;) kept.push(Buffer.alloc(50e6, 1));`), /^(memory_exceeded|crashed|silent)$/, /./],
  "floods-messages": [
    later(
      `const m = Buffer.from('{"t":"status","state":"ok"}'); const f = Buffer.alloc(9 + m.length); f.writeUInt32LE(4 + m.length, 0); f[4] = 2; f.writeUInt32LE(m.length, 5); m.copy(f, 9); for (;;) try { writeSync(4, f) } catch {}`,
      WRITE_SYNC,
    ),
    /^(message_flood|silent)$/,
    /messages in a second|sign of life/,
  ],
  "floods-status": [
    later(`setInterval(() => { for (let i = 0; i < 5000; i++) ctx.status("degraded", "x" + i); }, 1);`),
    /^message_flood$/,
    /messages in a second/,
  ],
  "huge-message": [
    later(
      `const f = Buffer.alloc(5); f.writeUInt32LE(500e6, 0); f[4] = 2; writeSync(4, f); const b = Buffer.alloc(1e6); for (let i = 0; i < 500; i++) try { writeSync(4, b) } catch {}`,
      WRITE_SYNC,
    ),
    /^frame_invalid$/,
    /500000000 bytes/,
  ],
  "malformed-data": [
    later(`writeSync(3, Buffer.from("this is no frame at all"));`, WRITE_SYNC),
    /^frame_invalid$/,
    /unknown type/,
  ],
  "malformed-batch": [
    later(`const f = Buffer.alloc(25); f.writeUInt32LE(20, 0); f[4] = 1; f.writeUInt32LE(4e9, 5); writeSync(3, f);`, WRITE_SYNC),
    /^frame_invalid$/,
    /does not add up/,
  ],
  "malformed-json": [
    later(
      `const f = Buffer.alloc(12); f.writeUInt32LE(7, 0); f[4] = 2; f.writeUInt32LE(3, 5); f.write("{x}", 9); writeSync(4, f);`,
      WRITE_SYNC,
    ),
    /^frame_invalid$/,
    /not JSON/,
  ],
  symlink: [`export default () => ({});`, /^symlink_found$/, /symbolic link/],
  undeclared: [`export default (ctx) => { ctx.series("node_load1"); return {}; };`, /^metric_undeclared$/, /does not declare/],
};

/** Plugin → code that tries to get out; its status says how it went. */
const REFUSED: Readonly<Record<string, string>> = {
  "opens-files": probe(`import { readFileSync } from "node:fs";`, `return readFileSync("/etc/passwd", "utf8").length;`),
  "opens-token": probe(
    `import { readFileSync } from "node:fs";`,
    `return readFileSync(${JSON.stringify(join(dataDir, "token"))}, "utf8");`,
  ),
  "reads-host-environment": probe(
    `import { readFileSync } from "node:fs";`,
    `return readFileSync("/proc/" + process.ppid + "/environ", "utf8").length;`,
  ),
  "writes-files": probe(
    `import { writeFileSync } from "node:fs"; import { join } from "node:path";`,
    `writeFileSync(join(import.meta.dirname, "x"), "x"); return "written";`,
  ),
  "opens-database": probe(
    "",
    `const { DatabaseSync } = await import("node:sqlite"); new DatabaseSync(${JSON.stringify(join(outside, "x.db"))}).exec("create table t (x)"); return "opened";`,
  ),
  "starts-processes": probe(`import { execFileSync } from "node:child_process";`, `return execFileSync("id").toString();`),
  "starts-workers": probe(`import { Worker } from "node:worker_threads";`, `new Worker("1", { eval: true }); return "started";`),
  "opens-inspector": probe(`import inspector from "node:inspector";`, `inspector.open(0); return inspector.url();`),
  "loads-addon": probe("", `const m = { exports: {} }; process.dlopen(m, "/nowhere.node"); return "loaded";`),
  "uses-bindings": probe("", `return typeof process.binding("fs").open;`),
};

function writePlugin(name: string, code: string, manifest: Record<string, unknown> = {}): string {
  const id = `collectors/${name}`;
  const folder = join(dataDir, "plugins", id);
  mkdirSync(folder, { recursive: true });
  const whole = {
    id,
    version: "1.0.0",
    api: 1,
    kind: "collector",
    entry: "index.mjs",
    title: name,
    stability: "beta",
    metrics: {},
    ...manifest,
  };
  writeFileSync(join(folder, "plugin.json"), JSON.stringify(whole));
  writeFileSync(join(folder, "index.mjs"), code);
  return folder;
}

const NEIGHBOUR = `import { createBatch } from "all-use-agent/sdk";
export default (ctx) => {
  const batch = createBatch(1);
  batch.series[0] = ctx.series("neighbour_ticks");
  let ticks = 0;
  return { collect() { batch.length = 1; batch.timestamps[0] = ctx.clock.now(); batch.values[0] = ++ticks; ctx.emit(batch); } };
};`;

async function watch(): Promise<void> {
  while (watching) {
    for (const { id, state, reason, code } of await agent.plugins()) {
      const name = id.split("/")[1];
      if (reason !== null) (reasons.get(name) ?? reasons.set(name, new Set()).get(name)!).add(reason);
      if (code !== null) (codes.get(name) ?? codes.set(name, new Set()).get(name)!).add(code);
      if (state === "ok" && !wellMs.has(name)) wellMs.set(name, performance.now());
      if (code !== null && !endedMs.has(name)) endedMs.set(name, performance.now());
    }
    await sleep(50);
  }
}

const reportOf = async (name: string): Promise<PluginReport> =>
  (await agent.plugins()).find(({ id }) => id === `collectors/${name}`)!;

/** What does harm only to itself. */
const HARMLESS: Readonly<Record<string, string>> = {
  "tampers-prototypes": `Array.prototype.push = () => { throw new Error("pushed"); }; Object.prototype.polluted = 1; JSON.parse = () => ({});
    Map.prototype.get = () => { throw new Error("got"); }; export default () => ({ start() {}, collect() {} });`,
  "floods-stdout": later(`setInterval(() => { for (let i = 0; i < 100; i++) console.log("x".repeat(1000)); }, 1);`),
  "raw-metrics": `import { writeSync } from "node:fs";
    function frame(type, ...parts) { const all = Buffer.concat(parts); const head = Buffer.alloc(5); head.writeUInt32LE(all.length, 0); head[4] = type; return Buffer.concat([head, all]); }
    export default () => ({ collect() {
      const json = Buffer.from(JSON.stringify({ t: "define", id: 1, name: "node_load1", labels: { forged: "yes" } }));
      const size = Buffer.alloc(4); size.writeUInt32LE(json.length, 0);
      writeSync(3, frame(2, size, json));
      const row = Buffer.alloc(24); row.writeUInt32LE(1, 0); row.writeUInt32LE(1, 4); row.writeDoubleLE(Date.now(), 8); row.writeDoubleLE(1e9, 16);
      writeSync(3, frame(1, row));
    } });`,
  "reads-ungranted": `export default (ctx) => ({ async collect() {
    try { ctx.status("degraded", "BROKE OUT: " + (await ctx.query("node_load1")).length); }
    catch (error) { ctx.status("degraded", "refused: " + error.code); } } });`,
};

beforeAll(async () => {
  server = createServer((socket) => socket.end("hello")).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  for (const [name, [code]] of Object.entries(ENDED)) writePlugin(name, code);
  symlinkSync("/etc", join(dataDir, "plugins/collectors/symlink/etc"));
  execFileSync("mkfifo", [join(dataDir, "plugins/collectors/blocks-on-fifo/fifo")]);
  for (const [name, code] of Object.entries({ ...REFUSED, ...HARMLESS })) writePlugin(name, code);
  writePlugin(
    "opens-sockets",
    probe(
      `import { connect } from "node:net";`,
      `return await new Promise((resolve, reject) => connect(${port}, "127.0.0.1", () => resolve("connected")).on("error", reject));`,
    ),
  );
  for (const signal of ["SIGKILL", "SIGUSR1", "SIGSTOP"])
    writePlugin(
      `sends-${signal.toLowerCase()}`,
      isRoot
        ? probe("", `process.kill(process.ppid, "${signal}"); return "sent";`)
        : later(`process.kill(process.ppid, "SIGUSR1");`),
    );
  writePlugin("a-neighbour", NEIGHBOUR, { metrics: { neighbour_ticks: { type: "gauge", help: "Ticks." } } });
  agent = await startAgent({ dataDir });
  ownDelay.enable();
  watched = watch();
  await until("the neighbour's first tick", 15_000, async () => (await agent.query("neighbour_ticks")).length > 0);
  startedMs = Date.now();
  stalls = watchStalls();
});

afterAll(async () => {
  watching = false;
  stalls?.stop();
  await watched;
  await agent?.[Symbol.asyncDispose]();
  server.close();
  for (const folder of [dataDir, outside]) rmSync(folder, { recursive: true, force: true });
});

async function reasonOf(name: string, expected: RegExp): Promise<string> {
  return until(`${name} to show ${expected.source}; it showed ${[...(reasons.get(name) ?? [])].join(" | ")}`, 40_000, () =>
    [...(reasons.get(name) ?? [])].find((reason) => expected.test(reason)),
  );
}

describe("what a plugin does to itself ends it, with the reason", () => {
  test.each(Object.entries(ENDED))("%s", async (name, [, code, reason]) => {
    await reasonOf(name, reason);
    expect([...codes.get(name)!].join(), [...reasons.get(name)!].join(" | ")).toMatch(
      new RegExp(code.source.replace(/[$^]/g, "")),
    );
  });

  test("it gets two more lives and is then left alone, with the evidence kept", async () => {
    const report = await until("exits to be given up", 30_000, async () => {
      const found = await reportOf("exits");
      return found.state === "failed" ? found : null;
    });
    expect(report.reason).toMatch(/three times in five minutes/);
    expect(report.isolation?.restarts).toBe(2);
    const file = join(dataDir, "state/collectors/exits/crash.json");
    const evidence = await until("the evidence", 5000, () => (existsSync(file) ? readFileSync(file, "utf8") : null));
    expect(JSON.parse(evidence)).toMatchObject({ code: "crashed", reason: "its process exited with status 7" });
  });

  test("soon, each by itself", () => {
    const times = Object.keys(ENDED)
      .filter((name) => wellMs.has(name) && endedMs.has(name))
      .map((name) => endedMs.get(name)! - wellMs.get(name)! - GRACE_MS);
    expect(Object.keys(ENDED).filter((name) => !endedMs.has(name))).toEqual([]);
    // The promise is 2 s. A busy machine may end one before it was seen well: its time is not known.
    if (times.length === 0) return;
    recordFigure("hostile plugin contained after, slowest", Math.max(...times), "ms");
    recordFigure("hostile plugin contained after, median", quantile(times, 0.5), "ms");
    expect(quantile(times, 0.5)).toBeLessThan(10_000 + stalls.heldUpMs);
  });
});

describe("what a plugin was not granted is refused", () => {
  test.each(Object.keys(REFUSED))("%s", async (name) => {
    expect(await reasonOf(name, /^(refused|BROKE OUT)/)).toMatch(/^refused/);
  });

  test("a query without metrics:read", async () => {
    expect(await reasonOf("reads-ungranted", /^(refused|BROKE OUT)/)).toBe("refused: permission_denied");
    expect((await reportOf("reads-ungranted")).isolation?.denied).toBeGreaterThan(0);
  });

  test("a connection, where the system can take the network away, else the report says that it cannot", async () => {
    const outcome = await reasonOf("opens-sockets", /^(refused|BROKE OUT)/);
    const { limits } = (await reportOf("opens-sockets")).isolation!;
    if (limits.some((limit) => limit.includes("network is not enforced"))) expect(outcome).toMatch(/connected/);
    else expect(outcome).toMatch(/^refused/);
  });

  test("signals to the agent, where it is another user; else it survives SIGUSR1 without a debugger", async () => {
    if (isRoot)
      for (const signal of ["sigkill", "sigusr1", "sigstop"])
        expect(await reasonOf(`sends-${signal}`, /^(refused|BROKE)/)).toBe("refused: EPERM");
    expect(agent.output()).not.toMatch(/Debugger listening/);
    expect(agent.isRunning).toBe(true);
  });

  test("samples of a metric that it did not declare, even past ctx", async () => {
    await until("a refusal to be counted", 15_000, async () => ((await reportOf("raw-metrics")).isolation?.denied ?? 0) > 0);
    expect(await agent.query(`node_load1{forged="yes"}`)).toEqual([]);
  });
});

describe("the rest runs on", () => {
  test("nobody missed a tick while all that happened", async () => {
    await sleep(Math.max(0, startedMs + WATCHED_MS - Date.now()));
    stalls.stop();
    // While even a timer of the test comes late, the machine is to blame, not the hosting.
    const excused = 1 + (3 * stalls.heldUpMs) / 1000;
    recordFigure("machine held up beside hostile plugins", stalls.heldUpMs, "ms");
    const endMs = Date.now() - 1000;
    const seconds = Math.floor((endMs - startedMs) / 1000);
    for (const metric of ["neighbour_ticks", "node_load1"]) {
      const [row] = await agent.query(`${metric}[${seconds}s]`, endMs);
      const times = (row?.values ?? []).map(([time]) => Math.round(time));
      const missed = seconds - new Set(times).size;
      recordFigure(`ticks that ${metric} missed beside hostile plugins`, (missed / seconds) * 100, "%");
      expect(missed, `${metric}: ${times.join(" ")}`).toBeLessThanOrEqual(excused);
    }
  });

  test("the agent kept its pace and its size", async ({ skip }) => {
    skip(!isLinux, NOT_LINUX);
    const { cost } = await agent.json<AgentStatus>("/api/agent/status");
    recordFigure("event loop delay p99 beside hostile plugins", cost.eventLoopDelayP99Ms, "ms");
    const bareMs = ownDelay.percentile(99) / 1e6 - SAMPLED_MS;
    recordFigure("event loop delay p99 of a bare process beside it", bareMs, "ms");
    // On a machine that others use, too, everybody waits.
    expect(cost.eventLoopDelayP99Ms).toBeLessThan(250 + 5 * Math.max(0, bareMs));
    recordFigure("agent's resident memory beside hostile plugins", agent.residentBytes() / 2 ** 20, "MB");
    expect(agent.residentBytes() / 2 ** 20).toBeLessThan(250);
  });

  test("bundled plugins and the neighbour are well", async () => {
    await until("all of them to be well", 10_000, async () => {
      const others = (await agent.plugins()).filter(({ origin, id }) => origin === "bundled" || id.endsWith("a-neighbour"));
      return others.every(({ state }) => state === "ok" || state === "stopped");
    });
  });

  test("no process outlives an agent that is killed, not even one that spins", async ({ skip }) => {
    skip(!isLinux, NOT_LINUX);
    const pids = (await agent.plugins()).flatMap(({ isolation }) => (isolation?.pid ? [isolation.pid] : []));
    expect(pids.length).toBeGreaterThan(5);
    watching = false;
    await watched;
    await agent.kill();
    await until("every process to be gone", 5000, () => pids.every((pid) => !existsSync(`/proc/${pid}`)));
  });
});
