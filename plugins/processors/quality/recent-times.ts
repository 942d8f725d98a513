/** A request of so many ticks that is sent again is known again. */
const RING = 32;
/** 6 MB in all; what comes of further series twice is left to the store, which keeps one sample a time. */
const SERIES_MAX = 16_384;
const FIRST_SERIES = 64;
const NONE = -1;

/**
 * The last samples of series whose times others gave, by time and value: what is sent twice because an answer was lost is known. Only such
 * series take memory, 386 bytes each.
 */
export class RecentTimes {
  private slots = new Int32Array(0);
  private used = 0;
  private times = new Float64Array(0);
  private hashes = new Uint32Array(0);
  /** Where the next one goes. */
  private ends = new Uint8Array(0);
  /** Where the next repetition is expected: they come in the order of the first time. */
  private hints = new Uint8Array(0);

  /** Notes a sample that is newer than all before. `words`: the column of values as 32-bit words. */
  add(id: number, timestampMs: number, words: Uint32Array, row: number): void {
    this.note(this.slotOf(id), timestampMs, hashOf(words, row));
  }

  private note(slot: number, timestampMs: number, hash: number): void {
    if (slot === NONE) return;
    const at = slot * RING + this.ends[slot];
    this.times[at] = timestampMs;
    this.hashes[at] = hash;
    this.ends[slot] = (this.ends[slot] + 1) % RING;
  }

  /** Whether this very sample is known; it is noted when not. Of a sample corrected by a later one of its time: not. */
  repeats(id: number, timestampMs: number, words: Uint32Array, row: number): boolean {
    const slot = this.slotOf(id);
    if (slot === NONE) return false;
    const hash = hashOf(words, row);
    const base = slot * RING;
    for (let i = 0; i < RING; i++) {
      const at = (this.hints[slot] + i) % RING;
      if (this.times[base + at] !== timestampMs) continue;
      this.hints[slot] = (at + 1) % RING;
      if (this.hashes[base + at] === hash) return true;
      this.hashes[base + at] = hash;
      return false;
    }
    this.note(slot, timestampMs, hash);
    return false;
  }

  private slotOf(id: number): number {
    if (id >= this.slots.length) {
      const larger = new Int32Array(Math.max(id + 1, this.slots.length * 2, 1024)).fill(NONE);
      larger.set(this.slots);
      this.slots = larger;
    }
    if (this.slots[id] === NONE && this.used < SERIES_MAX) {
      if (this.used === this.ends.length) this.grow();
      this.slots[id] = this.used++;
    }
    return this.slots[id];
  }

  private grow(): void {
    const series = Math.max(FIRST_SERIES, this.ends.length * 2);
    const times = new Float64Array(series * RING).fill(NaN);
    times.set(this.times);
    this.times = times;
    const hashes = new Uint32Array(series * RING);
    hashes.set(this.hashes);
    this.hashes = hashes;
    const ends = new Uint8Array(series);
    ends.set(this.ends);
    this.ends = ends;
    const hints = new Uint8Array(series);
    hints.set(this.hints);
    this.hints = hints;
  }
}

/** 32 bits of a double's 64. */
function hashOf(words: Uint32Array, row: number): number {
  return (words[row * 2] ^ Math.imul(words[row * 2 + 1], 0x9e3779b1)) >>> 0;
}
