import { type FileHandle, mkdir, open, unlink } from "node:fs/promises";
import { join } from "node:path";
import { errorText } from "all-use-agent/sdk";
import { auditFileName, auditFileNumber, auditFiles, encodeHead, readHead } from "./audit-files.ts";
import { type AuditEntry, type ChainEnd, decodeRecord, encodeRecord, GENESIS_HASH } from "./audit-record.ts";

/** What happens within this time is written and made durable together. */
const BATCH_MS = 100;
/** When the disk is full or failing. */
const RETRY_MS = 5000;
/** What waits for a disk that does not write; beyond it, entries are counted and the count is recorded. */
const WAITING_MAX = 2000;
const BATCH_MAX = 500;
const FILE_MAX_BYTES = 10 * 2 ** 20;
/** 200 MB: years of an agent with a dozen busy plugins. */
const FILES_MAX = 20;
/** More than the longest record. */
const TAIL_READ_BYTES = 128 * 1024;

export interface AuditOptions {
  readonly folder: string;
  readonly now: () => number;
  readonly fileMaxBytes?: number;
  readonly filesMax?: number;
}

/**
 * The audit log: one line a record, each with the hash of the one before, so that what is changed or taken away later shows.
 * One writer at a time: whoever holds the data folder's lock. A record is durable at most 100 ms after it was noted.
 */
export class AuditLog {
  /** Why nothing can be written at the moment, in a sentence; null when it can. */
  problem: string | null = null;
  private readonly options: Required<AuditOptions>;
  private readonly waiting: AuditEntry[] = [];
  private lost = 0;
  private end: ChainEnd = { seq: 0, hash: GENESIS_HASH };
  private fileNumber = 0;
  private file: FileHandle | null = null;
  private sizeBytes = 0;
  /** A write failed half-way: what stands behind `sizeBytes` is to be cut off. */
  private torn = false;
  private timer: NodeJS.Timeout | null = null;
  private writing: Promise<void> = Promise.resolve();
  private closed = false;

  private constructor(options: AuditOptions) {
    this.options = { fileMaxBytes: FILE_MAX_BYTES, filesMax: FILES_MAX, ...options };
  }

  /** Takes up the chain where it ends: a line torn by a kill is cut off, and that is recorded, as is an end that is missing. */
  static async open(options: AuditOptions): Promise<AuditLog> {
    const log = new AuditLog(options);
    await mkdir(options.folder, { recursive: true, mode: 0o700 });
    await log.takeUp();
    return log;
  }

  /** Never throws and never waits: what cannot be written yet is kept, up to a bound. */
  note(actor: string, action: string, target: string, details: AuditEntry["details"] = {}): void {
    if (this.closed) return;
    if (this.waiting.length >= WAITING_MAX) this.lost++;
    else this.waiting.push({ timeMs: this.options.now(), actor, action, target, details });
    this.schedule(this.problem === null ? BATCH_MS : RETRY_MS);
  }

  /** Writes what waits; resolves when it is durable, or cannot be. */
  flush(): Promise<void> {
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    this.writing = this.writing.then(() => this.write());
    return this.writing;
  }

  async close(): Promise<void> {
    await this.flush();
    this.closed = true;
    if (this.timer) clearTimeout(this.timer);
    await this.file?.close();
    this.file = null;
  }

  private schedule(ms: number): void {
    if (this.timer || this.closed) return;
    this.timer = setTimeout(() => void this.flush(), ms);
    // A problem must not keep the process.
    if (ms === RETRY_MS) this.timer.unref();
  }

  private async takeUp(): Promise<void> {
    const { folder } = this.options;
    const names = await auditFiles(folder);
    this.fileNumber = auditFileNumber(names.at(-1) ?? "");
    let fault: string | null = null;
    for (const name of names.toReversed()) {
      const found = await this.readEnd(join(folder, name), name === names.at(-1));
      if (found === null) continue;
      if (typeof found === "string") fault = found;
      else this.end = found;
      break;
    }
    const head = await readHead(folder);
    if (fault !== null || (head !== null && head.seq > this.end.seq)) {
      // The chain stays broken here for every reader to see: a number is never given twice.
      const found = this.end.seq;
      if (head !== null && head.seq > found) this.end = { seq: head.seq, hash: this.end.hash };
      this.note("agent", "audit.damaged", "audit", {
        reason: fault ?? "its last records are missing",
        last_found: found,
        last_known: head?.seq ?? null,
      });
    }
  }

  /** The chain's end in one file: null when it is empty, a sentence when it cannot be read. Cuts a torn line off the newest. */
  private async readEnd(path: string, newest: boolean): Promise<ChainEnd | string | null> {
    const file = await open(path, "r+");
    try {
      const { size } = await file.stat();
      const from = Math.max(0, size - TAIL_READ_BYTES);
      const tail = Buffer.alloc(size - from);
      await file.read(tail, 0, tail.length, from);
      const ends = tail.lastIndexOf(0x0a);
      const tornBytes = tail.length - ends - 1;
      if (newest) this.sizeBytes = size - tornBytes;
      if (tornBytes > 0 && newest) {
        await file.truncate(this.sizeBytes);
        this.note("agent", "audit.repaired", "audit", { torn_bytes: tornBytes });
      }
      if (ends < 0) return size > tornBytes ? "its last line is longer than any record" : null;
      const record = decodeRecord(tail.subarray(tail.lastIndexOf(0x0a, ends - 1) + 1, ends));
      return typeof record === "string" ? `its last record is damaged: ${record}` : { seq: record.seq, hash: record.hash };
    } finally {
      await file.close();
    }
  }

  private async write(): Promise<void> {
    while (this.waiting.length > 0 && !this.closed) {
      const batch = this.waiting.slice(0, BATCH_MAX);
      const { lost } = this;
      if (lost > 0)
        batch.push({
          timeMs: this.options.now(),
          actor: "agent",
          action: "audit.lost",
          target: "audit",
          details: { count: lost },
        });
      let end = this.end;
      let text = "";
      for (const entry of batch) {
        const encoded = encodeRecord(end, entry);
        text += encoded.line;
        ({ end } = encoded);
      }
      try {
        await this.append(Buffer.from(text), end);
      } catch (error) {
        this.torn = true;
        this.problem = `The audit log cannot be written (${errorText(error)}): ${this.waiting.length} records wait for room.`;
        return this.schedule(RETRY_MS);
      }
      this.end = end;
      this.problem = null;
      this.lost -= lost;
      this.waiting.splice(0, batch.length - (lost > 0 ? 1 : 0));
    }
  }

  private async append(bytes: Buffer, end: ChainEnd): Promise<void> {
    const { folder, fileMaxBytes } = this.options;
    if (this.file && this.sizeBytes > 0 && this.sizeBytes + bytes.length > fileMaxBytes) {
      await this.file.close();
      this.file = null;
    }
    if (!this.file) await this.openFile(bytes.length);
    const file = this.file!;
    if (this.torn) await file.truncate(this.sizeBytes);
    for (let written = 0; written < bytes.length;) {
      written += (await file.write(bytes, written, bytes.length - written, this.sizeBytes + written)).bytesWritten;
    }
    await file.datasync();
    this.torn = false;
    this.sizeBytes += bytes.length;
    // After the records it speaks of: it is never ahead of them, except when someone took them away.
    const head = await open(join(folder, "head"), "a+", 0o600)
      .then((made) => made.close())
      .then(() => open(join(folder, "head"), "r+"));
    try {
      await head.write(encodeHead(end), 0, undefined, 0);
      await head.datasync();
    } finally {
      await head.close();
    }
  }

  private async openFile(neededBytes: number): Promise<void> {
    const { folder, fileMaxBytes, filesMax } = this.options;
    if (this.fileNumber > 0 && (this.sizeBytes === 0 || this.sizeBytes + neededBytes <= fileMaxBytes)) {
      this.file = await open(join(folder, auditFileName(this.fileNumber)), "r+");
      return;
    }
    this.file = await open(join(folder, auditFileName(this.fileNumber + 1)), "wx+", 0o600);
    this.fileNumber++;
    this.sizeBytes = 0;
    this.torn = false;
    await this.prune(filesMax);
  }

  /** The oldest files leave when there are too many; that they did stands in the chain. */
  private async prune(filesMax: number): Promise<void> {
    const names = await auditFiles(this.options.folder);
    for (const name of names.slice(0, Math.max(0, names.length - filesMax))) {
      await unlink(join(this.options.folder, name));
      this.note("agent", "audit.pruned", "audit", { file: name });
    }
  }
}
