import { D, DOUBLES, FLOATS } from "./layout.ts";

export const GAUGE = 0;
export const COUNTER = 1;

/** Silent for this long, a series' place may be given to another. */
const FORGET_AFTER_MS = 6 * 3_600_000;
const FIRST_CAPACITY = 512;

/**
 * State of all watched series in flat arrays, grown by doubling up to `maxSeries`, a slot a series. A slot outlives the run by its
 * series' key, since numbers of series change from run to run.
 */
export class SeriesTable {
  doubles = new Float64Array(FIRST_CAPACITY * DOUBLES);
  floats = new Float32Array(FIRST_CAPACITY * FLOATS);
  kinds = new Uint8Array(FIRST_CAPACITY);
  /** The key of each slot's series; null in free slots. */
  readonly keys: (string | null)[] = [];
  readonly maxSeries: number;
  private readonly slots = new Map<string, number>();
  private readonly free: number[] = [];

  constructor(maxSeries: number) {
    this.maxSeries = maxSeries;
  }

  get size(): number {
    return this.slots.size;
  }

  slotOf(key: string): number | undefined {
    return this.slots.get(key);
  }

  /** The slot of a key: the one it has, a free one, a new one, or -1 when all are in use. */
  claim(key: string, kind: number): number {
    const known = this.slots.get(key);
    if (known !== undefined) return known;
    let slot = this.free.pop();
    if (slot === undefined) {
      if (this.keys.length >= this.maxSeries) return -1;
      slot = this.keys.length;
      if (slot >= this.kinds.length) this.grow();
      this.keys.push(null);
    }
    this.keys[slot] = key;
    this.slots.set(key, slot);
    this.kinds[slot] = kind;
    this.clear(slot);
    return slot;
  }

  /** Frees slots of series not heard of for long, at most as many as one sweep may cost. Returns the freed ones. */
  sweep(nowMs: number): number[] {
    const freed: number[] = [];
    for (let slot = 0; slot < this.keys.length; slot++) {
      const key = this.keys[slot];
      if (key === null || nowMs - this.doubles[slot * DOUBLES + D.lastMs] < FORGET_AFTER_MS) continue;
      this.slots.delete(key);
      this.keys[slot] = null;
      this.free.push(slot);
      freed.push(slot);
    }
    return freed;
  }

  private clear(slot: number): void {
    this.doubles.fill(0, slot * DOUBLES, (slot + 1) * DOUBLES);
    this.floats.fill(0, slot * FLOATS, (slot + 1) * FLOATS);
  }

  private grow(): void {
    const capacity = Math.min(this.maxSeries, this.kinds.length * 2);
    const doubles = new Float64Array(capacity * DOUBLES);
    const floats = new Float32Array(capacity * FLOATS);
    const kinds = new Uint8Array(capacity);
    doubles.set(this.doubles);
    floats.set(this.floats);
    kinds.set(this.kinds);
    this.doubles = doubles;
    this.floats = floats;
    this.kinds = kinds;
  }
}
