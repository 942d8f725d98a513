import type { Batch } from "all-use-agent/sdk";

/** A store keeps a tick of so many rows in half the bytes of loose ones; for fewer its own record would cost that. */
const RUN_ROWS_MIN = 16;

/**
 * Hands a gathered batch on in pieces, in order: each long run of rows of one time by itself, since a store has a fast path for
 * ticks, and what lies between together. Returns the sum of what `take` returned.
 */
export function inRuns(batch: Batch, take: (piece: Batch) => number): number {
  const { length, timestamps } = batch;
  let sum = 0;
  let begun = 0;
  for (let from = 0; from < length;) {
    let to = from + 1;
    while (to < length && timestamps[to] === timestamps[from]) to++;
    if (to - from >= RUN_ROWS_MIN) {
      if (from > begun) sum += take(piece(batch, begun, from));
      sum += take(piece(batch, from, to));
      begun = to;
    }
    from = to;
  }
  return begun < length ? sum + take(piece(batch, begun, length)) : sum;
}

function piece(batch: Batch, from: number, to: number): Batch {
  if (from === 0 && to === batch.length) return batch;
  return {
    length: to - from,
    ...(batch.backdated === undefined ? {} : { backdated: batch.backdated }),
    series: batch.series.subarray(from, to),
    timestamps: batch.timestamps.subarray(from, to),
    values: batch.values.subarray(from, to),
  };
}
