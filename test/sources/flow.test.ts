/** The samples' way in the built agent: gathered or not, sent twice, killed, on a full disk. What is acknowledged is there once. */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type RunningAgent, startAgent, temporaryFolder } from "../support/agent.ts";
import { mountTmpfs, NO_MOUNT, unmount } from "../support/machine.ts";
import { until } from "../support/wait.ts";

const INBOX = `import { createBatch } from "all-use-agent/sdk";
export default (ctx) => ({ async handle(request) {
  const { rows, backdated } = JSON.parse(Buffer.from(await request.body()).toString());
  const batch = createBatch(rows.length);
  rows.forEach(([n, timestamp, value], i) => {
    batch.series[i] = ctx.series("inbox_value", { n: String(n) });
    batch.timestamps[i] = timestamp;
    batch.values[i] = value;
  });
  batch.length = rows.length;
  batch.backdated = backdated;
  ctx.emit(batch);
  try {
    await ctx.flush();
    return { status: 204, contentType: null, body: "" };
  } catch (error) {
    return { status: 503, contentType: "text/plain", body: error.code };
  }
} });`;

let dataDir: string;
let mounted = false;

function writeConfig(flow: object = {}): void {
  const path = join(dataDir, "config.json");
  writeFileSync(`${path}.new`, JSON.stringify({ flow, plugins: { "collectors/inbox": { inside: true } } }));
  renameSync(`${path}.new`, path);
}

function prepare(): void {
  const folder = join(dataDir, "plugins/collectors/inbox");
  mkdirSync(folder, { recursive: true });
  const manifest = {
    id: "collectors/inbox",
    version: "1.0.0",
    api: 1,
    kind: "collector",
    entry: "index.mjs",
    title: "Inbox",
    stability: "beta",
    metrics: { inbox_value: { type: "gauge", help: "What was sent." } },
    routes: [{ method: "POST", path: "/test/inbox" }],
  };
  writeFileSync(join(folder, "plugin.json"), JSON.stringify(manifest));
  writeFileSync(join(folder, "index.mjs"), INBOX);
  writeConfig();
}

beforeEach(() => {
  dataDir = temporaryFolder();
});
afterEach(() => {
  if (mounted) unmount(dataDir);
  mounted = false;
  rmSync(dataDir, { recursive: true, force: true });
});

type Row = readonly [n: number, timestampMs: number, value: number];

async function send(agent: RunningAgent, rows: readonly Row[], backdated = true): Promise<number> {
  const headers = { "Content-Type": "application/json" };
  const response = await agent.fetch("/test/inbox", { method: "POST", headers, body: JSON.stringify({ rows, backdated }) });
  const text = await response.text();
  if (response.status === 503) expect(text).toBe("storage_write_failed");
  return response.status;
}

async function started(): Promise<RunningAgent> {
  const agent = await startAgent({ dataDir });
  await until("the inbox", 20_000, async () =>
    (await agent.plugins()).some(({ id, state }) => id === "collectors/inbox" && state === "ok"),
  );
  return agent;
}

/** Series by \`n\`, each sample as \`time value\`. */
async function stored(agent: RunningAgent): Promise<Map<string, string[]>> {
  const found = await agent.query("inbox_value[1h]");
  return new Map(
    found.map(({ metric, values }) => [metric["n"], values!.map(([seconds, value]) => `${Math.round(seconds * 1000)} ${value}`)]),
  );
}

test("requests of ten ticks that are repeated, overlap, and come again after kill −9 are there once", async () => {
  prepare();
  const firstMs = Date.now() - 120_000;
  const body = (from: number): Row[] =>
    [1, 2].flatMap((n) => Array.from({ length: 10 }, (_, i) => [n, firstMs + (from + i) * 1000, n * 100 + from + i] as const));
  const wanted = new Map(
    [1, 2].map((n) => [String(n), Array.from({ length: 15 }, (_, i) => `${firstMs + i * 1000} ${n * 100 + i}`)]),
  );
  {
    await using agent = await started();
    for (const from of [0, 0, 5]) expect(await send(agent, body(from))).toBe(204);
    expect(await stored(agent)).toEqual(wanted);
    await agent.kill();
  }
  await using again = await started();
  expect(await stored(again)).toEqual(wanted);
  for (const from of [0, 5, 5]) expect(await send(again, body(from))).toBe(204);
  expect(await stored(again)).toEqual(wanted);
});

test("how samples pass can be changed while they do; gathered ones are there when they are acknowledged", async () => {
  prepare();
  await using agent = await started();
  writeConfig({ mode: "micro_batch", batch: { rows: 50_000, delay: "10s" } });
  const mode = async (name: string): Promise<boolean> =>
    (await agent.query(`alluse_flow_mode{alluse_flow_mode="${name}"} == 1`)).length > 0;
  await until("micro-batches", 30_000, () => mode("micro_batch"));
  for (let i = 0; i < 5; i++) {
    const timestampMs = Date.now();
    expect(await send(agent, [[7, timestampMs, i]], false)).toBe(204);
    expect((await stored(agent)).get("7")).toContain(`${timestampMs} ${i}`);
  }
  writeConfig({ mode: "real_time" });
  await until("real time", 30_000, () => mode("real_time"));
  expect((await agent.query('alluse_flow_edge_dropped_samples_total{edge="storage"}')).length).toBe(1);
  writeConfig({ mode: "sometimes" });
  await until("the fault to be said", 10_000, async () =>
    (await (await agent.fetch("/api/agent/status")).text()).includes("/flow/mode"),
  );
  expect(await mode("real_time")).toBe(true);
});

test("on a full disk a receiver is told, and everything that was acknowledged survives kill −9", async ({ skip }) => {
  mounted = mountTmpfs(dataDir, 24);
  skip(!mounted, NO_MOUNT);
  prepare();
  const firstMs = Date.now() - 600_000;
  const acknowledged: string[] = [];
  let sent = 0;
  const one = async (agent: RunningAgent): Promise<number> => {
    const tick = sent++;
    const rows = Array.from({ length: 200 }, (_, n) => [n, firstMs + tick * 100, tick + n / 1000] as const);
    const status = await send(agent, rows);
    if (status === 204) acknowledged.push(`${firstMs + tick * 100} ${tick}`);
    return status;
  };
  {
    await using agent = await started();
    for (let i = 0; i < 5; i++) expect(await one(agent)).toBe(204);
    const ballast = join(dataDir, "ballast");
    for (let mb = 24, written = ""; mb > 0.001; mb /= 2) {
      try {
        writeFileSync(ballast, (written += "x".repeat(Math.floor(mb * 1e6))));
      } catch {
        written = readFileSync(ballast, "utf8");
      }
    }
    await until("the disk to be full", 60_000, async () => (await one(agent)) === 503, 0);
    rmSync(ballast);
    await until("samples to be taken again", 60_000, async () => (await one(agent)) === 204);
    await agent.kill();
  }
  await using again = await started();
  const there = new Set((await stored(again)).get("0"));
  for (const sample of acknowledged) expect(there).toContain(sample);
  expect(acknowledged.length).toBeGreaterThan(5);
});
