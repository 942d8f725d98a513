import { type FileHandle, open, unlink } from "node:fs/promises";
import { basename } from "node:path";
import { errorText } from "all-use-agent/sdk";
import { type BlockHeader, decodeHeader, fileBytes, HEADER_BYTES, tableBytes } from "./block-format.ts";
import { BlockTables } from "./block-tables.ts";
import type { ByteCache } from "./byte-cache.ts";
import { timesOf } from "./clocks.ts";
import type { Pacer } from "./pacer.ts";
import type { Samples } from "./samples.ts";

/** Streams nearer than this are read with one call: a call costs more than reading so much too much. */
const READ_GAP_BYTES = 32 * 1024;
/** No single read is larger unless one stream is. */
const READ_BYTES_MAX = 1024 * 1024;

/** What blocks share: decoded things by block and part, and somebody to tell of damage. */
export interface BlockShared {
  readonly tables: ByteCache<BlockTables>;
  readonly columns: ByteCache<Float64Array>;
  damaged(block: Block, what: string, reason: string): void;
}

interface Part {
  readonly key: string;
  readonly start: number;
  readonly length: number;
  decode(bytes: Uint8Array): Float64Array;
}

/** An immutable block file. */
export class Block {
  readonly path: string;
  readonly header: BlockHeader;
  readonly fileBytes: number;
  /** The tables cannot be read: nothing of it can be served. */
  unreadable = false;
  /** A merge with it failed; it is not tried again in this run. */
  mergeFailed = false;
  private readonly shared: BlockShared;
  private readonly damagedParts = new Set<string>();
  private pins = 0;
  private doomed = false;

  private constructor(path: string, header: BlockHeader, shared: BlockShared) {
    this.path = path;
    this.header = header;
    this.fileBytes = fileBytes(header);
    this.shared = shared;
  }

  /** Reads the header only. Throws when it is damaged or the file is not as long as it says. */
  static async open(path: string, shared: BlockShared): Promise<Block> {
    const handle = await open(path, "r");
    try {
      const header = decodeHeader(await readAt(handle, 0, HEADER_BYTES));
      const { size } = await handle.stat();
      if (size !== fileBytes(header))
        throw new RangeError(`the file has ${size} bytes where its header says ${fileBytes(header)}`);
      return new Block(path, header, shared);
    } finally {
      await handle.close();
    }
  }

  get name(): string {
    return basename(this.path);
  }

  overlaps(fromMs: number, toMs: number): boolean {
    return this.header.minTime <= toMs && this.header.maxTime >= fromMs;
  }

  get hasDamage(): boolean {
    return this.unreadable || this.damagedParts.size > 0;
  }

  /** Keeps the file readable until `unpin`, even when it is removed meanwhile. */
  pin(): void {
    this.pins++;
  }

  async unpin(): Promise<void> {
    this.pins--;
    if (this.doomed && this.pins === 0) await unlink(this.path);
  }

  /** Deletes the file as soon as nobody reads it. */
  async remove(): Promise<void> {
    if (this.doomed) return;
    this.doomed = true;
    if (this.pins === 0) await unlink(this.path);
  }

  /** Null when they are damaged, which has been told. Other failures to read throw. */
  async tables(): Promise<BlockTables | null> {
    if (this.unreadable) return null;
    const known = this.shared.tables.get(this.path);
    if (known) return known;
    const handle = await open(this.path, "r");
    let bytes: Uint8Array;
    try {
      bytes = await readAt(handle, HEADER_BYTES, tableBytes(this.header));
    } finally {
      await handle.close();
    }
    try {
      const tables = new BlockTables(this.header, bytes);
      this.shared.tables.set(this.path, tables, tables.sizeBytes);
      return tables;
    } catch (error) {
      this.unreadable = true;
      this.shared.damaged(this, "tables", errorText(error));
      return null;
    }
  }

  /** Samples of the columns as stored, null for a damaged column. Shares memory with the cache: copy before changing. */
  async columns(tables: BlockTables, columns: readonly number[], pacer: Pacer): Promise<(Samples | null)[]> {
    const { directory } = tables;
    const streams = new Set<number>();
    const clocks = new Set<number>();
    for (const column of columns) {
      streams.add(directory.streamOf[column]);
      clocks.add(directory.runSets[directory.runSetOf[column]].clock);
    }
    for (const stream of streams) for (const clock of tables.clocksFor(stream)) clocks.add(clock);
    const times = await this.clocks(tables, clocks, pacer);
    const clockTimes = (clock: number): Float64Array => {
      const known = times.get(clock);
      if (!known) throw new RangeError("the stream's clock is damaged");
      return known;
    };
    const values = await this.read(
      [...streams].map((stream) => ({
        key: `s${stream}`,
        start: directory.streams[stream].start,
        length: directory.streams[stream].length,
        decode: (bytes) => tables.stream(stream, bytes, clockTimes),
      })),
      pacer,
    );
    return columns.map((column) => {
      const set = directory.runSets[directory.runSetOf[column]];
      const { stream, from, to } = tables.place(column);
      const clock = times.get(set.clock);
      const row = values.get(`s${stream}`);
      return clock && row ? { timestamps: timesOf(clock, set.runs), values: row.subarray(from, to) } : null;
    });
  }

  /** Times of the wanted clocks; damaged ones are missing. */
  async clocks(tables: BlockTables, wanted: Iterable<number>, pacer: Pacer): Promise<Map<number, Float64Array>> {
    const parts = [...wanted].map((clock) => {
      const { start, head } = tables.directory.clocks[clock];
      return {
        key: `c${clock}`,
        start,
        length: head.length + head.missLength,
        decode: (bytes: Uint8Array) => tables.clock(clock, bytes),
      };
    });
    const read = await this.read(parts, pacer);
    return new Map([...read].map(([key, times]) => [Number(key.slice(1)), times]));
  }

  private async read(parts: Part[], pacer: Pacer): Promise<Map<string, Float64Array>> {
    const found = new Map<string, Float64Array>();
    const missing: Part[] = [];
    for (const part of parts) {
      if (this.damagedParts.has(part.key)) continue;
      const known = this.shared.columns.get(`${this.path} ${part.key}`);
      if (known) found.set(part.key, known);
      else missing.push(part);
    }
    if (missing.length === 0) return found;
    missing.sort((a, b) => a.start - b.start);
    const dataStart = HEADER_BYTES + tableBytes(this.header);
    const handle = await open(this.path, "r");
    try {
      for (let i = 0; i < missing.length;) {
        const start = missing[i].start;
        let end = start + missing[i].length;
        let next = i + 1;
        while (
          next < missing.length &&
          missing[next].start - end <= READ_GAP_BYTES &&
          missing[next].start + missing[next].length - start <= READ_BYTES_MAX
        ) {
          end = missing[next].start + missing[next].length;
          next++;
        }
        const bytes = await readAt(handle, dataStart + start, end - start);
        for (; i < next; i++) {
          this.decode(missing[i], bytes.subarray(missing[i].start - start, missing[i].start - start + missing[i].length), found);
          if (pacer.due()) await pacer.pause();
        }
      }
    } finally {
      await handle.close();
    }
    return found;
  }

  private decode(part: Part, bytes: Uint8Array, found: Map<string, Float64Array>): void {
    try {
      const values = part.decode(bytes);
      this.shared.columns.set(`${this.path} ${part.key}`, values, values.byteLength + 64);
      found.set(part.key, values);
    } catch (error) {
      this.damagedParts.add(part.key);
      this.shared.damaged(this, part.key, errorText(error));
    }
  }
}

async function readAt(handle: FileHandle, position: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let at = 0;
  while (at < length) {
    const { bytesRead } = await handle.read(bytes, at, length - at, position + at);
    if (bytesRead === 0) throw new RangeError(`the file ends at ${position + at}, ${length - at} bytes short`);
    at += bytesRead;
  }
  return bytes;
}
