import type { Batch } from "../series.ts";
import type { RowSchemaConfig } from "./row-config.ts";

/** One value of a row as its source has it; null is missing. */
export type Cell = string | number | boolean | null;

/** Where a row stands in its source, and the row in short. */
export interface RowPlace {
  /** File, table or address; empty where there is only one. */
  readonly where?: string;
  /** Counted from 1; of what has no lines, the row's number. */
  readonly line: number;
  /** Counted from 1. */
  readonly column?: number;
}

/** What stands in a batch collector's configuration of each source, beside what only this kind of source has. */
export interface BatchSourceConfig extends RowSchemaConfig {
  /** Unique in the plugin. */
  readonly name: string;
  /** Cron expression, `@hourly` and its like; or `every`. */
  readonly schedule?: string;
  /** Milliseconds; at multiples of it since 1970 in UTC. */
  readonly every?: number;
  /** Of the schedule, and of times without an offset unless `time_zone` is set: an IANA name, the machine's when empty. */
  readonly zone?: string;
  readonly catch_up?: "one" | "all" | "none";
  readonly run_at_start?: boolean;
}

/** Handles the rows of one layout: cells in the order of the columns it was bound to. The cells are the caller's again afterwards. */
export type RowHandler = (cells: Cell[], place: RowPlace) => void;

/**
 * One run of a source: where it takes up, and where its rows go. Nothing that was given is safe before `commit` resolves.
 */
export interface BatchRun {
  readonly signal: AbortSignal;
  /** The instant that the schedule names, Unix ms: the time of rows that have none of their own. */
  readonly scheduledMs: number;
  /** What the last commit kept, or null: begin at the beginning. Plain JSON. */
  readonly mark: unknown;
  /** The time of the newest sample that the source ever gave, Unix ms, or null. */
  readonly newestMs: number | null;
  /** The columns that the mapping reads, for sources that choose what they hand over. */
  readonly columns: readonly string[];
  /** Throws `batch_columns_missing` when the mapping needs a column that is not among them. */
  bind(columns: readonly string[]): RowHandler;
  /** Samples that need no mapping; copied. NaN as a time is `timeMs`. */
  samples(batch: Batch, timeMs: number): void;
  /** Counts and keeps a row that could not be read. `text` is the row, of which only its shape is kept. */
  reject(reason: string, message: string, place: RowPlace, text: string): void;
  /**
   * To be awaited at least every few hundred rows: lets others work, hands samples on, and commits when enough has gathered.
   * `mark` is asked then; it says that everything up to here was given. Throws when the run is to end.
   */
  breathe(mark: () => unknown): Promise<void>;
  /** Keeps everything given so far, then `mark`. Throws what `ctx.flush` throws. */
  commit(mark: unknown): Promise<void>;
}

/** Something that rows come from, made anew for each configuration. */
export interface BatchSource {
  /** What the mark belongs to: when it changes (another table), the source begins anew. */
  readonly identity: string;
  /**
   * Reads what is new. Resolves when all is committed, `true` when more waits. Throws RetryableError (tried again before
   * its next time) or anything else (degraded until its next time).
   */
  run(run: BatchRun): Promise<boolean | void>;
}
