import type { Block } from "./block.ts";
import type { Deletion } from "./marks.ts";
import type { MergeJob } from "./seal-job.ts";

/** Small latecomers wait until they are so many, lest each of them costs rewriting hours of samples. */
const LATE_BLOCKS_MIN = 8;
const LATE_SHARE = 1 / 8;
/** What one merge may hold; a window of 2 h at 1,400 samples a second. */
const MERGE_SAMPLES_MAX = 10_000_000;

/**
 * Blocks that should become one: those of the same window, once it ended before `closedBeforeMs`; `now` takes open windows and
 * small latecomers, too.
 */
export function mergeable(blocks: readonly Block[], closedBeforeMs: number, now: boolean): Block[][] {
  const windows = new Map<string, Block[]>();
  for (const block of blocks) {
    const { windowStart, windowEnd } = block.header;
    const key = `${windowStart} ${windowEnd}`;
    const group = windows.get(key);
    if (group) group.push(block);
    else windows.set(key, [block]);
  }
  return [...windows.values()].filter((group) => {
    if (group.length < 2 || group.some((block) => block.hasDamage || block.mergeFailed)) return false;
    const samples = group.reduce((sum, { header }) => sum + header.samples, 0);
    if (samples > MERGE_SAMPLES_MAX || othersBetween(group, blocks)) return false;
    if (now) return true;
    if (group[0].header.windowEnd > closedBeforeMs) return false;
    const largest = group.reduce((most, { header }) => Math.max(most, header.samples), 0);
    return group.length >= LATE_BLOCKS_MIN || samples - largest >= largest * LATE_SHARE;
  });
}

/**
 * Was a block of another window written between those of the group, about the same time? Imported history makes windows of
 * other sizes. The group as one block would then win over samples that were written after its oldest ones.
 */
function othersBetween(group: readonly Block[], blocks: readonly Block[]): boolean {
  const { windowStart, windowEnd } = group[0].header;
  const { minSegment, maxSegment } = segmentsOf(group);
  return blocks.some(
    ({ header }) =>
      (header.windowStart !== windowStart || header.windowEnd !== windowEnd) &&
      header.windowStart < windowEnd &&
      header.windowEnd > windowStart &&
      header.minSegment <= maxSegment &&
      header.maxSegment >= minSegment,
  );
}

function segmentsOf(group: readonly Block[]): { minSegment: number; maxSegment: number } {
  return {
    minSegment: group.reduce((least, { header }) => Math.min(least, header.minSegment), Infinity),
    maxSegment: group.reduce((most, { header }) => Math.max(most, header.maxSegment), 0),
  };
}

/** The job that makes the group one block, oldest written first, without what was deleted. */
export function mergeJob(group: readonly Block[], deletions: readonly Deletion[]): MergeJob {
  const { windowStart, windowEnd } = group[0].header;
  const level = 1 + group.reduce((most, { header }) => Math.max(most, header.level), 0);
  const place = { level, last: false, ...segmentsOf(group), windowStart, windowEnd };
  return { kind: "merge", sources: group.map((block) => block.path), deletions, place };
}
