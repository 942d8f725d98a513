/**
 * Answers one query in a process of its own: SQLite holds the thread while it works, and a query that takes too long can only be
 * ended with the process. All rows are read before the first is handed on, so that the database is locked for no longer than that.
 */
import type { Query, QueryAnswer, SqlCell } from "./query.ts";

const ROWS_AT_ONCE = 500;
/** What rows may take together; beyond it the rest comes with the next query. */
const BYTES_MAX = 64 * 2 ** 20;

type Value = null | number | bigint | string | Uint8Array;

process.once("message", (query: Query) => void answer(query));
// The agent is gone.
process.once("disconnect", () => process.exit(1));

async function answer(query: Query): Promise<void> {
  try {
    const { columns, rows, more } = await read(query);
    await send({ kind: "columns", columns });
    for (let at = 0; at < rows.length; at += ROWS_AT_ONCE) {
      await send({ kind: "rows", rows: rows.slice(at, at + ROWS_AT_ONCE) });
      await new Promise((resolve) => process.once("message", resolve));
    }
    await send({ kind: "end", more });
  } catch (error) {
    const { message, errcode, code } = error as Error & { errcode?: number; code?: string };
    await send({ kind: "error", message, sqlite: errcode ?? null, missing: code === "ERR_UNKNOWN_BUILTIN_MODULE" });
  }
  process.disconnect();
}

async function read(query: Query): Promise<{ columns: string[]; rows: SqlCell[][]; more: boolean }> {
  const { DatabaseSync } = await import("node:sqlite");
  const database = new DatabaseSync(query.database, { readOnly: true });
  try {
    database.exec(`PRAGMA busy_timeout = ${query.busyMs}; PRAGMA query_only = 1; PRAGMA trusted_schema = 0`);
    const statement = database.prepare(query.statement);
    statement.setReadBigInts(true);
    const named = /[:@$]watermark\b/.test(query.statement);
    const watermark = query.integer && typeof query.watermark === "string" ? BigInt(query.watermark) : query.watermark;
    const found = (named ? statement.iterate({ watermark }) : statement.iterate()) as Iterable<Record<string, Value>>;
    let columns: string[] | null = null;
    const rows: SqlCell[][] = [];
    let bytes = 0;
    for (const row of found) {
      if (rows.length === query.maxRows || bytes > BYTES_MAX) return { columns: columns ?? [], rows, more: true };
      columns ??= Object.keys(row);
      const cells = columns.map((column) => cellOf(row[column]));
      for (const cell of cells) bytes += typeof cell === "string" ? cell.length + 16 : 16;
      rows.push(cells);
    }
    return { columns: columns ?? [], rows, more: false };
  } finally {
    database.close();
  }
}

function cellOf(value: Value): SqlCell {
  if (typeof value === "bigint")
    return value <= Number.MAX_SAFE_INTEGER && value >= Number.MIN_SAFE_INTEGER ? Number(value) : String(value);
  // What has no text has no sample either.
  return typeof value === "object" ? null : value;
}

function send(message: QueryAnswer): Promise<void> {
  return new Promise((resolve) => process.send!(message, () => resolve()));
}
