import { closeSync, fstatSync, openSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { LogFields, Logger } from "all-use-agent/sdk";

export type LogLevel = "debug" | "info" | "warn" | "error";

const RANK: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };

/** The same warning of the same plugin is written once in this time and counted in between. */
const REPEAT_MS = 60_000;
/** How many different messages are remembered to find repeats. */
const REMEMBERED = 500;
/** Two files of this size at most: some ten thousand lines each. */
const FILE_MAX_BYTES = 2_000_000;

interface Repeat {
  untilMs: number;
  count: number;
}

/**
 * Writes JSON lines to `<folder>/agent.log` (renamed to `agent.log.1` when full) and warnings and errors as plain text to
 * standard error. A log that cannot be written never stops the agent.
 */
export class LogBook {
  private fd: number | null = null;
  private sizeBytes = 0;
  private readonly file: string | null;
  private readonly level: LogLevel;
  private readonly repeats = new Map<string, Repeat>();

  constructor(folder: string | null, level: LogLevel = "info") {
    this.file = folder === null ? null : join(folder, "agent.log");
    this.level = level;
    this.open();
  }

  logger(source: string): Logger {
    const write = (level: LogLevel) => (message: string, fields?: LogFields) => this.write(level, source, message, fields);
    return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
  }

  close(): void {
    if (this.fd !== null) closeSync(this.fd);
    this.fd = null;
  }

  private write(level: LogLevel, source: string, message: string, fields: LogFields | undefined): void {
    if (RANK[level] < RANK[this.level]) return;
    const nowMs = Date.now();
    let repeated = 0;
    if (RANK[level] >= RANK.warn) {
      const seen = this.repeats.get(`${source}\n${message}`);
      if (seen && nowMs < seen.untilMs) {
        seen.count++;
        return;
      }
      repeated = seen?.count ?? 0;
      if (this.repeats.size >= REMEMBERED) this.repeats.clear();
      this.repeats.set(`${source}\n${message}`, { untilMs: nowMs + REPEAT_MS, count: 0 });
      process.stderr.write(`${level}: ${source}: ${message}${repeated ? ` (${repeated} more since)` : ""}\n`);
    }
    this.append(
      `${JSON.stringify({ time: new Date(nowMs).toISOString(), level, source, message, ...fields, ...(repeated && { repeated }) })}\n`,
    );
  }

  private append(line: string): void {
    if (this.fd === null) return;
    try {
      this.sizeBytes += writeSync(this.fd, line);
      if (this.sizeBytes > FILE_MAX_BYTES) this.rotate();
    } catch {
      // A full disk must not take the agent down with it; standard error still has the line.
    }
  }

  private open(): void {
    if (this.file === null) return;
    try {
      this.fd = openSync(this.file, "a", 0o600);
      this.sizeBytes = fstatSync(this.fd).size;
    } catch {
      this.fd = null;
    }
  }

  private rotate(): void {
    this.close();
    if (this.file !== null) renameSync(this.file, `${this.file}.1`);
    this.open();
  }
}
