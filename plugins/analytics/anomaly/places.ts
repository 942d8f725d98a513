import { PLACES, PLACES_AT } from "./layout.ts";

/** An interval grows at most to this share of the series' range: two modes stay two places. */
const WIDTH_MAX = 0.15;
/** This close to a place (in ranges) is the place. */
const SAME = 0.01;

/** Forgets all places. An unused one has a last visit of 0. */
export function clearPlaces(floats: Float32Array, f: number): void {
  floats.fill(0, f + PLACES_AT, f + PLACES_AT + 3 * PLACES);
}

/**
 * "Has this quantity ever been here?": the distance of a value to the nearest place it has visited, in units of its
 * range; 0 inside one. The value is learnt on the way: the nearest place is widened, or a new one opened at the cost of the one
 * not visited for longest. `now` grows with time.
 */
export function visit(floats: Float32Array, f: number, value: number, range: number, now: number): number {
  const first = f + PLACES_AT;
  let nearest = -1;
  let distance = Infinity;
  let oldest = first;
  for (let p = first; p < first + 3 * PLACES; p += 3) {
    const last = floats[p + 2];
    if (last < floats[oldest + 2]) oldest = p;
    if (last === 0) continue;
    const low = floats[p];
    const high = floats[p + 1];
    const gap = value < low ? low - value : value > high ? value - high : 0;
    if (gap >= distance) continue;
    distance = gap;
    nearest = p;
    if (gap === 0) {
      floats[p + 2] = now;
      return 0;
    }
  }
  if (nearest >= 0) {
    const low = Math.min(floats[nearest], value);
    const high = Math.max(floats[nearest + 1], value);
    if (high - low <= WIDTH_MAX * range || distance < SAME * range) {
      floats[nearest] = low;
      floats[nearest + 1] = high;
      floats[nearest + 2] = now;
      return distance / range;
    }
  }
  floats[oldest] = value;
  floats[oldest + 1] = value;
  floats[oldest + 2] = now;
  return nearest < 0 ? 1 : distance / range;
}
