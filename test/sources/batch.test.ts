import { appendFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { type RunningAgent, startAgent, temporaryFolder } from "../support/agent.ts";
import { recordFigure } from "../support/figures.ts";
import { until } from "../support/wait.ts";

const dataDir = temporaryFolder();
const exportsDir = temporaryFolder();
afterAll(() => {
  rmSync(dataDir, { recursive: true, force: true });
  rmSync(exportsDir, { recursive: true, force: true });
});

const ACCOUNTS = 100;
const MINUTE = 60_000;
/** A day that is over, to the minute: 144,000 rows with two figures each. */
const MINUTES = 1440;

/** `YYYY-MM-DD HH:MM:SS.ffffff`, as the account system writes its times. */
function accountTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 23).replace("T", " ")}000`;
}

function writeDay(path: string, endMs: number): void {
  let text = "timestamp,account_id,account_type,current_balance,current_drawdown,status\r\n";
  for (let minute = 0; minute < MINUTES; minute++) {
    const time = accountTime(endMs - (MINUTES - minute) * MINUTE);
    for (let account = 0; account < ACCOUNTS; account++)
      text += `${time},ACC-${account},${account % 2 ? "revenue" : "generation"},${10_000 + account * 100 + minute},${minute / 1e5},active\r\n`;
  }
  writeFileSync(path, text);
}

function configure(plugins: object): void {
  mkdirSync(dataDir, { recursive: true });
  writeFileSync(join(dataDir, "config.json"), JSON.stringify({ plugins }, null, 2));
}

async function number(agent: RunningAgent, expr: string, atMs: number): Promise<number> {
  return Number((await agent.query(expr, atMs))[0]?.value?.[1] ?? 0);
}

test("a day of account figures is imported on schedule, through kill −9, all of it once", { timeout: 600_000 }, async () => {
  const endMs = Math.floor(Date.now() / MINUTE) * MINUTE - 10 * MINUTE;
  const path = join(exportsDir, "accounts.csv");
  writeDay(path, endMs);
  const source = {
    name: "accounts",
    schedule: "* * * * * *",
    zone: "UTC",
    paths: [join(exportsDir, "*.csv")],
    time_column: "timestamp",
    labels: { account: "account_id", account_type: "account_type" },
    values: [
      { column: "current_balance", metric: "account_balance_usd", unit: "usd" },
      { column: "current_drawdown", metric: "account_drawdown_ratio", unit: "ratio" },
    ],
    rules: [{ column: "current_balance", type: "number", required: true, minimum: 0 }],
  };
  configure({ "collectors/files": { enabled: true, config: { sources: [source] } } });

  const rows = MINUTES * ACCOUNTS;
  const kept = `sum(count_over_time(account_balance_usd[2d]))`;
  // Killed while it reads: what was acknowledged by then stays, the rest is read again.
  const shares: number[] = [];
  for (const share of [0, 0.2, 0.5]) {
    const agent = await startAgent({ dataDir });
    const seen = await until(
      "a part of the day",
      30_000,
      async () => {
        const count = await number(agent, kept, Date.now());
        return count > rows * share ? count : null;
      },
      2,
    );
    await agent.kill();
    shares.push(seen / rows);
  }
  recordFigure("batch: share of a day that was seen before the second kill -9", shares[1], "");
  await using agent = await startAgent({ dataDir });
  const beganMs = performance.now();
  await until("the whole day", 30_000, async () => (await number(agent, kept, Date.now())) === rows);
  recordFigure("batch: a day of account figures is there after the last kill within", performance.now() - beganMs, "ms");
  expect(await number(agent, `sum(count_over_time(account_drawdown_ratio[2d]))`, Date.now())).toBe(rows);
  // The values are those of the file, at their own times.
  const noonMs = endMs - 720 * MINUTE;
  expect(await number(agent, `account_balance_usd{account="ACC-7",account_type="revenue"}`, noonMs)).toBe(10_700 + 720);

  // The file grows: only what is new is read, with what cannot be used counted and kept.
  appendFileSync(
    path,
    `${accountTime(endMs)},ACC-7,revenue,-5,0,active\r\n${accountTime(endMs)},ACC-8,generation,1,0,active\r\n`,
  );
  await until("the row that was added", 10_000, async () => (await number(agent, kept, Date.now())) === rows + 1);
  await until("what was rejected", 30_000, async () => {
    const found = await number(agent, `alluse_batch_rejected_rows_total{source="files/accounts",reason="rule"}`, Date.now());
    return found === 1;
  });
  const { sources } = await agent.json<{
    sources: { name: string; problem: null; rejected: { line: number; text: string }[] }[];
  }>("/api/batch/files");
  expect(sources[0]).toMatchObject({ name: "accounts", problem: null, rejected: [{ line: rows + 2 }] });
  expect(await number(agent, kept, Date.now())).toBe(rows + 1);
});

test("a configuration that changes while it runs goes on from the same mark", { timeout: 600_000 }, async () => {
  const server = createServer((_request, response) => response.end(JSON.stringify([{ x: 1 }])));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/x`;
    const asked = (metric: string) => ({
      "collectors/http": {
        enabled: true,
        config: { sources: [{ name: "x", every: "1s", url, values: [{ column: "x", metric }] }] },
      },
    });
    configure(asked("batch_before"));
    await using agent = await startAgent({ dataDir });
    await until("the first answer", 20_000, async () => (await number(agent, "batch_before", Date.now())) === 1);
    configure(asked("batch_after"));
    await until("the changed mapping", 20_000, async () => (await number(agent, "batch_after", Date.now())) === 1);
    const [report] = (await agent.plugins()).filter(({ id }) => id === "collectors/http");
    expect(report).toMatchObject({ state: "ok", reason: null });
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

test("SQLite is read by the built agent", { timeout: 600_000 }, async ({ skip }) => {
  const sqlite = await import("node:sqlite").catch(() => null);
  skip(sqlite === null, "this Node.js has no SQLite");
  const path = join(exportsDir, "accounts.db");
  const database = new sqlite!.DatabaseSync(path);
  database.exec("PRAGMA journal_mode = WAL; CREATE TABLE accounts (account_id TEXT, current_balance REAL, updated_at TEXT)");
  database.prepare("INSERT INTO accounts VALUES ('ACC-1', 123, ?)").run(accountTime(Date.now() - MINUTE));
  const source = {
    name: "accounts",
    every: "1s",
    zone: "UTC",
    database: path,
    statement: "SELECT * FROM accounts WHERE :watermark IS NULL OR updated_at >= :watermark ORDER BY updated_at",
    watermark_column: "updated_at",
    time_column: "updated_at",
    labels: { account: "account_id" },
    values: [{ column: "current_balance", metric: "sql_balance_usd" }],
  };
  configure({ "collectors/sql": { enabled: true, config: { sources: [source] } } });
  await using agent = await startAgent({ dataDir });
  await until("the row", 20_000, async () => (await number(agent, "sql_balance_usd", Date.now())) === 123);
  database.close();
});
