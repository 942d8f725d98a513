import { closeSync, fstatSync, openSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { LogFields, Logger, PluginLogReport } from "all-use-agent/sdk";
import { PluginLog } from "./plugin-log.ts";
import { Repeats } from "./repeats.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";

const RANK: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };

/** Two files of this size at most: some ten thousand lines each. */
const FILE_MAX_BYTES = 2_000_000;
/** A plugin's sources have a slash, those of the agent's own parts none. */
const OF_PLUGIN = /\//;
/** Instances whose newest lines are kept. */
const PLUGIN_LOGS_MAX = 500;

/**
 * Writes JSON lines to `<folder>/agent.log` (renamed to `agent.log.1` when full) and warnings and errors as plain text to
 * standard error, what is said again and again once a minute with its count. The newest lines of each plugin are kept in memory.
 * A log that cannot be written never stops the agent.
 */
export class LogBook {
  private fd: number | null = null;
  private sizeBytes = 0;
  private readonly file: string | null;
  private readonly level: LogLevel;
  private readonly repeats: Repeats;
  private readonly plugins = new Map<string, PluginLog>();

  constructor(folder: string | null, level: LogLevel = "info") {
    this.file = folder === null ? null : join(folder, "agent.log");
    this.level = level;
    this.repeats = new Repeats((line, times) => {
      const [level, source, message] = line as [LogLevel, string, string];
      this.put(Date.now(), level, source, `${message} … ${times} times more`, { repeated: times });
    });
    this.open();
  }

  logger(source: string): Logger {
    const write = (level: LogLevel) => (message: string, fields?: LogFields) => this.write(level, source, message, fields);
    return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
  }

  /** What a plugin instance has logged lately. */
  pluginLog(id: string): PluginLogReport {
    return this.plugins.get(id)?.report() ?? { lines: [], errors: [] };
  }

  close(): void {
    this.repeats.close();
    if (this.fd !== null) closeSync(this.fd);
    this.fd = null;
  }

  private write(level: LogLevel, source: string, message: string, fields: LogFields | undefined): void {
    if (RANK[level] < RANK[this.level]) return;
    const nowMs = Date.now();
    const repeated = this.repeats.again([level, source, message]);
    if (OF_PLUGIN.test(source)) this.ofPlugin(source)?.note(nowMs, level, message, fields, repeated);
    if (!repeated) this.put(nowMs, level, source, message, fields);
  }

  private put(nowMs: number, level: LogLevel, source: string, message: string, fields: LogFields | undefined): void {
    if (RANK[level] >= RANK.warn) process.stderr.write(`${level}: ${source}: ${message}\n`);
    this.append(`${JSON.stringify({ time: new Date(nowMs).toISOString(), level, source, message, ...fields })}\n`);
  }

  private ofPlugin(source: string): PluginLog | undefined {
    let log = this.plugins.get(source);
    if (!log && this.plugins.size < PLUGIN_LOGS_MAX) this.plugins.set(source, (log = new PluginLog()));
    return log;
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
    if (this.fd !== null) closeSync(this.fd);
    this.fd = null;
    if (this.file !== null) renameSync(this.file, `${this.file}.1`);
    this.open();
  }
}
