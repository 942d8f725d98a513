import type { StorageStats } from "all-use-agent/sdk";
import type { BlockStore } from "./block-store.ts";
import type { HeadPart } from "./head-part.ts";
import type { Ingest } from "./ingest.ts";
import type { Log } from "./log.ts";
import type { Marks } from "./marks.ts";

/** What the engine counts itself. */
export interface EngineCounts {
  seals: number;
  sealFailures: number;
  sealedSamples: number;
  sealCpuMs: number;
  merges: number;
  replayedSamples: number;
  damagedRecords: number;
  lostLogBytes: number;
  orphanRecords: number;
}

export interface Counted {
  readonly series: number;
  readonly parts: readonly HeadPart[];
  readonly blocks: BlockStore;
  readonly log: Log;
  readonly logBytes: number;
  readonly ingest: Ingest;
  readonly marks: Marks;
  readonly counts: EngineCounts;
}

function orNull(time: number): number | null {
  return Number.isFinite(time) ? time : null;
}

/** Newest sample in parts and blocks; -Infinity when there is none. */
export function newestTime(parts: readonly HeadPart[], blocks: BlockStore): number {
  const inBlocks = blocks.list.reduce((most, { header }) => Math.max(most, header.maxTime), -Infinity);
  return parts.reduce((most, part) => Math.max(most, part.maxTime), inBlocks);
}

export function statsOf({ series, parts, blocks, log, logBytes, ingest, marks, counts }: Counted): StorageStats {
  const { list } = blocks;
  const { writer } = log;
  const inBlocks = list.reduce((least, { header }) => Math.min(least, header.minTime), Infinity);
  const headSamples = parts.reduce((sum, part) => sum + part.samples, 0);
  return {
    series: list.reduce((most, { header }) => Math.max(most, header.series), series),
    samples: list.reduce((sum, { header }) => sum + header.samples, headSamples),
    diskBytes: blocks.blockBytes + logBytes,
    oldestMs: orNull(parts.reduce((least, part) => Math.min(least, part.minTime), inBlocks)),
    newestMs: orNull(newestTime(parts, blocks)),
    counters: {
      samples_appended: ingest.appended,
      samples_undefined: ingest.droppedUndefined,
      samples_out_of_time: ingest.droppedTime,
      samples_refused: ingest.droppedFull,
      head_samples: headSamples,
      blocks: list.length,
      block_bytes: blocks.blockBytes,
      wal_bytes: logBytes,
      wal_waiting_bytes: writer.waitingBytes,
      wal_records: log.records,
      wal_writes: writer.writes,
      wal_syncs: writer.syncs,
      wal_failures: writer.failures,
      seals: counts.seals,
      seal_failures: counts.sealFailures,
      seal_cpu_ms: Math.round(counts.sealCpuMs),
      sealed_samples: counts.sealedSamples,
      merges: counts.merges,
      replayed_samples: counts.replayedSamples,
      damaged_records: counts.damagedRecords,
      lost_log_bytes: counts.lostLogBytes,
      orphan_records: counts.orphanRecords,
      damaged_blocks: blocks.damagedBlocks,
      damaged_columns: blocks.damagedParts,
      blocks_removed_by_age: blocks.removedByAge,
      blocks_removed_by_cap: blocks.removedByCap,
      deletions: marks.deletions.length,
      gaps: marks.gaps.length,
    },
  };
}
