import { unwatchFile, watchFile } from "node:fs";
import { errorText, type LogFields, type Logger, type PluginReport } from "all-use-agent/sdk";
import { PermissionGate } from "../host/gate.ts";
import { grantBook } from "../host/package/admission.ts";
import type { GrantBook } from "../host/grants.ts";
import { PermissionUses } from "../host/permission-uses.ts";
import { AuditLog } from "../learning/audit.ts";
import { auditFolder, pendingFile, takePending } from "./audit-note.ts";

/** How soon what a command wrote counts. */
const LOOK_MS = 1000;
const MINUTE_MS = 60_000;
/** Uses of the agent's own data are recorded once an hour: they are many, and lead nowhere outside. */
const INWARD_MINUTES = 60;
/** Failures that come together are looked at together. */
const FAILED_SETTLE_MS = 300;

export interface PermissionDeskOptions {
  readonly dataDir: string;
  readonly now: () => number;
  readonly log: Logger;
  readonly version: string;
  /** Reports of all plugins. */
  readonly reports: () => readonly PluginReport[];
  /** What these folders hold is to be started anew. */
  readonly rescan: (folders: ReadonlySet<string>) => Promise<void>;
}

/** What plugins may do and what they did: grants, counts of uses, the audit log. */
export class PermissionDesk {
  readonly book: GrantBook;
  readonly gate: PermissionGate;
  readonly uses: PermissionUses;
  private readonly options: PermissionDeskOptions;
  private log: AuditLog | null = null;
  private openProblem: string | null = null;
  private minutes = 0;
  private timer: NodeJS.Timeout | null = null;
  private settling: NodeJS.Timeout | null = null;
  /** Plugin → why it failed, as recorded. */
  private readonly failed = new Map<string, string>();

  constructor(options: PermissionDeskOptions) {
    this.options = options;
    this.book = grantBook(options.dataDir);
    this.uses = new PermissionUses(options.now);
    this.gate = new PermissionGate({ book: this.book, note: (...note) => this.note(...note), now: options.now });
  }

  get auditFolder(): string {
    return auditFolder(this.options.dataDir);
  }

  /** Opens the audit log. An agent that cannot have one runs nevertheless, and says so. */
  async open(): Promise<void> {
    const { dataDir, now, version, log } = this.options;
    try {
      this.log = await AuditLog.open({ folder: this.auditFolder, now });
      await takePending(dataDir, this.log);
    } catch (error) {
      this.openProblem = `The audit log cannot be opened: ${errorText(error)}.`;
      log.error(this.openProblem);
    }
    this.uses.onFirst = (id, permission, refused) => this.noteUse(id, permission, 1, refused);
    this.note("agent", "agent.started", "agent", { version, pid: process.pid, node: process.version });
    this.timer = setInterval(() => this.drain(), MINUTE_MS);
    this.timer.unref();
  }

  /** From now on what commands write is taken up. */
  watch(): void {
    const { dataDir } = this.options;
    const options = { persistent: false, interval: LOOK_MS };
    watchFile(this.book.path, options, () => void this.grantsChanged());
    watchFile(pendingFile(dataDir), options, () => void (this.log && takePending(dataDir, this.log).catch(() => {})));
  }

  /** Safe at any time; nothing is recorded before `open`. */
  note(actor: string, action: string, target: string, details: LogFields = {}): void {
    this.log?.note(actor, action, target, details);
  }

  /** Resolves when what was noted is on the disk. */
  async flush(): Promise<void> {
    await this.log?.flush();
  }

  problems(): string[] {
    return [this.openProblem, this.log?.problem ?? null].filter((problem) => problem !== null);
  }

  /** Some plugin's state changed: one that failed is recorded. */
  stateChanged(): void {
    this.settling ??= setTimeout(() => this.noteFailures(), FAILED_SETTLE_MS).unref();
  }

  async stop(): Promise<void> {
    unwatchFile(this.book.path);
    unwatchFile(pendingFile(this.options.dataDir));
    if (this.timer) clearInterval(this.timer);
    if (this.settling) this.noteFailures();
    this.minutes = INWARD_MINUTES - 1;
    this.drain();
    this.note("agent", "agent.stopped", "agent", { pid: process.pid });
    await this.log?.close();
    this.log = null;
  }

  /** Starts anew whose permissions are others than it was started with. */
  async grantsChanged(): Promise<void> {
    try {
      const folders = this.gate.changedBy(await this.book.read());
      if (folders.size > 0) await this.options.rescan(folders);
    } catch (error) {
      this.options.log.error(errorText(error));
    }
  }

  private noteFailures(): void {
    if (this.settling) clearTimeout(this.settling);
    this.settling = null;
    for (const { id, state, code, reason } of this.options.reports()) {
      if (state !== "failed") this.failed.delete(id);
      else if (this.failed.get(id) !== (reason ?? "")) {
        this.failed.set(id, reason ?? "");
        this.note("agent", "plugin.failed", id, { code, reason });
      }
    }
  }

  /** One record a plugin and permission, with a count, whatever it did in that minute. */
  private drain(): void {
    this.minutes++;
    for (const { id, permission, uses, refusals } of this.uses.drain(this.minutes % INWARD_MINUTES === 0)) {
      if (uses > 0) this.noteUse(id, permission, uses, false);
      if (refusals > 0) this.noteUse(id, permission, refusals, true);
    }
  }

  private noteUse(id: string, permission: string, count: number, refused: boolean): void {
    this.note(id, refused ? "permission.refused" : "permission.used", permission, { count });
  }
}
