import { appendFile, mkdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { AgentError, type LogFields } from "all-use-agent/sdk";
import { openDataDir } from "../host/data-dir.ts";
import { AuditLog } from "../learning/audit.ts";

/** What a command did, for the audit log. */
export interface CommandNote {
  readonly action: string;
  readonly target: string;
  readonly details: LogFields;
}

/** More than anyone does with commands while an agent looks away. */
const PENDING_MAX_BYTES = 4 * 2 ** 20;

export function auditFolder(dataDir: string): string {
  return join(dataDir, "audit");
}

/** Notes of commands wait here when the log belongs to a running agent. */
export function pendingFile(dataDir: string): string {
  return join(auditFolder(dataDir), "pending.jsonl");
}

/**
 * Records what a command did, as the operator's act: in the chain itself when no agent runs, else where the agent finds it
 * within a second and takes it into the chain.
 */
export async function noteOfCommand(dataDir: string, notes: readonly CommandNote[]): Promise<void> {
  let lock: { dispose(): void };
  try {
    lock = openDataDir(dataDir);
  } catch (error) {
    if (!(error instanceof AgentError) || error.code !== "data_dir_locked") throw error;
    await mkdir(auditFolder(dataDir), { recursive: true, mode: 0o700 });
    const lines = notes.map((note) => `${JSON.stringify({ ...note, time_ms: Date.now() })}\n`);
    await appendFile(pendingFile(dataDir), lines.join(""), { mode: 0o600, flush: true });
    return;
  }
  try {
    const log = await AuditLog.open({ folder: auditFolder(dataDir), now: Date.now });
    await takePending(dataDir, log);
    for (const { action, target, details } of notes) log.note("operator", action, target, details);
    await log.close();
  } finally {
    lock.dispose();
  }
}

/** Takes waiting notes of commands into the chain, once each; twice only if the agent is killed in between. */
export async function takePending(dataDir: string, log: AuditLog): Promise<void> {
  const taken = `${pendingFile(dataDir)}.taken`;
  const before = await readFile(taken).catch(() => null);
  if (before === null) {
    const moved = await rename(pendingFile(dataDir), taken).then(
      () => true,
      () => false,
    );
    if (!moved) return;
  }
  const bytes = before ?? (await readFile(taken));
  for (const line of bytes.subarray(0, PENDING_MAX_BYTES).toString("utf8").split("\n")) {
    const note = parsed(line);
    if (note) log.note("operator", note.action, note.target, { ...note.details, command_ms: note.time_ms });
  }
  await log.flush();
  await rm(taken, { force: true });
}

function parsed(line: string): (CommandNote & { time_ms: number }) | null {
  try {
    const note = JSON.parse(line) as CommandNote & { time_ms: number };
    return typeof note.action === "string" && typeof note.target === "string" ? note : null;
  } catch {
    return null;
  }
}
