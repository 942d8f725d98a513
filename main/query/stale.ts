import type { Column } from "./value.ts";

const STALE_HIGH = 0x7ff00000;
const STALE_LOW = 2;

/** The staleness marker: one certain NaN, told from others by its bits. */
export const STALE_NAN: number = new Float64Array(Uint32Array.of(STALE_LOW, STALE_HIGH).buffer)[0];

/** The column's 32-bit halves, low half first (every platform that Node runs on is little-endian). */
export function halves(values: Float64Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
}

export function isStaleAt(words: Uint32Array, index: number): boolean {
  return words[index * 2 + 1] === STALE_HIGH && words[index * 2] === STALE_LOW;
}

/** The column without staleness markers; itself when it has none. */
export function withoutStale(column: Column): Column {
  const { timestamps, values } = column;
  const count = values.length;
  let i = 0;
  let words: Uint32Array | null = null;
  for (; i < count; i++) {
    const value = values[i];
    if (value !== value && isStaleAt((words ??= halves(values)), i)) break;
  }
  if (i === count) return column;
  const keptTimestamps = new Float64Array(count - 1);
  const keptValues = new Float64Array(count - 1);
  keptTimestamps.set(timestamps.subarray(0, i));
  keptValues.set(values.subarray(0, i));
  let kept = i;
  for (i++; i < count; i++) {
    const value = values[i];
    if (value !== value && isStaleAt(words!, i)) continue;
    keptTimestamps[kept] = timestamps[i]!;
    keptValues[kept++] = value;
  }
  return { timestamps: keptTimestamps.subarray(0, kept), values: keptValues.subarray(0, kept) };
}
