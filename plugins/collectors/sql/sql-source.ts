import { stat } from "node:fs/promises";
import { basename } from "node:path";
import {
  AgentError,
  type BatchRun,
  type BatchSource,
  type BatchSourceConfig,
  type BatchTools,
  type OpenSource,
  type RowHandler,
} from "all-use-agent/sdk";
import type { SqlCell } from "./query.ts";
import { runQuery } from "./run-query.ts";
import { compareMarks, overlapper, printOf, SeenRows, type SqlMark, sqlMark } from "./watermark.ts";

export interface SqlSourceConfig extends BatchSourceConfig {
  readonly database: string;
  readonly statement: string;
  readonly watermark_column?: string;
  /** Milliseconds. */
  readonly overlap?: number;
  readonly overlap_count?: number;
  readonly max_rows?: number;
  /** Milliseconds. */
  readonly timeout?: number;
}

/** How long SQLite itself waits for a lock, within the query's time. */
const BUSY_MS = 2000;

export function sqlSources(worker: URL): OpenSource<SqlSourceConfig> {
  return (_ctx, config, tools) => {
    const { statement, watermark_column: column, overlap = 0, time_column: time } = config;
    if (column !== undefined && !/[:@$]watermark\b/.test(statement))
      throw invalid(
        "/statement",
        "with a watermark_column the statement has :watermark, as in WHERE :watermark IS NULL OR ts >= :watermark",
      );
    if (overlap > 0 && column !== time)
      throw invalid(
        "/overlap",
        "overlap is a time and needs a watermark_column that is the time_column; overlap_count is for numbers",
      );
    return { source: new SqlSource(config, tools, worker), mapped: true };
  };
}

/** A database of another program, asked for what is new. */
class SqlSource implements BatchSource {
  readonly identity: string;
  private readonly config: SqlSourceConfig;
  private readonly worker: URL;
  private readonly back: (value: SqlCell) => SqlCell;

  constructor(config: SqlSourceConfig, tools: BatchTools, worker: URL) {
    this.config = config;
    this.worker = worker;
    this.identity = [config.database, config.statement, config.watermark_column ?? ""].join("\n");
    this.back = overlapper(config, tools);
  }

  async run(run: BatchRun): Promise<boolean> {
    const { database, statement, max_rows: maxRows = 20_000, timeout = 60_000 } = this.config;
    const found = await stat(database).catch(() => null);
    if (!found?.isFile())
      throw new AgentError("batch_source_failed", `${database} is not there, or is no file the agent may see`, {
        where: database,
      });
    const mark = sqlMark(run.mark);
    const watermark = this.back(mark.value);
    const answer = new Answer(this.config, run, mark, this.back);
    const query = { database, statement, watermark, integer: /^-?\d+$/.test(String(watermark)), maxRows, busyMs: BUSY_MS };
    const more = await runQuery(this.worker, query, timeout, run.signal, answer);
    await run.commit(answer.mark(more));
    return more;
  }
}

/** The rows of one query on their way into a run. */
class Answer {
  private readonly config: SqlSourceConfig;
  private readonly run: BatchRun;
  private readonly before: SqlMark;
  private readonly back: (value: SqlCell) => SqlCell;
  private readonly seen: SeenRows;
  private readonly place: { where: string; line: number };
  private handler: RowHandler | null = null;
  private watermarkAt = -1;
  /** The watermark of the row before, and of the last one that all rows have come of. */
  private last: SqlCell = null;
  private complete: SqlCell = null;

  constructor(config: SqlSourceConfig, run: BatchRun, before: SqlMark, back: (value: SqlCell) => SqlCell) {
    this.config = config;
    this.run = run;
    this.before = before;
    this.back = back;
    this.seen = new SeenRows(before.seen);
    this.place = { where: basename(config.database), line: 0 };
  }

  columns(columns: readonly string[]): void {
    // Without rows SQLite's answer has no columns here.
    if (columns.length === 0) return;
    const { watermark_column: watermark } = this.config;
    if (watermark !== undefined) this.watermarkAt = columns.indexOf(watermark);
    if (watermark !== undefined && this.watermarkAt < 0)
      throw new AgentError(
        "batch_columns_missing",
        `the answer has no column ${watermark}: it has ${columns.join(", ").slice(0, 200)}`,
      );
    this.handler = this.run.bind(columns);
  }

  async rows(rows: readonly (readonly SqlCell[])[]): Promise<void> {
    for (const row of rows) if (this.follows(row)) this.handler!([...row], this.place);
    await this.run.breathe(() => this.markOf(this.complete));
  }

  /** How far it came. Throws when what was asked for could never be got past. */
  mark(more: boolean): SqlMark | null {
    const { watermark_column: column, max_rows: maxRows = 20_000 } = this.config;
    if (!more) return this.markOf(this.last);
    const stuck = this.complete === null || !(compareMarks(this.complete, this.before.value ?? this.complete) >= 0);
    if (column === undefined || stuck || this.complete === this.before.value)
      throw new AgentError(
        "batch_source_failed",
        column === undefined
          ? `there are more than ${maxRows} rows: raise max_rows, or name a watermark_column`
          : `more than ${maxRows} rows have the same ${column} or lie within the overlap: raise max_rows`,
      );
    return this.markOf(this.complete);
  }

  /** Whether a row is new. Rows come in the order of the watermark, or what is kept of it would be wrong. */
  private follows(row: readonly SqlCell[]): boolean {
    this.place.line++;
    if (this.watermarkAt < 0) return true;
    const value = row[this.watermarkAt];
    const column = this.config.watermark_column!;
    if (value === null) {
      this.run.reject("watermark_missing", `${column} is missing`, this.place, row.map((cell) => cell ?? "").join(","));
      return false;
    }
    if (this.last !== null && !(compareMarks(value, this.last) >= 0))
      throw new AgentError(
        "batch_source_failed",
        `rows do not come in the order of ${column}: end the statement with ORDER BY ${column}`,
      );
    if (this.last !== null && compareMarks(value, this.last) > 0) this.complete = this.last;
    this.last = value;
    return this.seen.take(value, printOf(row));
  }

  /** What was read before stays read, also when nothing came. */
  private markOf(value: SqlCell): SqlMark | null {
    if (this.config.watermark_column === undefined) return null;
    const { before } = this;
    if (value === null || (before.value !== null && !(compareMarks(value, before.value) > 0))) {
      const seen = new Set([...before.seen, ...this.seen.from(this.back(before.value))]);
      return { value: before.value, seen: [...seen].slice(-20_000) };
    }
    return { value, seen: this.seen.from(this.back(value)) };
  }
}

function invalid(where: string, message: string): AgentError {
  return new AgentError("batch_config_invalid", message, { where });
}
