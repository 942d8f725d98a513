/**
 * Where each number of a series' state lies. One series' numbers are next to each other, so that a sample touches few
 * cache lines. Doubles for what is added to in small steps, floats for the rest.
 */
export const D = {
  /** Unix ms of the newest sample. */
  lastMs: 0,
  /** Newest raw value, from which a counter's rate is made. */
  lastRaw: 1,
  /** Typical distance between samples, seconds. */
  intervalS: 2,
  /** Values learnt from. */
  count: 3,
  /** Level and mean absolute deviation over about 30 s and 15 min. */
  fast: 4,
  fastSpread: 5,
  slow: 6,
  slowSpread: 7,
  /** The usual band: running 0.5 % and 99.5 % points. */
  low: 8,
  high: 9,
  /** Range of everything seen, forgotten over weeks. */
  min: 10,
  max: 11,
  /** Total and current increment of the histogram of past surprises. */
  total: 12,
  weight: 13,
  /** Consecutive samples above (positive) or below (negative) the band. */
  run: 14,
  /** Samples still to be passed over after a gap. */
  settle: 15,
} as const;

export const DOUBLES = 16;

/** Eight buckets an octave of surprise, from 2^-2 to 2^6. */
export const BUCKETS = 64;
/** Values before the first score. They are kept where the histogram will be. */
export const WARM_UP = BUCKETS;

export const PLACES = 12;
/** The histogram, then the places visited: low, high, number of the last visit. */
export const PLACES_AT = BUCKETS;
/** The value before, and the share of values that equal the one before them. */
export const PREVIOUS_AT = BUCKETS + 3 * PLACES;
export const TIES_AT = PREVIOUS_AT + 1;
export const FLOATS = TIES_AT + 1;

export const BYTES_PER_SERIES = DOUBLES * 8 + FLOATS * 4;
