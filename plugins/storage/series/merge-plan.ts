import type { Block } from "./block.ts";

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
    if (samples > MERGE_SAMPLES_MAX) return false;
    if (now) return true;
    if (group[0].header.windowEnd > closedBeforeMs) return false;
    const largest = group.reduce((most, { header }) => Math.max(most, header.samples), 0);
    return group.length >= LATE_BLOCKS_MIN || samples - largest >= largest * LATE_SHARE;
  });
}
