import { createHash } from "node:crypto";
import type { BatchTools } from "all-use-agent/sdk";
import type { SqlCell } from "./query.ts";
import type { SqlSourceConfig } from "./sql-source.ts";

/** How far a table was read. */
export interface SqlMark {
  /** Everything up to here was read; null at the beginning. */
  readonly value: SqlCell;
  /** Rows at the value and within the overlap before it, by their print: they come again. */
  readonly seen: readonly string[];
}

/** Rows that are known again; of more, the oldest are read twice, which gives the same samples. */
const SEEN_MAX = 20_000;
const INTEGER = /^-?\d{1,30}$/;

export function sqlMark(kept: unknown): SqlMark {
  const mark = kept as Partial<SqlMark> | null;
  const value = typeof mark?.value === "string" || typeof mark?.value === "number" ? mark.value : null;
  return { value, seen: Array.isArray(mark?.seen) ? mark.seen : [] };
}

/** What a row is known again by. */
export function printOf(row: readonly SqlCell[]): string {
  return createHash("sha1").update(JSON.stringify(row)).digest("base64").slice(0, 16);
}

/** Below 0 where `a` comes first, NaN where the two are no kind of order. */
export function compareMarks(a: SqlCell, b: SqlCell): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (a === null || b === null) return NaN;
  const [x, y] = [String(a), String(b)];
  if (INTEGER.test(x) && INTEGER.test(y)) {
    const [m, n] = [BigInt(x), BigInt(y)];
    return m < n ? -1 : m > n ? 1 : 0;
  }
  if (typeof a !== typeof b) return NaN;
  return x < y ? -1 : x > y ? 1 : 0;
}

/** The rows that were read last, to leave them out when they come again. */
export class SeenRows {
  private readonly known: Set<string>;
  private rows: { readonly value: SqlCell; readonly print: string }[] = [];

  constructor(seen: readonly string[]) {
    this.known = new Set(seen);
  }

  /** Whether the row is new. It is remembered either way. */
  take(value: SqlCell, print: string): boolean {
    this.rows.push({ value, print });
    if (this.rows.length >= 2 * SEEN_MAX) this.rows = this.rows.slice(-SEEN_MAX);
    return !this.known.has(print);
  }

  /** The prints of what comes again when rows are asked for from `value` on. */
  from(value: SqlCell): string[] {
    const again = value === null ? this.rows : this.rows.filter((row) => !(compareMarks(row.value, value) < 0));
    return [...new Set(again.slice(-SEEN_MAX).map(({ print }) => print))];
  }
}

/** Where rows are asked for from, so that those that came late are found. */
export function overlapper(config: SqlSourceConfig, tools: BatchTools): (value: SqlCell) => SqlCell {
  const { overlap = 0, overlap_count: count = 0 } = config;
  if (count > 0)
    return (value) => {
      if (typeof value === "number") return value - count;
      return value !== null && INTEGER.test(value) ? String(BigInt(value) - BigInt(count)) : value;
    };
  if (overlap === 0) return (value) => value;
  const zone = new tools.Zone(config.time_zone ?? config.zone ?? "");
  const format = config.time_format ?? "iso8601";
  const read = tools.timeReader(format, zone, config.time_pattern);
  return (value) => {
    const timeMs = read(value);
    if (value === null || Number.isNaN(timeMs)) return value;
    return tools.timeLike(value, format, timeMs - overlap, zone) ?? value;
  };
}
