import type { SeriesId } from "./series.ts";

const FIRST_CAPACITY = 1024;

/**
 * What a plugin decided about each series, as a number above or below 0: decided at its first sample, read from a typed array after
 * that. In a loop over rows: `decisions.codes[id] || decisions.of(id)`. 4 bytes a series.
 */
export class SeriesDecisions {
  /** By series number; 0 is not decided yet. A new array when it had to grow. */
  codes: Int32Array = new Int32Array(FIRST_CAPACITY);
  private readonly decide: (id: SeriesId) => number;

  /** `decide` never returns 0. */
  constructor(decide: (id: SeriesId) => number) {
    this.decide = decide;
  }

  /** Decides. */
  of(id: SeriesId): number {
    const code = this.decide(id);
    if (id >= this.codes.length) {
      const larger = new Int32Array(Math.max(id + 1, this.codes.length * 2));
      larger.set(this.codes);
      this.codes = larger;
    }
    this.codes[id] = code;
    return code;
  }

  /** All is to be decided anew: what it rested on has changed. */
  forget(): void {
    this.codes.fill(0);
  }
}
