/**
 * How far a collector's ticks are moved, in 0 ≤ ms < `jitterMs`: the same for one seed at all times, spread evenly over many, so that
 * a fleet does not tick together. FNV-1a (Fowler, Noll, Vo) with the finishing mix of MurmurHash3.
 */
export function staggerMs(seed: string, jitterMs: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < seed.length; i++) hash = Math.imul(hash ^ seed.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return Math.floor((((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32) * jitterMs);
}
