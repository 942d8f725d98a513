import { readFile, stat } from "node:fs/promises";
import { AgentError, compileSelector, type SeriesInfo } from "all-use-agent/sdk";
import { parseTable, type TableRow } from "./parse-table.ts";

const FILE_MAX_BYTES = 16 * 1024 * 1024;

export interface TableConfig {
  readonly file: string;
  readonly format?: "csv" | "json";
  readonly to: string;
  readonly on: readonly string[];
  readonly labels: readonly string[];
}

/** A file whose rows are labels. */
export class Table {
  readonly config: TableConfig;
  /** Rows that count; -1 when the file could not be read. */
  rows = -1;
  private readonly fits: (info: SeriesInfo) => boolean;
  private byKey = new Map<string, TableRow>();
  private seen = "";

  /** Throws `selector_invalid`. */
  constructor(config: TableConfig) {
    this.config = config;
    this.fits = compileSelector(config.to);
  }

  /** Reads the file if it is another than before. Returns whether it was. Throws `table_invalid` and what the system does: what was there stays. */
  async refresh(): Promise<boolean> {
    const { file, format = file.endsWith(".json") ? "json" : "csv" } = this.config;
    const { mtimeMs, size, ino } = await stat(file);
    const seen = `${mtimeMs} ${size} ${ino}`;
    if (seen === this.seen) return false;
    this.seen = seen;
    this.rows = -1;
    if (size > FILE_MAX_BYTES)
      throw new AgentError("table_invalid", `the table ${file} has ${size} bytes; at most ${FILE_MAX_BYTES} are read`);
    this.take(parseTable(await readFile(file, "utf8"), format));
    return true;
  }

  /** The labels for a series, or null. */
  labelsOf(info: SeriesInfo): TableRow | null {
    if (!this.fits(info)) return null;
    return this.byKey.get(keyOf(this.config.on, info.labels)) ?? null;
  }

  private take(rows: readonly TableRow[]): void {
    const { on, labels } = this.config;
    const byKey = new Map<string, TableRow>();
    for (const row of rows) {
      const key = keyOf(on, row);
      if (byKey.has(key)) continue;
      const wanted = labels.length > 0 ? labels : Object.keys(row).filter((name) => !on.includes(name));
      byKey.set(key, Object.fromEntries(wanted.map((name) => [name, row[name] ?? ""])));
    }
    this.byKey = byKey;
    this.rows = byKey.size;
  }
}

/** What must be equal, as one text. */
export function keyOf(on: readonly string[], labels: Readonly<Record<string, string>>): string {
  return JSON.stringify(on.map((name) => (Object.hasOwn(labels, name) ? labels[name] : "")));
}
