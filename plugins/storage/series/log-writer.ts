import { type FileHandle, open } from "node:fs/promises";
import { dirname } from "node:path";
import { AgentError, errorText } from "all-use-agent/sdk";
import { ByteWriter } from "./bytes.ts";
import { syncFolder, writeAt, writeAtSync } from "./files.ts";
import { encodeLogHeader, type LogHeader, newLogHeader } from "./record.ts";

export type FsyncPolicy = "none" | "interval" | "always";

/** Written this long after the first append that nobody flushed. */
const WRITE_DELAY_MS = 200;
/** With policy "interval": the most that a power cut can take. */
const SYNC_INTERVAL_MS = 1000;
/** After a failed write. */
const RETRY_DELAY_MS = 1000;
/** What may wait for a disk that does not take it; see `full`. */
const WAITING_BYTES_MAX = 64 * 1024 * 1024;
/** A buffer larger than this is given back rather than kept for the next write. */
const KEEP_BUFFER_BYTES = 256 * 1024;
/**
 * So little is in the page cache sooner than another thread is woken for it, which would cost several times as much CPU: a flush writes
 * it on this one.
 */
const DIRECT_BYTES_MAX = 256 * 1024;
/** A write that took longer waited for the disk: for a while the others are left to another thread. */
const DIRECT_MS_MAX = 10;
const DIRECT_PAUSE_MS = 10_000;

interface File {
  readonly path: string;
  readonly header: LogHeader;
  handle: FileHandle | null;
  /** Whole and in the file; a failed write is repeated from here. */
  size: number;
  unsynced: boolean;
}

interface Chunk {
  readonly file: File;
  readonly out: ByteWriter;
}

interface Waiter {
  readonly position: number;
  resolve(): void;
  reject(error: Error): void;
}

export interface LogWriterOptions {
  readonly fsync: FsyncPolicy;
  /** Asked before each write; throws when the disk cap leaves no room. Makes room otherwise. */
  makeRoom(bytes: number): Promise<void>;
  /** Whether `makeRoom` has nothing to do. */
  hasRoom(bytes: number): boolean;
  /** The disk refused, or takes again. */
  health(error: Error | null): void;
}

/**
 * Appends records to one log file at a time with group commit: whatever gathers while a write is in flight goes with the
 * next. Appending never waits and never throws. Timers are the real clock's: they bound what a killed process loses, and
 * a simulated clock kills nothing.
 */
export class LogWriter {
  private readonly options: LogWriterOptions;
  private current: Chunk;
  private readonly older: Chunk[] = [];
  private spare: ByteWriter | null = null;
  /** Bytes ever appended, and of those, in files. Positions of `flush`. */
  private appended = 0;
  private done = 0;
  private waiters: Waiter[] = [];
  private running: Promise<void> | null = null;
  private timer: NodeJS.Timeout | null = null;
  private syncTimer: NodeJS.Timeout | null = null;
  private readonly open = new Set<File>();
  private failure: AgentError | null = null;
  private closed = false;
  private directFromMs = 0;
  writes = 0;
  syncs = 0;
  failures = 0;

  constructor(path: string, segment: number, options: LogWriterOptions) {
    this.options = options;
    this.current = this.chunk(path, segment);
  }

  private chunk(path: string, segment: number): Chunk {
    const file: File = { path, header: newLogHeader(segment), handle: null, size: 0, unsynced: false };
    return { file, out: new ByteWriter(64 * 1024) };
  }

  /** Where records go. Call `appendedRecords` after writing to it. */
  get out(): ByteWriter {
    return this.current.out;
  }

  get salt(): number {
    return this.current.file.header.salt;
  }

  /** Bytes of the current file, written or waiting. */
  get fileBytes(): number {
    return this.current.file.size + this.current.out.length;
  }

  get waitingBytes(): number {
    return this.appended - this.done;
  }

  /** So much waits for the disk that nothing more may be appended. */
  get full(): boolean {
    return this.waitingBytes > WAITING_BYTES_MAX;
  }

  /** `bytes` were added to `out`. */
  added(bytes: number): void {
    this.appended += bytes;
    if (this.timer === null && this.running === null && !this.closed) {
      this.timer = setTimeout(() => this.kick(), this.failure === null ? WRITE_DELAY_MS : RETRY_DELAY_MS);
      this.timer.unref();
    }
  }

  /** Further records go to a new file. */
  rotate(path: string, segment: number): void {
    this.older.push(this.current);
    this.current = this.chunk(path, segment);
  }

  /** Resolves when all that was appended is in the files (and synced, with policy "always"); rejects when the disk refuses. */
  flush(): Promise<void> {
    if (this.done === this.appended) return Promise.resolve();
    // Whoever flushes again and again lets others have their turn between, as when another thread writes.
    if (this.writeDirect()) return new Promise((resolve) => setImmediate(resolve));
    const promise = new Promise<void>((resolve, reject) => this.waiters.push({ position: this.appended, resolve, reject }));
    this.kick();
    return promise;
  }

  /** Writes what waits at once where that is sure to be quick. False: nothing happened, another thread is to do it. */
  private writeDirect(): boolean {
    const { file, out } = this.current;
    if (this.running !== null || this.older.length > 0 || this.failure !== null || this.closed) return false;
    if (file.handle === null || file.size === 0 || this.options.fsync === "always") return false;
    const startMs = performance.now();
    if (out.length > DIRECT_BYTES_MAX || startMs < this.directFromMs || !this.options.hasRoom(out.length)) return false;
    try {
      writeAtSync(file.handle, out.written(), file.size);
    } catch {
      // The other way tries it again from the same place, and says what is wrong.
      return false;
    }
    this.written(file, out);
    const endMs = performance.now();
    if (endMs - startMs > DIRECT_MS_MAX) this.directFromMs = endMs + DIRECT_PAUSE_MS;
    return true;
  }

  private kick(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    if (this.running !== null) return;
    this.running = this.run().finally(() => {
      this.running = null;
      if (this.waiters.length > 0) this.kick();
      else if (this.done < this.appended) this.added(0);
    });
  }

  /** Writes until nothing waits that somebody waits for. */
  private async run(): Promise<void> {
    do {
      try {
        await this.writeWaiting();
        if (this.failure !== null) this.options.health(null);
        this.failure = null;
      } catch (cause) {
        this.failures++;
        this.failure = new AgentError(
          "storage_write_failed",
          `The log could not be written (${errorText(cause)}); samples wait in memory and it is tried again.`,
          {
            where: this.current.file.path,
            cause,
          },
        );
        this.options.health(this.failure);
        const refused = this.waiters;
        this.waiters = [];
        for (const waiter of refused) waiter.reject(this.failure);
        return;
      }
      this.settle();
    } while (this.waiters.length > 0);
  }

  private settle(): void {
    this.waiters = this.waiters.filter((waiter) => {
      if (waiter.position > this.done) return true;
      waiter.resolve();
      return false;
    });
  }

  private async writeWaiting(): Promise<void> {
    while (this.older.length > 0) {
      await this.writeChunk(this.older[0]);
      await this.finishFile(this.older[0].file);
      this.older.shift();
    }
    const { file, out } = this.current;
    if (out.length === 0) return;
    // Swap buffers: appends go on into the other one while this one is being written.
    const next = this.spare ?? new ByteWriter(64 * 1024);
    this.spare = null;
    const chunk = { file, out: next };
    this.current = chunk;
    try {
      await this.writeChunk({ file, out });
    } catch (error) {
      // Put it back in front of what came meanwhile; the file may have been rotated away.
      const target = this.current === chunk ? chunk : (this.older.find((one) => one === chunk) as Chunk);
      const later = target.out.written().slice();
      out.raw(later);
      const restored = { file, out };
      if (target === this.current) this.current = restored;
      else this.older[this.older.indexOf(target)] = restored;
      throw error;
    }
    if (out.bytes.length <= KEEP_BUFFER_BYTES) this.spare = out;
  }

  /** Empties the chunk into its file. */
  private async writeChunk({ file, out }: Chunk): Promise<void> {
    const bytes = out.written();
    if (bytes.length === 0) return;
    await this.options.makeRoom(bytes.length);
    if (file.handle === null) {
      file.handle = await open(file.path, "w", 0o600);
      this.open.add(file);
      if (this.options.fsync !== "none") await syncFolder(dirname(file.path));
    }
    if (file.size === 0) {
      const header = encodeLogHeader(file.header);
      await writeAt(file.handle, header, 0);
      file.size = header.length;
    }
    await writeAt(file.handle, bytes, file.size);
    if (this.options.fsync === "always") {
      file.unsynced = true;
      await this.sync(file);
    }
    this.written(file, out);
  }

  /** The file has all of `out`. */
  private written(file: File, out: ByteWriter): void {
    this.writes++;
    if (this.options.fsync !== "always") file.unsynced = true;
    file.size += out.length;
    this.done += out.length;
    out.length = 0;
    if (this.options.fsync !== "interval" || this.syncTimer !== null) return;
    this.syncTimer = setTimeout(() => {
      this.syncTimer = null;
      for (const one of this.open)
        if (one.unsynced) this.sync(one).catch((error: unknown) => this.options.health(error as Error));
    }, SYNC_INTERVAL_MS);
    this.syncTimer.unref();
  }

  private async sync(file: File): Promise<void> {
    if (file.handle === null) return;
    file.unsynced = false;
    this.syncs++;
    try {
      await file.handle.datasync();
    } catch (error) {
      file.unsynced = true;
      throw error;
    }
  }

  private async finishFile(file: File): Promise<void> {
    const handle = file.handle;
    if (handle === null) return;
    if (this.options.fsync !== "none" && file.unsynced) await this.sync(file);
    file.handle = null;
    this.open.delete(file);
    await handle.close();
  }

  /** Writes and syncs all that waits and closes. Rejects when the disk refuses. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    try {
      await this.flush();
    } finally {
      if (this.timer !== null) clearTimeout(this.timer);
      if (this.syncTimer !== null) clearTimeout(this.syncTimer);
      await this.running;
      for (const file of this.open) await this.finishFile(file);
    }
  }
}
