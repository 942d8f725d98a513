import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { fillConfig, type Manifest } from "all-use-agent/sdk";
import { conformanceChecks } from "all-use-agent/sdk/conformance";
import { TestContext } from "all-use-agent/sdk/testing";
import { afterAll, afterEach, beforeEach, describe, expect, it, test } from "vitest";
import plugin from "./index.ts";

const manifest = JSON.parse(readFileSync(join(import.meta.dirname, "plugin.json"), "utf8")) as Manifest;
const START = Date.UTC(2026, 0, 5, 12);
const MINUTE = 60_000;
/** The process that reads is started from its source; before Node.js 22.18 nothing can be. */
const canStart = Boolean((process.features as { typescript?: unknown }).typescript);

let folder: string;
let path: string;
let database: DatabaseSync;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "alluse-sql-"));
  path = join(folder, "accounts.db");
  if (!canStart) return;
  const { DatabaseSync } = await import("node:sqlite");
  database = new DatabaseSync(path);
  database.exec("CREATE TABLE performance (id INTEGER PRIMARY KEY, account_id TEXT, balance REAL, timestamp TEXT)");
});
afterEach(() => {
  if (database?.isOpen) database.close();
  rmSync(folder, { recursive: true, force: true });
});

function add(minute: number, account: string, balance: number | null): void {
  const timestamp = `2026-01-05 ${String(10 + Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}:00.000000`;
  database.prepare("INSERT INTO performance (account_id, balance, timestamp) VALUES (?, ?, ?)").run(account, balance, timestamp);
}

const source = () => ({
  name: "performance",
  every: "1m",
  zone: "UTC",
  database: path,
  statement:
    "SELECT timestamp, account_id, balance FROM performance WHERE :watermark IS NULL OR timestamp >= :watermark ORDER BY timestamp",
  watermark_column: "timestamp",
  time_column: "timestamp",
  labels: { account: "account_id" },
  values: [{ column: "balance", metric: "account_balance_usd" }],
});

async function start(ctx: TestContext, ...sources: object[]): Promise<void> {
  await plugin(ctx, fillConfig(manifest.config!, { sources }) as never).start?.(ctx.signal);
}

const values = (ctx: TestContext) =>
  ctx.emitted.filter(({ name }) => !name.startsWith("alluse_batch_")).map(({ value }) => value);

describe.runIf(canStart)("a SQLite table", () => {
  it("is read once, and then what is new, rows of the same time too", async () => {
    const ctx = new TestContext(manifest, { startMs: START });
    add(0, "G1", 1);
    add(1, "G1", 2);
    await start(ctx, source());
    await ctx.advance(MINUTE);
    expect(values(ctx)).toEqual([1, 2]);
    add(1, "G2", 3);
    add(2, "G1", 4);
    await ctx.advance(3 * MINUTE);
    expect(values(ctx)).toEqual([1, 2, 3, 4]);
    expect(ctx.emitted.find(({ name }) => name === "account_balance_usd")).toMatchObject({
      labels: { account: "G1" },
      timestampMs: Date.UTC(2026, 0, 5, 10),
    });
    await ctx.dispose();
  });

  it("finds rows that came late within the overlap, each once", async () => {
    const ctx = new TestContext(manifest, { startMs: START });
    for (let minute = 0; minute < 10; minute++) add(minute, "G1", minute);
    await start(ctx, { ...source(), overlap: "5m" });
    await ctx.advance(MINUTE);
    add(6, "G2", 60);
    add(2, "G2", 20);
    await ctx.advance(2 * MINUTE);
    expect(values(ctx)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 60]);
    await ctx.dispose();
  });

  it("is read by its numbers, in parts, over a restart", async () => {
    const numbered = {
      ...source(),
      statement: "SELECT * FROM performance WHERE :watermark IS NULL OR id > :watermark ORDER BY id",
      watermark_column: "id",
      max_rows: 7,
    };
    for (let i = 0; i < 30; i++) add(i, "G1", i);
    const ctx = new TestContext(manifest, { startMs: START });
    await start(ctx, numbered);
    await ctx.advance(MINUTE);
    await ctx.dispose();
    const after = new TestContext(manifest, { startMs: START + MINUTE });
    for (const [name, bytes] of ctx.stored) after.stored.set(name, bytes);
    for (let i = 30; i < 40; i++) add(i, "G1", i);
    await start(after, numbered);
    await after.advance(MINUTE);
    expect([...values(ctx), ...values(after)]).toEqual(Array.from({ length: 40 }, (_, i) => i));
    await after.dispose();
  });

  it("keeps integers beyond 2^53 apart", async () => {
    database.exec("CREATE TABLE ticks (ns INTEGER, x REAL)");
    const first = 1_767_600_000_000_000_001n;
    const insert = database.prepare("INSERT INTO ticks VALUES (?, ?)");
    for (let i = 0n; i < 5n; i++) insert.run(first + i * 1_000_000n, Number(i));
    const ctx = new TestContext(manifest, { startMs: START });
    await start(ctx, {
      name: "ticks",
      every: "1m",
      database: path,
      statement: "SELECT ns, x FROM ticks WHERE :watermark IS NULL OR ns > :watermark ORDER BY ns",
      watermark_column: "ns",
      time_column: "ns",
      time_format: "unix_ns",
      values: [{ column: "x" }],
      max_rows: 2,
    });
    await ctx.advance(2 * MINUTE);
    expect(values(ctx)).toEqual([0, 1, 2, 3, 4]);
    expect(ctx.emitted.find(({ name }) => name === "x")?.timestampMs).toBe(1_767_600_000_000);
    await ctx.dispose();
  });

  it("is read while another program writes into it, and disturbs it in no way", async () => {
    database.exec("PRAGMA journal_mode = WAL");
    add(0, "G1", 0);
    const writer: ChildProcess = spawn(
      process.execPath,
      [
        "-e",
        `const { DatabaseSync } = require("node:sqlite");
         const db = new DatabaseSync(${JSON.stringify(path)});
         db.exec("PRAGMA busy_timeout = 5000");
         const insert = db.prepare("INSERT INTO performance (account_id, balance, timestamp) VALUES ('W', ?, ?)");
         for (let i = 1; i <= 2000; i++) insert.run(i, new Date(${START} - 3600000 + i * 1000).toISOString().replace("T", " ").slice(0, 23) + "000");
         console.log("written");`,
      ],
      { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, NODE_OPTIONS: "" } },
    );
    let said = "";
    writer.stdout!.on("data", (text: Buffer) => (said += text.toString()));
    writer.stderr!.on("data", (text: Buffer) => (said += text.toString()));
    const closed = new Promise<number | null>((resolve) => writer.once("close", resolve));
    const ctx = new TestContext(manifest, { startMs: START });
    await start(ctx, source());
    for (let i = 0; i < 3; i++) await ctx.advance(MINUTE);
    expect(await closed, said).toBe(0);
    await ctx.advance(MINUTE);
    expect(new Set(values(ctx)).size).toBe(2001);
    expect(values(ctx)).toHaveLength(2001);
    await ctx.dispose();
  });

  it("waits for a lock, and tries again", async () => {
    const ctx = new TestContext(manifest, { startMs: START });
    add(0, "G1", 1);
    await start(ctx, source());
    database.exec("BEGIN EXCLUSIVE");
    await ctx.advance(MINUTE);
    expect(ctx.states.at(-1)).toMatchObject({
      state: "degraded",
      reason: expect.stringMatching(/locked by another program; it is tried again/) as string,
    });
    database.exec("COMMIT");
    await ctx.advance(10_000);
    expect(values(ctx)).toEqual([1]);
    expect(ctx.states.at(-1)).toMatchObject({ state: "ok" });
    await ctx.dispose();
  });

  it.each([
    [
      "a file that is no database",
      () => writeFileSync(join(folder, "x.db"), "x".repeat(5000)),
      { database: "x.db" },
      /no SQLite database/,
    ],
    ["no file", () => {}, { database: "none.db" }, /is not there/],
    [
      "a table that there is not",
      () => {},
      { statement: "SELECT * FROM absent WHERE :watermark IS NULL" },
      /no such table: absent/,
    ],
    [
      "a statement that writes",
      () => {},
      { statement: "DELETE FROM performance WHERE :watermark IS NULL" },
      /only SELECT|readonly|write/,
    ],
    [
      "rows in no order",
      () => {},
      { statement: "SELECT * FROM performance WHERE :watermark IS NULL ORDER BY id DESC" },
      /ORDER BY timestamp/,
    ],
    [
      "an endless query",
      () => {},
      {
        timeout: "300ms",
        statement:
          "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) AS timestamp, :watermark FROM n",
      },
      /longer than 300 ms/,
    ],
  ])("says what is wrong with %s", async (_name, prepare, change, message) => {
    add(0, "G1", 1);
    add(1, "G1", 2);
    prepare();
    const ctx = new TestContext(manifest, { startMs: START });
    const changed = "database" in change ? { database: join(folder, change.database) } : change;
    await start(ctx, { ...source(), ...changed });
    await ctx.advance(MINUTE);
    expect(ctx.states.at(-1)?.reason).toMatch(message);
    expect(database.prepare("SELECT count(*) AS n FROM performance").get()).toEqual({ n: 2 });
    await ctx.dispose();
  });

  it("ends a query that is under way at stop", async () => {
    const ctx = new TestContext(manifest, { startMs: START });
    const collector = plugin(
      ctx,
      fillConfig(manifest.config!, {
        sources: [
          {
            ...source(),
            watermark_column: undefined,
            statement:
              "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) AS balance, 'G' AS account_id, '' AS timestamp FROM n",
          },
        ],
      }) as never,
    );
    await collector.start?.(ctx.signal);
    const running = ctx.advance(MINUTE);
    await new Promise((resolve) => setTimeout(resolve, 200));
    await collector.stop?.();
    await running;
    await ctx.dispose();
  });
});

it("refuses a description that makes no sense, at once", async () => {
  const ctx = new TestContext(manifest, { startMs: START });
  await expect(start(ctx, { ...source(), statement: "SELECT 1" })).rejects.toThrow(/source performance: .*:watermark/);
  await expect(start(ctx, { ...source(), overlap: "1m", watermark_column: "id" })).rejects.toThrow(/overlap_count/);
  await expect(start(ctx, { ...source(), values: [] })).rejects.toThrow(/values or long/);
});

describe.runIf(canStart)("conformance with a source at work", async () => {
  const data = mkdtempSync(join(tmpdir(), "alluse-sql-kit-"));
  afterAll(() => rmSync(data, { recursive: true, force: true }));
  const file = join(data, "a.db");
  if (canStart) {
    const { DatabaseSync } = await import("node:sqlite");
    const db = new DatabaseSync(file);
    db.exec("CREATE TABLE t (ts TEXT, x REAL); INSERT INTO t VALUES ('2026-01-05 00:00:00', 1)");
    db.close();
  }
  const sources = [
    {
      name: "t",
      every: "1h",
      zone: "UTC",
      run_at_start: true,
      database: file,
      statement: "SELECT * FROM t",
      time_column: "ts",
      values: [{ column: "x" }],
    },
  ];
  for (const { name, run } of conformanceChecks(manifest, () => import("./index.ts"), {
    config: { sources },
    ticks: 50,
    memoryMs: 500,
  }))
    test(name, run);
});
