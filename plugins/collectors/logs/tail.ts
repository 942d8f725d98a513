import { type FileHandle, open, readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { crc32 } from "node:zlib";

/** Where reading stands in a file, and by what the file is known again. */
export interface TailState {
  readonly dev: number;
  readonly ino: number;
  /** Everything before it was handed on. */
  readonly offset: number;
  /** So many bytes at the beginning had this checksum: a file of another content is another file, whatever its number. */
  readonly headBytes: number;
  readonly headCrc: number;
}

export interface TailSink {
  bytes(chunk: Uint8Array): void;
  /** What follows is of another file: an unfinished line ends here. */
  ended(): void;
  rotated(): void;
  lost(bytes: number): void;
  /** Read bytes that are not handed on as lines yet. */
  readonly pendingBytes: number;
}

const CHUNK_BYTES = 64 * 1024;
const HEAD_BYTES = 256;
/** Beside a file, at most so many are asked whether they are its former self. */
const NEIGHBOURS_MAX = 50;

/**
 * Follows one path: what is appended is read; a file that was renamed is read to its end before its successor is begun; one
 * that was cut off begins anew. Where an earlier run stood is found again, in the renamed file, too.
 */
export class Tail {
  readonly path: string;
  /** Bytes of the file that are not read yet, as of the last look. */
  lag = 0;
  private readonly sink: TailSink;
  private readonly chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  private handle: FileHandle | null = null;
  private dev = 0;
  private ino = 0;
  private offset = 0;
  private headBytes = 0;
  private headCrc = 0;
  private seenBytes = 0;
  private resume: TailState | null;
  private readonly fromEnd: boolean;

  /** `resume`: where an earlier run stood. `fromEnd` counts without it, for a file that is there already. */
  constructor(path: string, sink: TailSink, resume: TailState | null, fromEnd: boolean) {
    this.path = path;
    this.sink = sink;
    this.resume = resume;
    this.fromEnd = fromEnd;
  }

  get state(): TailState | null {
    if (this.handle === null) return this.resume;
    const offset = Math.max(0, this.offset - this.sink.pendingBytes);
    return { dev: this.dev, ino: this.ino, offset, headBytes: this.headBytes, headCrc: this.headCrc };
  }

  /** Reads what is new, at most `budget` bytes. Returns how many it read. Throws what opening and reading throw. */
  async poll(budget: number): Promise<number> {
    let read = 0;
    if (this.handle === null && !(await this.begin())) return 0;
    // At most the former file and two successors a time.
    for (let files = 0; files < 3; files++) {
      read += await this.readOn(budget - read);
      if (this.lag > 0 || !(await this.replaced())) return read;
      this.sink.ended();
      this.sink.rotated();
      await this.close();
      if (!(await this.openAt(this.path, null))) return read;
    }
    return read;
  }

  async close(): Promise<void> {
    const { handle } = this;
    this.handle = null;
    await handle?.close();
  }

  /** Opens the file that reading stood in, else the path as it is. */
  private async begin(): Promise<boolean> {
    const { resume } = this;
    this.resume = null;
    if (resume === null) {
      if (!(await this.openAt(this.path, null))) return false;
      if (this.fromEnd && this.handle !== null) {
        this.offset = (await this.handle.stat()).size;
        await this.noteHead();
      }
      return true;
    }
    if (await this.openAt(this.path, resume)) return true;
    for (const name of await this.neighbours()) if (await this.openAt(join(dirname(this.path), name), resume)) return true;
    // Its rest went while nobody looked.
    this.sink.rotated();
    return this.openAt(this.path, null);
  }

  private async neighbours(): Promise<string[]> {
    const base = basename(this.path);
    const names = await readdir(dirname(this.path)).catch(() => []);
    return names.filter((name) => name !== base && name.startsWith(base.replace(/\.[^.]*$/, ""))).slice(0, NEIGHBOURS_MAX);
  }

  /** Opens a file, with `expected` only if it is the one that stood there. */
  private async openAt(path: string, expected: TailState | null): Promise<boolean> {
    let handle: FileHandle;
    try {
      handle = await open(path, "r");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
      throw error;
    }
    const { dev, ino, size, isFile } = await statOf(handle);
    const same =
      expected === null ||
      (dev === expected.dev &&
        ino === expected.ino &&
        size >= expected.offset &&
        (await headOf(handle, expected.headBytes)) === expected.headCrc);
    if (!isFile || !same) {
      await handle.close();
      return false;
    }
    Object.assign(this, { handle, dev, ino, offset: expected?.offset ?? 0, seenBytes: -1 });
    this.headBytes = expected?.headBytes ?? 0;
    this.headCrc = expected?.headCrc ?? 0;
    return true;
  }

  private async readOn(budget: number): Promise<number> {
    const { handle } = this;
    if (handle === null) return 0;
    const { size } = await statOf(handle);
    if (size === this.seenBytes && this.lag === 0) return 0;
    if (size < this.offset || (this.headBytes > 0 && (await headOf(handle, this.headBytes)) !== this.headCrc)) {
      this.sink.ended();
      this.sink.rotated();
      if (this.lag > 0) this.sink.lost(this.lag);
      this.offset = 0;
      this.headBytes = 0;
    }
    let left = Math.max(0, budget);
    while (left > 0 && this.offset < size) {
      const { bytesRead } = await handle.read(this.chunk, 0, Math.min(CHUNK_BYTES, left, size - this.offset), this.offset);
      if (bytesRead === 0) break;
      this.offset += bytesRead;
      left -= bytesRead;
      this.sink.bytes(this.chunk.subarray(0, bytesRead));
    }
    if (this.headBytes < HEAD_BYTES && this.offset > this.headBytes) await this.noteHead();
    this.seenBytes = size;
    this.lag = Math.max(0, size - this.offset);
    return budget - left;
  }

  private async noteHead(): Promise<void> {
    this.headBytes = Math.min(HEAD_BYTES, this.offset);
    this.headCrc = await headOf(this.handle!, this.headBytes);
  }

  /** Whether the path leads to another file now. */
  private async replaced(): Promise<boolean> {
    try {
      const now = await stat(this.path);
      return now.ino !== this.ino || now.dev !== this.dev;
    } catch (error) {
      // Renamed, and its successor is not there yet: what is still written to it is read on.
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
      throw error;
    }
  }
}

async function statOf(handle: FileHandle): Promise<{ dev: number; ino: number; size: number; isFile: boolean }> {
  const found = await handle.stat();
  return { dev: found.dev, ino: found.ino, size: found.size, isFile: found.isFile() };
}

async function headOf(handle: FileHandle, bytes: number): Promise<number> {
  if (bytes === 0) return 0;
  const head = Buffer.alloc(bytes);
  const { bytesRead } = await handle.read(head, 0, bytes, 0);
  return crc32(head.subarray(0, bytesRead));
}
