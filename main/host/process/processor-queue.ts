import { AgentError, type Batch } from "all-use-agent/sdk";
import { decodeProcessed } from "./frames.ts";

/** From being sent to being answered. Then the rows go on as they were: nobody waits longer for a slow processor. */
export const PROCESSED_WITHIN_MS = 250;
/** 2 MB: some two minutes of the agent's own collector. Beyond it the oldest go on unprocessed. */
const WAITING_ROWS_MAX = 100_000;
const WAITING_BATCHES_MAX = 512;
/** Larger batches travel in pieces, so that an answer is never near the limit of a frame. */
const PIECE_ROWS_MAX = 20_000;
/** A process that answers nothing in time for this long, and this often in a row, is ended. */
const STUCK_MS = 2000;
const STUCK_BATCHES = 5;
/** In time for so long, it is well again. */
const RECOVERED_MS = 5000;

interface Waiting {
  readonly seq: number;
  readonly sentMs: number;
  /** What was sent; once it is done, what goes on. */
  rows: Batch;
  done: boolean;
  settled: (() => void)[] | null;
}

export interface ProcessorQueueParts {
  /** Takes the rows that the process may see out of the batch; null when there are none. */
  withdraw(batch: Batch): Batch | null;
  /** False when the process reads too slowly to be sent more. */
  send(seq: number, rows: Batch): boolean;
  /** What of an answer goes on in place of `sent`. Throws when it is none. */
  check(sent: Batch, answer: Batch): Batch;
  /** A batch was answered. */
  processed(tookMs: number): void;
  /** A batch went on unprocessed. */
  skipped(): void;
  /** It is late now and then; null: no more. */
  late(reason: string | null): void;
  fault(error: unknown): void;
  /** It must be ended. */
  stuck(error: AgentError): void;
}

/**
 * The rows that are with a processor in its process, in order. Each goes on when it is answered, or unprocessed when that
 * takes too long, when too many wait, or when the process ends: a slow processor delays samples, it never loses one.
 */
export class ProcessorQueue {
  /** Where rows go that come back, in the order in which they were taken. */
  onward: (rows: Batch) => void = () => {};
  private readonly parts: ProcessorQueueParts;
  private readonly entries: Waiting[] = [];
  private rows = 0;
  private lastSeq = 0;
  private answers = 0;
  private timer: NodeJS.Timeout | null = null;
  private closing = false;
  private lateInARow = 0;
  private lateSinceMs = 0;
  private lastLateMs: number | null = null;

  constructor(parts: ProcessorQueueParts) {
    this.parts = parts;
  }

  get waiting(): boolean {
    return this.entries.length > 0;
  }

  /** Takes rows out of the batch; those that it leaves go on at once. */
  take(batch: Batch): void {
    // While the last are still away, those behind them must wait for their turn even if they are not sent any more.
    if (this.closing && !this.waiting) return;
    const rows = this.parts.withdraw(batch);
    if (!rows) return;
    if (rows.length <= PIECE_ROWS_MAX) return this.push(rows);
    for (let from = 0; from < rows.length; from += PIECE_ROWS_MAX)
      this.push(piece(rows, from, Math.min(rows.length, from + PIECE_ROWS_MAX)));
  }

  settled(): Promise<void> {
    const last = this.entries.at(-1);
    if (!last) return Promise.resolve();
    return new Promise((resolve) => (last.settled ??= []).push(resolve));
  }

  /** An answer frame. Throws `frame_invalid`. */
  answered(payload: Uint8Array): void {
    const { seq, batch } = decodeProcessed(payload);
    this.settle(seq, (sent) => this.parts.check(sent, batch));
  }

  /** The plugin threw. */
  failed(seq: unknown, error: unknown): void {
    this.settle(Number(seq), () => {
      throw error;
    });
  }

  /** Sends nothing more; resolves when all that is away is back. */
  close(): Promise<void> {
    this.closing = true;
    return this.settled();
  }

  /** Hands on everything at once: nobody will answer. */
  end(): void {
    this.closing = true;
    for (const entry of this.entries) if (!entry.done) this.skip(entry);
    this.release();
  }

  private push(rows: Batch): void {
    while (this.waiting && (this.rows + rows.length > WAITING_ROWS_MAX || this.entries.length >= WAITING_BATCHES_MAX)) {
      const [oldest] = this.entries;
      if (!oldest.done) this.skip(oldest);
      this.release();
    }
    const entry: Waiting = { seq: ++this.lastSeq, sentMs: performance.now(), rows, done: false, settled: null };
    this.entries.push(entry);
    this.rows += rows.length;
    if (this.closing || !this.parts.send(entry.seq, rows)) this.skip(entry);
    this.release();
    if (this.waiting) this.timer ??= setTimeout(() => this.look(), PROCESSED_WITHIN_MS);
  }

  private settle(seq: number, answer: (sent: Batch) => Batch): void {
    if (!Number.isInteger(seq) || seq < 1 || seq > this.lastSeq || ++this.answers > this.lastSeq)
      throw new AgentError("frame_invalid", "its process answered what it was not asked: plugins speak through ctx only");
    const entry = this.entries[seq - (this.entries[0]?.seq ?? Infinity)];
    // It came late, and the batch has gone on without.
    if (!entry || entry.done) return;
    const tookMs = performance.now() - entry.sentMs;
    try {
      this.replace(entry, answer(entry.rows));
      this.inTime(tookMs);
    } catch (error) {
      this.skip(entry);
      this.parts.fault(error);
    }
    this.release();
  }

  private inTime(tookMs: number): void {
    this.lateInARow = 0;
    this.parts.processed(tookMs);
    if (this.lastLateMs === null || performance.now() - this.lastLateMs < RECOVERED_MS) return;
    this.lastLateMs = null;
    this.parts.late(null);
  }

  private replace(entry: Waiting, rows: Batch): void {
    this.rows += rows.length - entry.rows.length;
    entry.rows = rows;
    entry.done = true;
  }

  private skip(entry: Waiting): void {
    entry.done = true;
    this.parts.skipped();
  }

  /** Hands on what is done, up to the first that is not. */
  private release(): void {
    while (this.entries[0]?.done) {
      const entry = this.entries.shift()!;
      this.rows -= entry.rows.length;
      this.onward(entry.rows);
      for (const resolve of entry.settled ?? []) resolve();
    }
    if (this.waiting || !this.timer) return;
    clearTimeout(this.timer);
    this.timer = null;
  }

  private look(): void {
    const fired = this.timer;
    // After an agent that was held up, answers that are there already are read first: the process is not to blame.
    setImmediate(() => {
      if (this.timer === fired) this.timer = null;
      const nowMs = performance.now();
      let stuck = false;
      for (const entry of this.entries) {
        if (nowMs - entry.sentMs < PROCESSED_WITHIN_MS) break;
        if (entry.done) continue;
        this.skip(entry);
        stuck = this.wasLate(nowMs);
      }
      this.release();
      if (stuck) this.parts.stuck(new AgentError("processor_late", "it answered no batch in time for two seconds"));
      const [oldest] = this.entries;
      if (oldest) this.timer ??= setTimeout(() => this.look(), Math.max(1, oldest.sentMs + PROCESSED_WITHIN_MS - nowMs));
    });
  }

  private wasLate(nowMs: number): boolean {
    if (this.lateInARow++ === 0) this.lateSinceMs = nowMs;
    this.lastLateMs = nowMs;
    this.parts.late(`it kept samples for longer than ${PROCESSED_WITHIN_MS} ms: they went on unprocessed`);
    return this.lateInARow >= STUCK_BATCHES && nowMs - this.lateSinceMs >= STUCK_MS;
  }
}

/** Rows `from` (inclusive) to `to` (exclusive), sharing the columns. */
function piece(rows: Batch, from: number, to: number): Batch {
  return {
    length: to - from,
    series: rows.series.subarray(from, to),
    timestamps: rows.timestamps.subarray(from, to),
    values: rows.values.subarray(from, to),
  };
}
