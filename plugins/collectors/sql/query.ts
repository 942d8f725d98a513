/** What goes to the process that reads a database and back. Types only: the process loads nothing of ours. */

export type SqlCell = string | number | null;

export interface Query {
  readonly database: string;
  readonly statement: string;
  /** Bound to :watermark where the statement has it. */
  readonly watermark: SqlCell;
  /** The watermark is an integer, however it is written. */
  readonly integer: boolean;
  readonly maxRows: number;
  readonly busyMs: number;
}

export type QueryAnswer =
  | { readonly kind: "columns"; readonly columns: readonly string[] }
  /** Answered with `next`. Integers beyond 2^53 are texts. */
  | { readonly kind: "rows"; readonly rows: readonly (readonly SqlCell[])[] }
  /** `more`: there were more rows than asked for. */
  | { readonly kind: "end"; readonly more: boolean }
  | { readonly kind: "error"; readonly message: string; readonly sqlite: number | null; readonly missing: boolean };
