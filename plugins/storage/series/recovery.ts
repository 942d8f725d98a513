import { mkdir, readdir, rename, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "all-use-agent/sdk";
import type { BlockStore } from "./block-store.ts";
import type { ArenaPool, HeadPart } from "./head-part.ts";
import { segmentName } from "./log.ts";
import type { Marks } from "./marks.ts";
import { replaySegment } from "./replay.ts";
import type { SeriesTable } from "./series-table.ts";

export interface Recovered {
  /** What is in the log and not yet in blocks, oldest first. */
  readonly parts: HeadPart[];
  readonly segmentBytes: Map<number, number>;
  /** For the log that begins now: larger than every number in use. */
  readonly nextSegment: number;
  readonly samples: number;
  readonly damaged: number;
  readonly lostBytes: number;
  readonly orphans: number;
}

async function segmentsIn(folder: string): Promise<number[]> {
  await mkdir(folder, { recursive: true });
  const segments: number[] = [];
  for (const name of await readdir(folder)) {
    const digits = /^(\d{10,16})\.wal$/.exec(name)?.[1];
    if (digits !== undefined) segments.push(Number(digits));
  }
  return segments.sort((a, b) => a - b);
}

/** Opens the blocks and replays the log segments that are not in them; deletes those that are. */
export async function recover(
  logFolder: string,
  blocks: BlockStore,
  marks: Marks,
  table: SeriesTable,
  arenas: ArenaPool,
  log: Logger,
): Promise<Recovered> {
  await marks.load();
  const segments = await segmentsIn(logFolder);
  const sealed = await blocks.open(new Set(segments));
  const parts: HeadPart[] = [];
  const segmentBytes = new Map<number, number>();
  const total = { samples: 0, damaged: marks.damaged, lostBytes: 0, orphans: 0 };
  for (const segment of segments) {
    const path = join(logFolder, segmentName(segment));
    if (segment <= sealed) {
      await unlink(path);
      continue;
    }
    const { part, damaged, lostBytes, orphans } = await replaySegment(path, segment, (one) => table.intern(one), arenas);
    total.samples += part.samples;
    total.damaged += damaged;
    total.lostBytes += lostBytes;
    total.orphans += orphans;
    if (damaged + orphans > 0) {
      log.warn("A log segment was torn or damaged; everything else in it was recovered.", {
        file: path,
        damaged,
        lostBytes,
        orphans,
      });
    }
    if (part.samples === 0) {
      // Nothing in it can be read, perhaps by this version only: kept aside, for somebody who can.
      if (lostBytes > 0) await rename(path, `${path}.damaged`);
      else await unlink(path);
      continue;
    }
    parts.push(part);
    segmentBytes.set(segment, (await stat(path)).size);
  }
  const used = [
    ...segments,
    ...blocks.list.map(({ header }) => header.maxSegment),
    ...marks.deletions.map(({ maxSegment }) => maxSegment),
  ];
  return { parts, segmentBytes, nextSegment: 1 + used.reduce((a, b) => Math.max(a, b), 0), ...total };
}
