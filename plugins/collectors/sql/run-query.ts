import { type ChildProcess, fork } from "node:child_process";
import { setPriority } from "node:os";
import { AgentError, RetryableError } from "all-use-agent/sdk";
import type { Query, QueryAnswer, SqlCell } from "./query.ts";

const HEAP_MB = 384;
/** Below everything that somebody waits for. */
const NICE = 10;
/** SQLite's primary result codes. */
const SQLITE = {
  error: 1,
  busy: 5,
  locked: 6,
  readOnly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  notADatabase: 26,
};

export interface QueryTaker {
  columns(columns: readonly string[]): void;
  /** The next rows come when this has resolved. */
  rows(rows: readonly (readonly SqlCell[])[]): Promise<void>;
}

/**
 * Runs a query in a process that ends with it. Returns whether there were more rows than asked for. Throws RetryableError for what
 * passes by itself (locked, busy), `sqlite_missing`, `batch_source_failed`.
 */
export async function runQuery(
  worker: URL,
  query: Query,
  timeoutMs: number,
  signal: AbortSignal,
  taker: QueryTaker,
): Promise<boolean> {
  signal.throwIfAborted();
  const child = start(worker);
  let late = false;
  const end = (): void => void child.kill("SIGKILL");
  // Of the query alone: what becomes of its rows takes as long as it takes.
  const timer = setTimeout(() => {
    late = true;
    end();
  }, timeoutMs);
  signal.addEventListener("abort", end, { once: true });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()).once("error", () => resolve()));
  try {
    child.send(query, () => undefined);
    for await (const message of messages(child)) {
      if (message.kind === "columns") {
        clearTimeout(timer);
        taker.columns(message.columns);
      } else if (message.kind === "rows") {
        await taker.rows(message.rows);
        child.send("next", () => undefined);
      } else if (message.kind === "end") return message.more;
      else throw errorOf(message, query.database);
    }
    signal.throwIfAborted();
    if (late) throw new AgentError("batch_source_failed", `the query took longer than ${timeoutMs} ms and was ended`);
    throw new RetryableError("the process that read the database ended by itself");
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
    end();
    await exited;
  }
}

function start(worker: URL): ChildProcess {
  const child = fork(worker, {
    // Electron's binary is Node with this set; Node itself does not look at it.
    env: { ...process.env, ELECTRON_RUN_AS_NODE: "1", NODE_OPTIONS: "" },
    execArgv: [`--max-old-space-size=${HEAP_MB}`, "--disable-warning=ExperimentalWarning"],
    serialization: "advanced",
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  try {
    if (child.pid !== undefined) setPriority(child.pid, NICE);
  } catch {
    // Not allowed everywhere, and only a courtesy.
  }
  return child;
}

/** What the child says, until its channel is closed. One message is on its way at a time, so little waits here. */
async function* messages(child: ChildProcess): AsyncGenerator<QueryAnswer> {
  const waiting: QueryAnswer[] = [];
  let over = false;
  let wake: () => void = () => {};
  child.on("message", (message) => {
    waiting.push(message as QueryAnswer);
    wake();
  });
  const ended = (): void => {
    over = true;
    wake();
  };
  child.once("disconnect", ended).once("exit", ended).once("error", ended);
  for (;;) {
    const next = waiting.shift();
    if (next !== undefined) yield next;
    else if (over) return;
    else await new Promise<void>((resolve) => (wake = resolve));
  }
}

function errorOf({ message, sqlite, missing }: Extract<QueryAnswer, { kind: "error" }>, path: string): AgentError {
  if (missing) return new AgentError("sqlite_missing", "this Node.js has no SQLite: run the agent with Node.js 22.13 or newer");
  const failed = (text: string): AgentError => new AgentError("batch_source_failed", text, { where: path });
  switch ((sqlite ?? 0) & 0xff) {
    case SQLITE.busy:
    case SQLITE.locked:
      return new RetryableError(`${path} is locked by another program`);
    case SQLITE.ioError:
      return new RetryableError(`${path} cannot be read just now: ${message}`);
    case SQLITE.notADatabase:
      return failed(`${path} is no SQLite database, or an encrypted one`);
    case SQLITE.corrupt:
      return failed(`${path} is damaged or half-written: ${message}`);
    case SQLITE.cannotOpen:
      return failed(`${path} cannot be opened: is it there, and may the agent read it and its folder?`);
    case SQLITE.readOnly:
      return failed(`the statement would write into ${path}: only SELECT is run`);
    case SQLITE.error:
      return failed(`SQLite refuses the statement: ${message}`);
    default:
      return failed(`${path}: ${message}`);
  }
}
