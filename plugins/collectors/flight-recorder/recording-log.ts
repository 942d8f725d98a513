import { type DocumentCollection, errorText, type PluginContext } from "all-use-agent/sdk";
import type { Recording } from "./recorder.ts";
import { type Witness, WITNESSES, witnessesOf } from "./witnesses.ts";

const RECORDINGS_MAX = 200;
/** Who ran is asked for a while before it began, soon after (the collector needs a moment to see who is new), and at the end. */
const BEFORE_MS = 15_000;
const AFTER_MS = 5000;
const WITNESSES_MAX = 20;

/** A recording as it is kept: the samples are in the store, under `alluse_recorder_*`. */
export interface RecordingDocument extends Recording {
  readonly _id: string;
  readonly state: "running" | "ended" | "interrupted";
  readonly processes: readonly { readonly atMs: number; readonly processes: readonly Witness[] }[];
}

/** Keeps what was recorded when and why, and who ran then, in a bounded collection. */
export class RecordingLog {
  private readonly ctx: PluginContext;
  private readonly documents: DocumentCollection<RecordingDocument>;
  private looks: { atMs: number; processes: Witness[] }[] = [];
  private lookAtMs: number | null = null;
  private queue: Promise<void> = Promise.resolve();
  private told = false;

  constructor(ctx: PluginContext) {
    this.ctx = ctx;
    this.documents = ctx.documents.collection<RecordingDocument>("recordings", {
      maxDocuments: RECORDINGS_MAX,
      orderBy: "startedMs",
    });
  }

  begun(recording: Recording): void {
    this.looks = [];
    const looks = this.looks;
    this.lookAtMs = this.ctx.clock.monotonic() + AFTER_MS;
    this.later(async () => {
      await this.look(looks, recording.startedMs - BEFORE_MS);
      await this.put(recording, "running", looks);
    });
  }

  /** `elapsedMs` is monotonic. */
  tick(recording: Recording | null, elapsedMs: number): void {
    if (recording === null || this.lookAtMs === null || elapsedMs < this.lookAtMs) return;
    this.lookAtMs = null;
    const looks = this.looks;
    const nowMs = this.ctx.clock.now();
    this.later(async () => {
      await this.look(looks, nowMs);
      await this.put(recording, "running", looks);
    });
  }

  ended(recording: Recording): void {
    const looks = this.looks;
    const nowMs = this.ctx.clock.now();
    this.lookAtMs = null;
    this.later(async () => {
      await this.look(looks, nowMs);
      await this.put(recording, "ended", looks);
    });
  }

  /** The newest first. */
  list(): Promise<RecordingDocument[]> {
    return this.documents.find({ filter: {}, sort: { startedMs: -1 }, limit: RECORDINGS_MAX });
  }

  /** A recording that ran when an agent before this one died is not running any more. */
  async closeEarlier(): Promise<void> {
    for (const one of await this.documents.find({ filter: { state: "running" }, limit: RECORDINGS_MAX }))
      await this.documents.put({ ...one, state: "interrupted" });
  }

  /** Resolves when everything is written or has failed. */
  settled(): Promise<void> {
    return this.queue;
  }

  /** One after the other, so that an ending is not overtaken by a beginning. */
  private later(task: () => Promise<void>): void {
    this.queue = this.queue.then(task).catch((error: unknown) => {
      if (this.told || this.ctx.signal.aborted) return;
      this.told = true;
      this.ctx.log.warn("a recording could not be written down; its samples are kept", { error: errorText(error) });
    });
  }

  private async look(looks: { atMs: number; processes: Witness[] }[], atMs: number): Promise<void> {
    // Without the answer a recording is still worth keeping.
    const rows = await this.ctx.query(WITNESSES, atMs).catch(() => []);
    looks.push({ atMs, processes: witnessesOf(rows).slice(0, WITNESSES_MAX) });
  }

  private async put(
    recording: Recording,
    state: RecordingDocument["state"],
    looks: readonly { atMs: number; processes: Witness[] }[],
  ): Promise<void> {
    await this.documents.put({ _id: recording.id, state, ...recording, reasons: [...recording.reasons], processes: [...looks] });
  }
}
