import { type ChildProcess, spawn } from "node:child_process";
import { errorText, type PluginContext } from "all-use-agent/sdk";
import { type Level, levelOfPriority } from "./level.ts";
import { LineSplitter } from "./line-splitter.ts";
import type { JournalSettings } from "./settings.ts";

export interface JournalEntry {
  readonly text: string;
  readonly timeMs: number;
  readonly unit: string;
  readonly level: Level;
  readonly bytes: number;
}

const FIELDS = "MESSAGE,PRIORITY,_SYSTEMD_UNIT,SYSLOG_IDENTIFIER";
const AGAIN_MIN_MS = 1000;
const AGAIN_MAX_MS = 60_000;

/** Follows systemd's journal through `journalctl`, which is started again when it ends. */
export class Journal {
  /** Of the last entry handed on: where the next start goes on. */
  cursor: string | null;
  trouble: string | null = null;
  private readonly ctx: PluginContext;
  private readonly settings: JournalSettings;
  private readonly entry: (entry: JournalEntry) => void;
  private readonly program: string;
  private child: ChildProcess | null = null;
  private againAtMs = 0;
  private againMs = AGAIN_MIN_MS;
  private readonly fromEnd: boolean;

  constructor(
    ctx: PluginContext,
    settings: JournalSettings,
    parts: {
      readonly cursor: string | null;
      readonly fromEnd: boolean;
      readonly program?: string;
      readonly entry: (entry: JournalEntry) => void;
    },
  ) {
    this.ctx = ctx;
    this.settings = settings;
    this.cursor = parts.cursor;
    this.fromEnd = parts.fromEnd;
    this.program = parts.program ?? "journalctl";
    this.entry = parts.entry;
  }

  /** Sees that it runs; called every tick. */
  keep(): void {
    if (this.child !== null || this.ctx.clock.monotonic() < this.againAtMs) return;
    const child = spawn(this.program, this.parameters(), {
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin", LANG: "C.UTF-8", TZ: "UTC" },
    });
    this.child = child;
    const splitter = new LineSplitter();
    let complaint = "";
    child.stdout.on("data", (bytes: Buffer) => splitter.push(bytes, (line) => this.take(line)));
    child.stderr.on("data", (bytes: Buffer) => (complaint = (complaint + bytes.toString()).slice(-500)));
    child.once("error", (error: NodeJS.ErrnoException) =>
      this.ended(child, error.code === "ENOENT" ? "journalctl is not there: this source needs systemd" : errorText(error)),
    );
    child.once("close", (code) =>
      this.ended(child, `journalctl ended (${code ?? "killed"}): ${complaint.trim() || "it said nothing"}`),
    );
  }

  stop(): void {
    const { child } = this;
    this.child = null;
    child?.kill();
  }

  private parameters(): string[] {
    const { units, priority, directory } = this.settings;
    return [
      "--follow",
      "--output=json",
      `--output-fields=${FIELDS}`,
      "--no-pager",
      `--priority=${priority}`,
      ...units.map((unit) => `--unit=${unit}`),
      ...(directory === undefined ? [] : [`--directory=${directory}`]),
      ...(this.cursor !== null ? [`--after-cursor=${this.cursor}`] : [this.fromEnd ? "--lines=0" : "--lines=all"]),
    ];
  }

  private take(line: string): void {
    let json: Record<string, unknown>;
    try {
      json = JSON.parse(line) as Record<string, unknown>;
    } catch {
      return;
    }
    this.againMs = AGAIN_MIN_MS;
    this.trouble = null;
    const { MESSAGE: message, PRIORITY: priority, __REALTIME_TIMESTAMP: us, __CURSOR: cursor } = json;
    // A message that is no text comes as bytes, one that is too large as null.
    const text =
      typeof message === "string" ? message : Array.isArray(message) ? Buffer.from(message as number[]).toString() : "";
    this.entry({
      text,
      timeMs: Math.floor(Number(us) / 1000) || this.ctx.clock.now(),
      unit: textOf(json["_SYSTEMD_UNIT"]) || textOf(json["SYSLOG_IDENTIFIER"]) || "other",
      level: levelOfPriority(Number(priority ?? 6)),
      bytes: Buffer.byteLength(text),
    });
    if (typeof cursor === "string") this.cursor = cursor;
  }

  private ended(child: ChildProcess, why: string): void {
    if (this.child !== child) return;
    this.child = null;
    this.trouble = why;
    this.againAtMs = this.ctx.clock.monotonic() + this.againMs;
    this.againMs = Math.min(AGAIN_MAX_MS, this.againMs * 2);
    this.ctx.log.warn(why);
  }
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
