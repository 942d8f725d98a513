import type { DocumentCollection } from "all-use-agent/sdk";
import type { Measure } from "./rankings.ts";
import type { Process } from "./process.ts";

/** Who stays for less time is not written down. */
const WORTH_MS = 10_000;
/** Documents written a minute, at most; what is beyond is counted. */
const WRITES_PER_MINUTE = 30;
export const OCCUPANTS_MAX = 2000;

/** A process that was among the largest, and when. */
export interface Occupant {
  readonly _id: string;
  readonly pid: number;
  readonly program: string;
  readonly command: string;
  readonly account: string | null;
  /** When the process began, Unix ms. */
  readonly startedMs: number;
  fromMs: number;
  /** Null while it is. */
  toMs: number | null;
  /** CPU seconds while it was among them. */
  cpuSeconds: number;
  /** The largest that was seen, by measure: of one processor, bytes, bytes a second, numbers. */
  peaks: Partial<Record<Measure, number>>;
}

interface Seen {
  readonly occupant: Occupant;
  readonly ticksBefore: number;
  readonly sinceMs: number;
  lastMs: number;
  /** Null until it is worth it; false when the allowance was used up. */
  written: boolean | null;
  round: number;
}

/** Writes down who was among the largest from when to when: in documents, so that it costs no series. */
export class Occupants {
  /** Not written for want of allowance, or of a store. */
  unrecorded = 0;
  private readonly seen = new Map<Process, Seen>();
  private readonly documents: DocumentCollection<Occupant>;
  private readonly describe: (process: Process) => Pick<Occupant, "command" | "startedMs">;
  private allowance = WRITES_PER_MINUTE;
  private allowanceMs = NaN;
  private round = 0;
  private queue: Promise<void> = Promise.resolve();
  private queued = 0;

  constructor(documents: DocumentCollection<Occupant>, describe: (process: Process) => Pick<Occupant, "command" | "startedMs">) {
    this.documents = documents;
    this.describe = describe;
  }

  /** Begins a look at who sits now. */
  begin(): void {
    this.round++;
  }

  /** Said of everyone who sits. `nowMs` is wall time, `elapsedMs` monotonic. */
  sits(process: Process, measure: Measure, value: number, nowMs: number, elapsedMs: number): void {
    let seen = this.seen.get(process);
    if (!seen) {
      const said = this.describe(process);
      seen = {
        occupant: {
          _id: `${said.startedMs}-${process.pid}-${nowMs}`,
          pid: process.pid,
          program: process.name,
          account: process.account,
          fromMs: nowMs,
          toMs: null,
          cpuSeconds: 0,
          peaks: {},
          ...said,
        },
        ticksBefore: process.ownTicks,
        sinceMs: elapsedMs,
        lastMs: nowMs,
        written: null,
        round: this.round,
      };
      this.seen.set(process, seen);
    }
    const { occupant } = seen;
    seen.round = this.round;
    seen.lastMs = nowMs;
    occupant.cpuSeconds = (process.ownTicks - seen.ticksBefore) / 100;
    occupant.peaks[measure] = Math.max(occupant.peaks[measure] ?? 0, value);
    if (seen.written === null && elapsedMs - seen.sinceMs >= WORTH_MS) seen.written = this.write(occupant, elapsedMs);
  }

  /** Ends the look: who did not sit any more has left. */
  end(): void {
    for (const [process, seen] of this.seen) {
      if (seen.round === this.round) continue;
      this.seen.delete(process);
      if (!seen.written) continue;
      seen.occupant.toMs = Math.max(seen.lastMs, seen.occupant.fromMs);
      // What was begun is ended whatever the allowance says.
      this.put(seen.occupant);
    }
  }

  /** Who sits now, and by which peaks. */
  now(): Occupant[] {
    return [...this.seen.values()].map(({ occupant }) => ({ ...occupant, peaks: { ...occupant.peaks } }));
  }

  /** Those written down who sat at some time between the two. */
  async between(fromMs: number, toMs: number): Promise<Occupant[]> {
    const all = await this.documents.find({ filter: {}, sort: { fromMs: -1 }, limit: OCCUPANTS_MAX });
    return all.filter((one) => one.fromMs <= toMs && (one.toMs === null || one.toMs >= fromMs));
  }

  /** Says of those whom an agent before this one left sitting that they left by `nowMs` at the latest. */
  async closeEarlier(nowMs: number): Promise<void> {
    for (const one of await this.documents.find({ filter: { toMs: null }, limit: OCCUPANTS_MAX }))
      await this.documents.put({ ...one, toMs: nowMs });
  }

  /** All who sit leave; resolves when everything is written. */
  async close(): Promise<void> {
    this.round++;
    this.end();
    await this.queue;
  }

  /** False when too much was written lately. */
  private write(occupant: Occupant, elapsedMs: number): boolean {
    if (Number.isNaN(this.allowanceMs)) this.allowanceMs = elapsedMs;
    this.allowance = Math.min(WRITES_PER_MINUTE, this.allowance + ((elapsedMs - this.allowanceMs) / 60_000) * WRITES_PER_MINUTE);
    this.allowanceMs = elapsedMs;
    if (this.allowance < 1) {
      this.unrecorded++;
      return false;
    }
    this.allowance--;
    this.put(occupant);
    return true;
  }

  private put(occupant: Occupant): void {
    if (this.queued >= WRITES_PER_MINUTE * 2) {
      this.unrecorded++;
      return;
    }
    const copy = { ...occupant, peaks: { ...occupant.peaks } };
    this.queued++;
    this.queue = this.queue.then(() =>
      this.documents.put(copy).then(
        () => void this.queued--,
        () => {
          this.queued--;
          this.unrecorded++;
        },
      ),
    );
  }
}
