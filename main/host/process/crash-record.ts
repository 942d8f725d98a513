import { type AgentError, type Disposable, errorText, type Logger, type Manifest } from "all-use-agent/sdk";
import type { Hide } from "../config/redact.ts";
import type { InstanceStore } from "../private-store.ts";
import type { TimeSource } from "../time.ts";
import { CrashRule, STABLE_MS } from "./crash-rule.ts";

const NAME = "crashes.json";
const EVIDENCE_NAME = "crash.json";
/** Three at most count; a file with more was not written here. */
const TIMES_MAX = 8;

interface Kept {
  /** Of the plugin that crashed: another version or content is another plugin. */
  readonly version: string;
  readonly sha256: string | null;
  readonly inARow: number;
  /** Unix ms. */
  readonly crashesMs: readonly number[];
  readonly code: string;
  readonly reason: string;
}

export interface CrashRecordParts {
  readonly manifest: Manifest;
  readonly folder: string;
  readonly store: InstanceStore;
  readonly time: TimeSource;
  readonly log: Logger;
  /** Takes its secrets out of what is kept. */
  readonly hide: Hide | null;
}

/**
 * The crash rule of one instance with a memory that outlives the agent: restarting the agent is no pardon. Ten stable minutes,
 * another version or content, and `alluse plugin enable` are.
 */
export class CrashRecord {
  private readonly rule = new CrashRule();
  private readonly parts: CrashRecordParts;
  private sha256: Promise<string | null> | null = null;
  /** One write after the other, so that the newest stays. */
  private written: Promise<unknown> = Promise.resolve();

  constructor(parts: CrashRecordParts) {
    this.parts = parts;
  }

  /** Takes up what runs before have left. The last crash, if it may not be started for having crashed too often; else null. */
  async recall(): Promise<{ code: string; reason: string } | null> {
    const { manifest, store, time } = this.parts;
    const kept = keptIn(await store.read(NAME).catch(() => null));
    if (kept === null) return null;
    if (kept.version !== manifest.version || kept.sha256 !== (await this.content())) {
      this.forget();
      return null;
    }
    // A clock that was set back makes a crash look as if it were still to come: it was just now.
    const agosMs = kept.crashesMs.map((atMs) => Math.max(0, time.now() - atMs));
    this.rule.recall({ agosMs, inARow: kept.inARow }, time.monotonic());
    return this.rule.exhausted(time.monotonic()) ? { code: kept.code, reason: kept.reason } : null;
  }

  /** It runs. Returns what to dispose of when it ends: until then the ten minutes pass that make earlier crashes forgotten. */
  started(): Disposable {
    const { time } = this.parts;
    this.rule.started(time.monotonic());
    if (!this.rule.remembers) return { dispose: () => {} };
    return time.after(STABLE_MS, () => this.forget());
  }

  /** The time to wait before the next start, or null: it is not started again. */
  crashed({ code, message }: AgentError): number | null {
    const { time } = this.parts;
    const delayMs = this.rule.crashed(time.monotonic());
    this.keep(code, this.hidden(message));
    return delayMs;
  }

  /** Keeps why it ended and what it printed last, for whoever looks later. The one before is replaced. */
  keepEvidence({ code, message }: AgentError, printed: readonly string[]): void {
    const { manifest, store, time } = this.parts;
    const evidence = {
      time: new Date(time.now()).toISOString(),
      version: manifest.version,
      code,
      reason: this.hidden(message),
      printed: printed.map((line) => this.hidden(line)),
    };
    this.next(() => store.write(EVIDENCE_NAME, Buffer.from(`${JSON.stringify(evidence, null, 2)}\n`)));
  }

  /** Resolves when all of it is on the disk. */
  async settled(): Promise<void> {
    await this.written;
  }

  private hidden(text: string): string {
    return this.parts.hide ? this.parts.hide(text) : text;
  }

  private forget(): void {
    this.rule.forget();
    this.next(() => this.parts.store.remove(NAME));
  }

  private keep(code: string, reason: string): void {
    const { manifest, store, time } = this.parts;
    const { agosMs, inARow } = this.rule.history(time.monotonic());
    const nowMs = time.now();
    this.next(async () => {
      const kept: Kept = {
        version: manifest.version,
        sha256: await this.content(),
        inARow,
        crashesMs: agosMs.map((ago) => Math.round(nowMs - ago)),
        code,
        reason,
      };
      await store.write(NAME, Buffer.from(`${JSON.stringify(kept, null, 2)}\n`));
    });
  }

  private next(task: () => Promise<unknown>): void {
    this.written = this.written.then(task).catch((error: unknown) => {
      this.parts.log.warn(`what is to be known of its crashes could not be kept: ${errorText(error)}`);
    });
  }

  /** Of the folder as it is at the first crash; null where it cannot be read as a plugin's. */
  private content(): Promise<string | null> {
    this.sha256 ??= import("../package/read-package.ts")
      .then(({ readPluginFolder }) => readPluginFolder(this.parts.folder))
      .then(
        ({ sha256 }) => sha256,
        () => null,
      );
    return this.sha256;
  }
}

/** What is said of a plugin that is not started again. */
export function tooOften(key: string): string {
  return `; it crashed three times in five minutes and is not started again: mend it, or \`alluse plugin enable ${key}\` forgives it`;
}

/** null for what is not there or was not written here. */
function keptIn(bytes: Uint8Array | null): Kept | null {
  if (bytes === null) return null;
  try {
    const { version, sha256, inARow, crashesMs, code, reason } = JSON.parse(Buffer.from(bytes).toString()) as Kept;
    if (!Array.isArray(crashesMs) || crashesMs.length > TIMES_MAX || !crashesMs.every(Number.isFinite)) return null;
    if (!Number.isInteger(inARow) || inARow < 0 || typeof code !== "string" || typeof reason !== "string") return null;
    return { version, sha256, inARow, crashesMs, code, reason };
  } catch {
    return null;
  }
}
