import { closeSync, existsSync, fdatasyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";

/** A plugin where it stands in a start, and where its code runs. */
export interface PluginNote {
  readonly id: string;
  readonly runs: "bundled" | "inside" | "process";
}

/** One start of the agent, written down while it happens. */
export interface RunNote {
  /** Unix ms. */
  readonly startedMs: number;
  /** `good`: it ran for a minute. `stopped`: it was stopped in good order. */
  phase: "starting" | "ready" | "good" | "stopped";
  /** Those that are being started at this moment. */
  starting: PluginNote[];
  /** Those that were started, newest last. */
  started: PluginNote[];
  /** What was seen to end it, and whose code did it; null where nothing was seen. */
  fault: { readonly id: string | null; readonly what: string } | null;
}

/** A start that failed, with those that may be at fault, best suspects first. */
export interface Failure {
  readonly startedMs: number;
  readonly what: string;
  readonly suspects: readonly PluginNote[];
}

/** `state/start.json`: written by the agent alone. */
export interface StartFile {
  readonly run: RunNote | null;
  /** In a row, oldest first. */
  readonly failures: readonly Failure[];
  /** Deaths in a row of which nothing is known but that a plugin was running inside the agent. */
  readonly untraced: number;
}

/** A plugin that stays left out until the operator enables it. */
export interface Suspect {
  readonly sinceMs: number;
  readonly what: string;
}

/** `state/suspects.json`, by plugin id: written by the agent at its start, and by whoever forgives. */
export type Suspects = Readonly<Record<string, Suspect>>;

const EMPTY: StartFile = { run: null, failures: [], untraced: 0 };

export const startPath = (dataDir: string): string => join(dataDir, "state", "start.json");
export const suspectsPath = (dataDir: string): string => join(dataDir, "state", "suspects.json");
export const trailPath = (dataDir: string): string => join(dataDir, "state", "start.call");

/** What earlier starts left; nothing where the file is missing or damaged: a power cut is nobody's fault. */
export function readStartFile(dataDir: string): StartFile {
  const { run = null, failures, untraced } = (readJson(startPath(dataDir)) ?? {}) as Partial<StartFile>;
  if (!Array.isArray(failures) || typeof untraced !== "number") return EMPTY;
  if (run !== null && !(Array.isArray(run.starting) && Array.isArray(run.started))) return EMPTY;
  return { run, failures, untraced };
}

export function readSuspects(dataDir: string): Suspects {
  const value = readJson(suspectsPath(dataDir));
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Suspects) : {};
}

/**
 * Replaces a file as a whole, at once: it must be there when the next line kills the process. `durable` also survives a power
 * cut, which costs a moment.
 */
export function writeJson(path: string, value: unknown, durable: boolean): void {
  if (!existsSync(dirname(path))) mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.tmp`;
  const fd = openSync(temporary, "w", 0o600);
  try {
    writeSync(fd, `${JSON.stringify(value)}\n`);
    if (durable) fdatasyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, path);
}

export function removeFile(path: string): void {
  rmSync(path, { force: true });
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return null;
  }
}
