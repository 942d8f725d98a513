import { rm } from "node:fs/promises";
import { join } from "node:path";
import {
  AgentError,
  type Batch,
  type Clock,
  errorText,
  type Labels,
  type Logger,
  type Matcher,
  type SelectRequest,
  type SeriesData,
  type SeriesId,
  type SeriesInfo,
  type StorageStats,
} from "all-use-agent/sdk";
import type { Block } from "./block.ts";
import { BlockStore } from "./block-store.ts";
import { foldLast, idleNumbers, numbersIn } from "./head-last.ts";
import { ArenaPool, type HeadPart } from "./head-part.ts";
import { Ingest } from "./ingest.ts";
import { Log, segmentName } from "./log.ts";
import type { FsyncPolicy } from "./log-writer.ts";
import { type Gap, Marks } from "./marks.ts";
import { mergeable, mergeJob } from "./merge-plan.ts";
import { recover } from "./recovery.ts";
import { sealParts } from "./seal-job.ts";
import { Sealer } from "./sealer.ts";
import { compiled, listSeries, select, type View } from "./select.ts";
import { SeriesTable } from "./series-table.ts";
import { type EngineCounts, newestTime, statsOf } from "./stats.ts";

export interface EngineOptions {
  readonly path: string;
  readonly retentionMs: number;
  readonly maxDiskBytes: number;
  readonly blockMs: number;
  readonly acceptAnyAge: boolean;
  readonly fsync: FsyncPolicy;
}

export interface EngineHost {
  readonly clock: Clock;
  readonly log: Logger;
  status(state: "ok" | "degraded", reason?: string): void;
}

/** Sealing starts at this many samples in memory, long before `HEAD_SAMPLES_MAX` refuses more. */
const SEAL_SAMPLES = 1_500_000;
/** A log this large is sealed whatever its age; less where the disk cap is small. */
const LOG_BYTES_MAX = 64 * 1024 * 1024;
/** Whoever flushes within this time of a refusal is told: nobody knows whose samples they were. */
const REFUSAL_TOLD_MS = 10_000;
/** A series silent this long gives its number back. */
const IDLE_MS = 3_600_000;

/** The store: log, head, blocks, and what moves samples from one to the next. */
export class Engine {
  private readonly options: EngineOptions;
  private readonly host: EngineHost;
  private readonly logFolder: string;
  private readonly table = new SeriesTable();
  private readonly marks: Marks;
  private readonly blocks: BlockStore;
  private readonly sealer = new Sealer();
  private readonly arenas = new ArenaPool();
  private log!: Log;
  private ingest!: Ingest;
  /** Parts no longer written to, oldest first; sealed together. */
  private closedParts: HeadPart[] = [];
  private segment = 0;
  /** Bytes of log segments other than the one being written. */
  private segmentBytes = new Map<number, number>();
  private lastKnownAfterMs = -Infinity;
  /** When the oldest sample in memory came, by the agent's clock. */
  private headSinceMs: number | null = null;
  /** Seals, merges and deletions one after the other. */
  private work: Promise<unknown> = Promise.resolve();
  private opened = false;
  /** Noted while samples are refused; its end becomes known when one is taken again. */
  private refusal: Gap | null = null;
  /** Elapsed time of the last refusal. */
  private refusedAtMs = -Infinity;
  private sealAsked = false;
  private maintenanceFailed = false;
  private readonly counts: EngineCounts = {
    seals: 0,
    sealFailures: 0,
    sealedSamples: 0,
    sealCpuMs: 0,
    merges: 0,
    replayedSamples: 0,
    damagedRecords: 0,
    lostLogBytes: 0,
    orphanRecords: 0,
  };

  constructor(options: EngineOptions, host: EngineHost) {
    this.options = options;
    this.host = host;
    this.logFolder = join(options.path, "wal");
    this.marks = new Marks(join(options.path, "marks"));
    this.blocks = new BlockStore(join(options.path, "blocks"), host.log);
  }

  async open(): Promise<void> {
    await rm(join(this.options.path, "marks.tmp"), { force: true });
    const recovered = await recover(this.logFolder, this.blocks, this.marks, this.table, this.arenas, this.host.log);
    this.closedParts = recovered.parts;
    this.segmentBytes = recovered.segmentBytes;
    this.segment = recovered.nextSegment;
    this.counts.replayedSamples = recovered.samples;
    this.counts.damagedRecords = recovered.damaged;
    this.counts.lostLogBytes = recovered.lostBytes;
    this.counts.orphanRecords = recovered.orphans;
    this.lastKnownAfterMs = newestTime([], this.blocks);
    this.log = new Log(this.logFolder, this.segment, (number) => this.table.get(number), {
      fsync: this.options.fsync,
      makeRoom: (bytes) => this.makeRoom(bytes),
      hasRoom: (bytes) => this.blocks.blockBytes + bytes <= this.options.maxDiskBytes - this.logBytes,
      health: (error) => this.health(error),
    });
    const maxAgeMs = this.options.acceptAnyAge ? Infinity : this.options.retentionMs;
    this.ingest = new Ingest(this.table, this.log, this.segment, { maxAgeMs }, this.arenas);
    if (this.closedParts.length > 0) this.headSinceMs = this.host.clock.now();
    this.opened = true;
  }

  private health(error: Error | null): void {
    if (error === null) {
      this.host.log.info("The disk takes samples again.");
      this.host.status("ok");
    } else {
      this.host.log.error(errorText(error));
      this.host.status("degraded", errorText(error));
    }
  }

  private get logBytes(): number {
    let bytes = this.log.writer.fileBytes;
    for (const size of this.segmentBytes.values()) bytes += size;
    return bytes;
  }

  /** Keeps the whole folder under the disk cap, counting `bytes` that are about to be written and are not in the log yet. */
  private async makeRoom(bytes: number): Promise<void> {
    await this.blocks.removeUntil(bytes, this.options.maxDiskBytes - this.logBytes);
  }

  private get headSamples(): number {
    return this.closedParts.reduce((sum, part) => sum + part.samples, this.ingest.part.samples);
  }

  define(id: SeriesId, info: SeriesInfo): void {
    this.table.define(id, info);
  }

  /** Returns how many rows were refused for their time. Throws `stopped` once closed. */
  append(batch: Batch): number {
    if (!this.opened) throw new AgentError("stopped", "The time series store is not running: it takes no samples.");
    const now = this.host.clock.now();
    const { headSamples } = this;
    const refused = this.ingest.append(batch, now, headSamples);
    if (headSamples >= SEAL_SAMPLES && !this.sealAsked && !this.maintenanceFailed) this.sealNow();
    if (refused < 0) {
      this.refusedAtMs = this.host.clock.monotonic();
      if (this.refusal === null) {
        this.host.log.error("Samples are refused: what waits in memory for the disk has reached its bound.");
        this.refusal = { fromMs: now, toMs: now, reason: "storage could not write" };
        this.marks.addGap(this.refusal);
      }
      return 0;
    }
    if (this.refusal !== null && batch.length > 0) this.endRefusal(now);
    this.headSinceMs ??= now;
    return refused;
  }

  private endRefusal(now: number): void {
    const begun = this.refusal as Gap;
    this.refusal = null;
    this.marks.keep(
      (gap) => gap !== begun,
      () => true,
    );
    this.gap({ ...begun, toMs: Math.max(begun.fromMs, now) });
    this.host.log.info("Samples are taken again.");
  }

  /** Writers that are faster than the next look would fill memory until then. */
  private sealNow(): void {
    this.sealAsked = true;
    void this.maintain().finally(() => (this.sealAsked = false));
  }

  async flush(): Promise<void> {
    await this.log.writer.flush();
    if (this.host.clock.monotonic() - this.refusedAtMs < REFUSAL_TOLD_MS) {
      throw new AgentError(
        "storage_write_failed",
        "Samples were refused a moment ago because too much waits for the disk: send them again.",
      );
    }
    await this.marks.flush();
  }

  private view(): View {
    const parts = this.ingest.part.samples > 0 ? [...this.closedParts, this.ingest.part] : this.closedParts;
    return {
      table: this.table,
      parts,
      blocks: this.blocks.list,
      deletions: this.marks.deletions,
      lastKnownAfterMs: this.lastKnownAfterMs,
    };
  }

  select(request: SelectRequest): Promise<SeriesData[]> {
    return select(this.view(), request);
  }

  series(matchers: readonly Matcher[], fromMs: number, toMs: number): Promise<{ name: string; labels: Labels }[]> {
    return listSeries(this.view(), matchers, fromMs, toMs);
  }

  gap(gap: Gap): void {
    this.marks.addGap(gap);
    this.marks.flush().catch((error: unknown) => this.health(error as Error));
  }

  gaps(fromMs: number, toMs: number): Gap[] {
    return this.marks.gaps.filter((gap) => gap.fromMs <= toMs && gap.toMs >= fromMs);
  }

  /** What comes from now on goes to a new part and log segment. */
  private rotate(): void {
    const { part } = this.ingest;
    if (part.samples === 0) return;
    this.segmentBytes.set(part.segment, this.log.writer.fileBytes);
    this.segment++;
    this.log.rotate(this.segment);
    this.closedParts = [...this.closedParts, part];
    this.ingest.startPart(this.segment);
  }

  private queued<T>(task: () => Promise<T>): Promise<T> {
    const result = this.work.then(task);
    this.work = result.catch(() => undefined);
    return result;
  }

  /** Moves all of memory into blocks, then merges what can be merged. */
  seal(): Promise<void> {
    return this.queued(async () => {
      await this.sealHead();
      await this.mergeBlocks(true);
    });
  }

  private async sealHead(): Promise<void> {
    this.rotate();
    this.headSinceMs = null;
    while (this.closedParts.length > 0) {
      // A deletion applies to whole blocks: none may hold segments from both sides of it.
      const first = this.closedParts[0].segment;
      const end = this.marks.deletions.reduce(
        (least, { maxSegment }) => (maxSegment >= first ? Math.min(least, maxSegment) : least),
        Infinity,
      );
      await this.sealParts(this.closedParts.filter((part) => part.segment <= end));
    }
    this.releaseIdle();
  }

  private async sealParts(parts: readonly HeadPart[]): Promise<void> {
    const { segment: maxSegment } = parts[parts.length - 1];
    try {
      const fresh = await this.writeBlocks(await this.blocksOf(parts));
      // In one turn: no query sees the samples twice, or not at all.
      for (const part of parts) foldLast(part, this.table);
      this.closedParts = this.closedParts.filter((part) => part.segment > maxSegment);
      await this.blocks.replace([], fresh);
      for (const part of parts) this.arenas.give(part);
      this.counts.seals++;
      this.counts.sealedSamples += fresh.reduce((sum, block) => sum + block.header.samples, 0);
    } catch (error) {
      this.counts.sealFailures++;
      this.headSinceMs ??= this.host.clock.now();
      throw new AgentError(
        "storage_seal_failed",
        `Samples could not be moved into blocks (${errorText(error)}); they stay in memory and in the log.`,
        { cause: error },
      );
    }
    await this.dropSegments(maxSegment);
  }

  /** From the log by the sealing process; from memory, in this one, when the disk gives other samples back than it took. */
  private async blocksOf(parts: readonly HeadPart[]): Promise<readonly Uint8Array[]> {
    try {
      await this.log.writer.flush();
      const segments = parts.map(({ segment, samples }) => ({
        path: join(this.logFolder, segmentName(segment)),
        segment,
        samples,
      }));
      return await this.sealer.run({ kind: "seal", segments });
    } catch (error) {
      if (!this.opened) throw error;
      this.host.log.warn("The log could not be sealed by a process of its own; it is done in this one.", {
        reason: errorText(error),
      });
      const numbers = new Set<number>();
      for (const part of parts) numbersIn(part, numbers);
      return sealParts(parts, numbers, (number) => this.table.get(number));
    }
  }

  private async writeBlocks(files: readonly Uint8Array[]): Promise<Block[]> {
    await this.makeRoom(files.reduce((sum, file) => sum + file.length, 0));
    return this.blocks.write(files);
  }

  /** Deletes log segments whose samples are in blocks. Bytes of theirs that still wait for the disk are written first. */
  private async dropSegments(upTo: number): Promise<void> {
    await this.log.writer.flush().catch(() => undefined);
    for (const segment of this.segmentBytes.keys()) {
      if (segment > upTo) continue;
      await rm(join(this.logFolder, segmentName(segment)), { force: true });
      this.segmentBytes.delete(segment);
    }
  }

  private releaseIdle(): void {
    const { parts } = this;
    // Against the newest sample where history is being written: it is as live as anything then.
    const now = Math.min(this.host.clock.now(), newestTime(parts, this.blocks));
    const idle = idleNumbers(this.table, parts, now - IDLE_MS);
    if (idle.size === 0) return;
    for (const number of idle) this.lastKnownAfterMs = Math.max(this.lastKnownAfterMs, this.table.lastTimes[number] || -Infinity);
    this.table.release((number) => !idle.has(number));
    this.ingest.forget();
  }

  private async mergeBlocks(now: boolean): Promise<void> {
    for (const group of mergeable(this.blocks.list, this.host.clock.now() - this.options.blockMs, now)) {
      for (const block of group) block.pin();
      try {
        const fresh = await this.writeBlocks(await this.sealer.run(mergeJob(group, this.marks.deletions)));
        // The disk cap may have taken a source meanwhile; then the merged block would bring its samples back.
        const current = new Set(this.blocks.list);
        if (group.every((block) => current.has(block))) await this.blocks.replace(group, fresh);
        else for (const block of fresh) await block.remove();
        this.counts.merges++;
      } catch (error) {
        if (!this.opened) return;
        for (const block of group) block.mergeFailed = true;
        const { windowStart } = group[0].header;
        this.host.log.warn("Blocks could not be merged and stay as they are.", { windowStart, reason: errorText(error) });
      } finally {
        await Promise.all(group.map((block) => block.unpin()));
      }
    }
  }

  async deleteSeries(matchers: readonly Matcher[], fromMs: number, toMs: number): Promise<number> {
    compiled(matchers);
    return this.queued(async () => {
      const touched = await this.series(matchers, fromMs, toMs);
      if (touched.length === 0) return 0;
      this.rotate();
      this.marks.addDeletion({ maxSegment: this.segment - 1, fromMs, toMs, matchers });
      this.table.lastTimes.fill(NaN);
      this.lastKnownAfterMs = Math.max(this.lastKnownAfterMs, newestTime(this.parts, this.blocks));
      await this.marks.flush();
      return touched.length;
    });
  }

  /** Everything that is due by time: called every few seconds. Failures show as the plugin's status; the next call tries again. */
  async maintain(): Promise<void> {
    if (!this.opened) return;
    try {
      await this.queued(async () => {
        const now = this.host.clock.now();
        if (this.sealDue(now)) await this.sealHead();
        if (!this.options.acceptAnyAge) await this.retire(now - this.options.retentionMs);
        await this.mergeBlocks(false);
      });
      if (this.maintenanceFailed) this.health(null);
      this.maintenanceFailed = false;
    } catch (error) {
      if (!this.opened) return;
      this.maintenanceFailed = true;
      this.health(error as Error);
    }
  }

  private sealDue(now: number): boolean {
    if (this.headSamples >= SEAL_SAMPLES || this.logBytes >= Math.min(LOG_BYTES_MAX, this.options.maxDiskBytes / 4)) return true;
    const { blockMs } = this.options;
    // At multiples of the block's length, so that seals do not straddle windows.
    return this.headSinceMs !== null && Math.floor(now / blockMs) > Math.floor(this.headSinceMs / blockMs);
  }

  private async retire(beforeMs: number): Promise<void> {
    await this.blocks.removeOlder(beforeMs);
    const { list } = this.blocks;
    this.marks.keep(
      (gap) => gap.toMs >= beforeMs,
      (deletion) =>
        this.closedParts.some((part) => part.segment <= deletion.maxSegment) ||
        list.some((block) => block.header.maxSegment <= deletion.maxSegment && block.overlaps(deletion.fromMs, deletion.toMs)),
    );
    await this.marks.flush();
  }

  private get parts(): HeadPart[] {
    return [...this.closedParts, this.ingest.part];
  }

  stats(): StorageStats {
    this.counts.sealCpuMs = this.sealer.cpuMs;
    const { parts, blocks, log, logBytes, ingest, marks, counts } = this;
    return statsOf({ series: this.table.size, parts, blocks, log, logBytes, ingest, marks, counts });
  }

  /** Writes and syncs what waits. Memory is not sealed: the log brings it back faster than sealing would take. */
  async close(): Promise<void> {
    if (!this.opened) return;
    this.opened = false;
    await this.sealer.close();
    await this.work;
    try {
      await this.log.writer.close();
    } finally {
      await this.marks.flush();
    }
  }
}
