/** Prometheus' stale marker, 7ff0000000000002: only whole words keep its bits, a variable may not. */
const STALE_LOW = 0x00000002;
const STALE_HIGH = 0x7ff00000;

/** Writes the staleness marker into row `row` of a column of doubles that is seen as words, lower first. */
export function markStale(words: Uint32Array, row: number): void {
  words[2 * row] = STALE_LOW;
  words[2 * row + 1] = STALE_HIGH;
}
