import { mkdir, readdir, rename, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import { AgentError, errorText, type Logger } from "all-use-agent/sdk";
import { Block, type BlockShared } from "./block.ts";
import { type BlockHeader, decodeHeader } from "./block-format.ts";
import type { BlockTables } from "./block-tables.ts";
import { ByteCache } from "./byte-cache.ts";
import { syncFolder, writeSynced } from "./files.ts";

/** Decoded columns: about 140 of two hours at 1 s. */
const COLUMN_CACHE_BYTES = 8 * 1024 * 1024;
/** Label indexes and directories of blocks asked lately, by their estimated size in memory. */
const TABLE_CACHE_BYTES = 8 * 1024 * 1024;
/** Headers read at a time when opening. */
const OPEN_AT_ONCE = 16;

function fileName(header: BlockHeader): string {
  return `${header.windowStart}_${header.windowEnd}_${header.minSegment}_${header.maxSegment}_${header.level}.blk`;
}

function within(inner: BlockHeader, outer: BlockHeader): boolean {
  return (
    outer.level > inner.level &&
    outer.windowStart <= inner.windowStart &&
    outer.windowEnd >= inner.windowEnd &&
    outer.minSegment <= inner.minSegment &&
    outer.maxSegment >= inner.maxSegment
  );
}

/** The folder of immutable blocks, and the account of bytes on the disk. */
export class BlockStore implements BlockShared {
  readonly tables = new ByteCache<BlockTables>(TABLE_CACHE_BYTES);
  readonly columns = new ByteCache<Float64Array>(COLUMN_CACHE_BYTES);
  /** Oldest written first: later ones win where they overlap. */
  list: readonly Block[] = [];
  damagedBlocks = 0;
  damagedParts = 0;
  removedByAge = 0;
  removedByCap = 0;
  blockBytes = 0;
  private readonly folder: string;
  private readonly log: Logger;

  constructor(folder: string, log: Logger) {
    this.folder = folder;
    this.log = log;
  }

  damaged(block: Block, what: string, reason: string): void {
    if (what === "tables") this.damagedBlocks++;
    else this.damagedParts++;
    this.log.error("A part of a block file is damaged and is left out of answers.", { file: block.path, part: what, reason });
  }

  /**
   * Reads all headers, clears away what an interrupted seal or merge left, and returns up to which log segment everything is
   * in blocks. `segments`: those that are still in the log.
   */
  async open(segments: ReadonlySet<number>): Promise<number> {
    await mkdir(this.folder, { recursive: true });
    const names = await readdir(this.folder);
    const opened: Block[] = [];
    for (const name of names.filter((one) => one.endsWith(".tmp"))) await unlink(join(this.folder, name));
    const files = names.filter((name) => name.endsWith(".blk"));
    for (let i = 0; i < files.length; i += OPEN_AT_ONCE) {
      await Promise.all(files.slice(i, i + OPEN_AT_ONCE).map((name) => this.openOne(join(this.folder, name), opened)));
    }
    const sealed = opened.reduce(
      (most, { header }) => (header.last || header.level > 0 ? Math.max(most, header.maxSegment) : most),
      0,
    );
    const kept: Block[] = [];
    for (const block of opened) {
      const unfinished = block.header.maxSegment > sealed && segments.has(block.header.maxSegment);
      if (unfinished || opened.some((other) => within(block.header, other.header))) {
        await block.remove();
        this.blockBytes -= block.fileBytes;
      } else kept.push(block);
    }
    this.setList(kept);
    return sealed;
  }

  private async openOne(path: string, opened: Block[]): Promise<void> {
    try {
      const block = await Block.open(path, this);
      opened.push(block);
      this.blockBytes += block.fileBytes;
    } catch (error) {
      this.damagedBlocks++;
      this.blockBytes += (await stat(path).catch(() => ({ size: 0 }))).size;
      this.log.error("A block file cannot be read and is left out of answers.", { file: path, reason: errorText(error) });
    }
  }

  private setList(blocks: Block[]): void {
    this.list = blocks.sort((a, b) => a.header.maxSegment - b.header.maxSegment || a.header.windowStart - b.header.windowStart);
  }

  /**
   * Writes whole block files durably, all or (as opening sees it) none, and opens them. The caller makes them visible with
   * `replace`.
   */
  async write(files: readonly Uint8Array[]): Promise<Block[]> {
    const paths = files.map((bytes) => join(this.folder, fileName(decodeHeader(bytes))));
    for (let i = 0; i < files.length; i++) await writeSynced(`${paths[i]}.tmp`, files[i]);
    // The last one, which vouches for the others, gets its name when theirs are safe.
    for (let i = 0; i < files.length; i++) {
      if (i > 0 && i === files.length - 1) await syncFolder(this.folder);
      await rename(`${paths[i]}.tmp`, paths[i]);
    }
    await syncFolder(this.folder);
    return Promise.all(paths.map((path) => Block.open(path, this)));
  }

  /** Shows new blocks and removes those that they replace. From the next query on, in one step. */
  async replace(old: readonly Block[], fresh: readonly Block[]): Promise<void> {
    const gone = new Set(old);
    this.setList([...this.list.filter((block) => !gone.has(block)), ...fresh]);
    for (const block of fresh) this.blockBytes += block.fileBytes;
    for (const block of old) {
      this.blockBytes -= block.fileBytes;
      await block.remove();
    }
  }

  async removeOlder(beforeMs: number): Promise<void> {
    const old = this.list.filter((block) => block.header.maxTime < beforeMs);
    this.removedByAge += old.length;
    await this.replace(old, []);
  }

  /** Removes the blocks whose samples are oldest until `bytes` are free of what `allowedBytes` leaves. Throws `storage_full`. */
  async removeUntil(bytes: number, allowedBytes: number): Promise<void> {
    while (this.blockBytes + bytes > allowedBytes) {
      const oldest = this.list.reduce<Block | null>(
        (found, block) => (found === null || block.header.maxTime < found.header.maxTime ? block : found),
        null,
      );
      if (oldest === null) {
        throw new AgentError(
          "storage_full",
          `${bytes} bytes are to be written and the disk cap leaves ${Math.max(0, allowedBytes)}: raise max_disk_bytes.`,
        );
      }
      this.removedByCap++;
      await this.replace([oldest], []);
    }
  }
}
