/** Doubles as pairs of 32-bit words, the lower first (every platform that Node runs on is little-endian). Moving single values
 * so keeps NaN payloads, which reading them as numbers may not. */
export function wordsOf(values: Float64Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
}

/** Two columns of equal length. */
export interface Samples {
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
}

export function ascending(timestamps: Float64Array): boolean {
  for (let i = 1; i < timestamps.length; i++) if (!(timestamps[i] > timestamps[i - 1])) return false;
  return true;
}

/**
 * The samples in ascending time, one a timestamp: of several the one that stands last, so arrival order decides. Returns
 * the argument itself when it is so already. Values are moved, never computed with: NaN payloads stay.
 */
export function ordered(samples: Samples): Samples {
  const { timestamps, values } = samples;
  if (ascending(timestamps)) return samples;
  const order = Uint32Array.from(timestamps.keys());
  order.sort((a, b) => timestamps[a] - timestamps[b] || a - b);
  let count = 0;
  for (let i = 0; i < order.length; i++) {
    if (i + 1 < order.length && timestamps[order[i + 1]] === timestamps[order[i]]) continue;
    order[count++] = order[i];
  }
  const sorted = { timestamps: new Float64Array(count), values: new Float64Array(count) };
  const from = wordsOf(values);
  const to = wordsOf(sorted.values);
  for (let i = 0; i < count; i++) {
    const at = order[i];
    sorted.timestamps[i] = timestamps[at];
    to[2 * i] = from[2 * at];
    to[2 * i + 1] = from[2 * at + 1];
  }
  return sorted;
}

/** Parts of one series, oldest written first, as one: where they overlap in time, later parts win. */
export function joined(parts: readonly Samples[]): Samples {
  if (parts.length === 1) return parts[0];
  let count = 0;
  for (const part of parts) count += part.timestamps.length;
  const all = { timestamps: new Float64Array(count), values: new Float64Array(count) };
  let at = 0;
  for (const part of parts) {
    all.timestamps.set(part.timestamps, at);
    all.values.set(part.values, at);
    at += part.timestamps.length;
  }
  return ordered(all);
}

/** The samples without those that were dropped; the argument itself when all stay. */
export function without(samples: Samples, dropped: (timestamp: number) => boolean): Samples {
  const { timestamps, values } = samples;
  let count = 0;
  for (let i = 0; i < timestamps.length; i++) if (!dropped(timestamps[i])) count++;
  if (count === timestamps.length) return samples;
  const kept = { timestamps: new Float64Array(count), values: new Float64Array(count) };
  const from = wordsOf(values);
  const to = wordsOf(kept.values);
  for (let i = 0, at = 0; i < timestamps.length; i++) {
    if (dropped(timestamps[i])) continue;
    kept.timestamps[at] = timestamps[i];
    to[2 * at] = from[2 * i];
    to[2 * at + 1] = from[2 * i + 1];
    at++;
  }
  return kept;
}
