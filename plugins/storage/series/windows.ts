/** Partitions of time: two hours, so that what is asked of one hour decodes little too much and files stay few. */
export const WINDOW_MS = 2 * 3_600_000;

/** A seal of imported history makes at most so many blocks: beyond it windows get larger. */
const WINDOWS_MAX = 64;

/** Every window size is a multiple of the one before. */
const SIZES = [WINDOW_MS, 12 * WINDOW_MS, 12 * 32 * WINDOW_MS, 12 * 32 * 32 * WINDOW_MS, 12 * 32 * 32 * 32 * WINDOW_MS];

/** The window size for samples between two times. */
export function windowSize(minTime: number, maxTime: number): number {
  return (
    SIZES.find((size) => (windowOf(maxTime, size) - windowOf(minTime, size)) / size < WINDOWS_MAX) ??
    SIZES[SIZES.length - 1] * 1024
  );
}

/** Start of the window that holds a time. */
export function windowOf(time: number, size: number): number {
  return Math.floor(time / size) * size;
}
