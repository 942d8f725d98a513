import type { Disposable } from "all-use-agent/sdk";

/** Reads the machine into one row of the ring. */
export interface Sensor extends Disposable {
  /**
   * Fills the row with what was since the last call, which was `spanMs` ago; NaN where something is not to be had. After the first
   * call and after a pause the row says nothing: `spanMs` is then 0.
   */
  read(row: Float64Array, spanMs: number): void;
}

/** By how much a counter grew; 0 where it fell, as the kernel's idle time sometimes does for a moment. */
export function growth(now: number, before: number): number {
  return now > before ? now - before : 0;
}
