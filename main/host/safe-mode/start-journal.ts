import { type Disposable, errorText, type Manifest, type SafeModeReport } from "all-use-agent/sdk";
import type { PluginFolder } from "../discover.ts";
import type { TimeSource } from "../time.ts";
import { CallTrail, takeTrail } from "./call-trail.ts";
import {
  type PluginNote,
  readStartFile,
  readSuspects,
  removeFile,
  type RunNote,
  startPath,
  type Suspects,
  suspectsPath,
  trailPath,
  writeJson,
} from "./start-file.ts";
import { type Plan, plan } from "./verdict.ts";

/** An agent that ran this long has started. */
const GOOD_AFTER_MS = 60_000;
/** Enough to find who was started last. */
const STARTED_KEPT = 100;

/** What the host tells of a start, and asks. */
export interface StartWatch {
  /** Why a plugin is not to be started, in one sentence, or null. */
  leftOut(manifest: Manifest, origin: PluginFolder["origin"]): string | null;
  starting(note: PluginNote): void;
  /** It runs, or has failed in good order. */
  started(id: string): void;
  /** The code of a plugin was seen to end the process. */
  ended(id: string, what: string): void;
  /** A call into a plugin that runs inside the agent begins, and has come back. */
  enter(id: string): void;
  leave(): void;
}

export interface StartJournalOptions {
  readonly dataDir: string;
  /** Real time, also where the agent's clock is simulated. */
  readonly time: TimeSource;
  /** The operator wants everything started, whatever happened before. */
  readonly forced: boolean;
  readonly warn: (message: string) => void;
}

/**
 * Writes down what a start is about to do, so that the next one knows why this one failed, and says what to leave out after
 * two that did. docs/supervision.md has the rules.
 */
export class StartJournal implements StartWatch {
  private readonly options: StartJournalOptions;
  private readonly plan: Plan;
  private readonly suspects: Suspects;
  private readonly run: RunNote;
  private readonly left = new Set<string>();
  private timer: Disposable | null = null;
  private trail: CallTrail | null = null;
  private warned = false;

  constructor(options: StartJournalOptions) {
    const { dataDir, time } = options;
    this.options = options;
    const nowMs = time.now();
    this.plan = plan(readStartFile(dataDir), takeTrail(trailPath(dataDir)), nowMs);
    const known = readSuspects(dataDir);
    const added = this.plan.suspects.filter(({ id }) => !Object.hasOwn(known, id));
    this.suspects = { ...known, ...Object.fromEntries(added.map(({ id, what, sinceMs }) => [id, { what, sinceMs }])) };
    this.run = { startedMs: nowMs, phase: "starting", starting: [], started: [], fault: null };
    this.attempt(() => {
      if (added.length > 0) writeJson(suspectsPath(dataDir), this.suspects, true);
    });
    this.write(true);
  }

  leftOut(manifest: Manifest, origin: PluginFolder["origin"]): string | null {
    if (this.options.forced || manifest.provides?.includes("series")) return null;
    const { id } = manifest;
    const suspect = Object.hasOwn(this.suspects, id) ? this.suspects[id] : null;
    if (suspect === null && !(this.safe && origin === "installed")) return null;
    this.left.add(id);
    return suspect === null
      ? "it is left out in safe mode, because the agent could not start twice in a row: the next start takes it in again if this one lasts a minute"
      : `it is left out, because ${suspect.what}: mend it, then \`alluse plugin enable ${id}\` lets the next start take it in again`;
  }

  starting(note: PluginNote): void {
    if (this.over) return;
    if (note.runs === "inside") this.attempt(() => (this.trail ??= new CallTrail(trailPath(this.options.dataDir))));
    this.run.starting.push(note);
    this.write();
  }

  started(id: string): void {
    if (this.over) return;
    const at = this.run.starting.findIndex((note) => note.id === id);
    if (at < 0) return;
    const [note] = this.run.starting.splice(at, 1);
    this.run.started = [...this.run.started, note].slice(-STARTED_KEPT);
    // Of those that come with the agent the next one's start says so, or that the agent is ready.
    if (note.runs !== "bundled") this.write();
  }

  ended(id: string | null, what: string): void {
    if (this.over || this.run.fault !== null) return;
    this.run.fault = { id, what };
    this.write();
  }

  enter(id: string): void {
    this.trail?.enter(id);
  }

  leave(): void {
    this.trail?.leave();
  }

  /** The agent answers. From now on it is on trial for a minute. */
  ready(): void {
    if (this.over) return;
    this.run.phase = "ready";
    this.write();
    this.timer = this.options.time.after(GOOD_AFTER_MS, () => this.close("good"));
  }

  /** The agent is stopping in good order, or because of an error that `ended` was told of. Legal twice. */
  stopped(): void {
    this.close("stopped");
  }

  /** null while nothing is left out and no start has failed. */
  report(): SafeModeReport | null {
    if (!this.safe && this.left.size === 0) return null;
    const leftOut = [...this.left].sort();
    const suspects = Object.keys(this.suspects).filter((id) => this.left.has(id) || this.safe);
    return { sinceMs: this.sinceMs(suspects), leftOut, suspects, reason: this.reason(leftOut, suspects) };
  }

  private get safe(): boolean {
    return this.plan.safe && !this.options.forced;
  }

  /** What it did no longer decides about the next start. */
  private get over(): boolean {
    return this.run.phase === "good" || this.run.phase === "stopped";
  }

  private close(phase: "good" | "stopped"): void {
    void this.timer?.dispose();
    this.trail?.close();
    this.trail = null;
    if (this.over) return;
    this.run.phase = phase;
    this.write(true);
    if (phase === "good") this.attempt(() => this.tidySuspects());
  }

  /** With a minute gone, those that it ran with in spite of a suspicion are cleared of it. */
  private tidySuspects(): void {
    const { dataDir } = this.options;
    const known = readSuspects(dataDir);
    const stay = Object.entries(known).filter(([id]) => this.left.has(id));
    if (stay.length === Object.keys(known).length) return;
    if (stay.length === 0) removeFile(suspectsPath(dataDir));
    else writeJson(suspectsPath(dataDir), Object.fromEntries(stay), true);
  }

  private sinceMs(suspects: readonly string[]): number {
    return this.safe ? this.run.startedMs : Math.min(...suspects.map((id) => this.suspects[id].sinceMs));
  }

  private reason(leftOut: readonly string[], suspects: readonly string[]): string {
    const mend =
      suspects.length === 0
        ? ""
        : ` Suspected: ${suspects.map((id) => `${id} (${this.suspects[id].what})`).join(", ")}. Mend it, then let the next start take it in again: ${suspects.map((id) => `\`alluse plugin enable ${id}\``).join(", ")}.`;
    if (!this.safe) return `Left out until it is enabled again: ${leftOut.join(", ")}.${mend}`;
    const why = this.plan.failures.at(-1)?.what ?? this.plan.suspects[0]?.what ?? "the agent died";
    const left = leftOut.length === 0 ? "there was no plugin to leave out" : `left out: ${leftOut.join(", ")}`;
    return `The agent could not start several times in a row (${why}), so it runs in safe mode; ${left}.${mend} If this start lasts a minute, the next one takes in the others again.`;
  }

  private write(durable = false): void {
    const { failures, untraced } = this.over && this.run.fault === null ? { failures: [], untraced: 0 } : this.plan;
    this.attempt(() => writeJson(startPath(this.options.dataDir), { run: this.run, failures, untraced }, durable));
  }

  /** A journal that cannot be written does not keep the agent from starting. */
  private attempt(task: () => void): void {
    try {
      task();
    } catch (error) {
      if (!this.warned) this.options.warn(`the journal of this start cannot be written: ${errorText(error)}`);
      this.warned = true;
    }
  }
}
