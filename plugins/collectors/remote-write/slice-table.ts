/** Arenas of this size are kept; a table that has grown beyond `limitBytes` is to be cleared by its owner. */
const FIRST_BYTES = 64 * 1024;
const FIRST_SLOTS = 1024;
export const NONE = -1;

/**
 * Byte strings that come again and again, each with a small number: a slot. Senders repeat themselves, so the string that followed
 * last time is tried first, by comparing the bytes where they lie; only what is new or out of order is hashed.
 */
export class SliceTable {
  size = 0;
  private readonly limitBytes: number;
  private arena = new Uint8Array(FIRST_BYTES);
  private view = new DataView(this.arena.buffer);
  private used = 0;
  /** Of each slot: where its bytes begin and end in the arena, its hash, and the slot that came after it last time. */
  private starts = new Uint32Array(FIRST_SLOTS);
  private ends = new Uint32Array(FIRST_SLOTS);
  private hashes = new Int32Array(FIRST_SLOTS);
  private followers = new Int32Array(FIRST_SLOTS).fill(NONE);
  /** Open addressing by hash, at most half full. */
  private index = new Int32Array(2 * FIRST_SLOTS).fill(NONE);
  private last = NONE;
  private first = NONE;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  /** Holds as much as it may: time to clear it, and what its owner keeps by slot. */
  get full(): boolean {
    return this.used >= this.limitBytes;
  }

  /** The next string is the first of a message. */
  begin(): void {
    this.last = NONE;
  }

  /**
   * The slot whose bytes stand at `at`, if it is the one that is expected there, else NONE. It says nothing about the byte
   * behind them: `lengthOf(slot)` is how many were compared.
   */
  guess(bytes: DataView, at: number, end: number): number {
    const slot = this.last === NONE ? this.first : this.followers[this.last];
    if (slot === NONE) return NONE;
    const start = this.starts[slot];
    const length = this.ends[slot] - start;
    return length <= end - at && same(bytes, at, this.view, start, length) ? slot : NONE;
  }

  lengthOf(slot: number): number {
    return this.ends[slot] - this.starts[slot];
  }

  /** The guess was right. */
  follow(slot: number): void {
    this.last = slot;
  }

  /** The slot of these bytes, or NONE. */
  find(bytes: Uint8Array, view: DataView, at: number, end: number): number {
    const hash = hashOf(bytes, at, end);
    const mask = this.index.length - 1;
    for (let i = hash & mask; ; i = (i + 1) & mask) {
      const slot = this.index[i];
      if (slot === NONE) return NONE;
      if (this.hashes[slot] !== hash || this.lengthOf(slot) !== end - at) continue;
      if (same(view, at, this.view, this.starts[slot], end - at)) {
        this.remember(slot);
        return slot;
      }
    }
  }

  /** Takes bytes up that `find` did not know. */
  add(bytes: Uint8Array, at: number, end: number): number {
    const slot = this.size++;
    if (slot >= this.starts.length) this.growSlots();
    this.reserve(end - at);
    this.arena.set(bytes.subarray(at, end), this.used);
    this.starts[slot] = this.used;
    this.used += end - at;
    this.ends[slot] = this.used;
    this.hashes[slot] = hashOf(bytes, at, end);
    this.followers[slot] = NONE;
    this.place(slot);
    this.remember(slot);
    return slot;
  }

  clear(): void {
    this.size = 0;
    this.used = 0;
    this.arena = new Uint8Array(FIRST_BYTES);
    this.view = new DataView(this.arena.buffer);
    this.starts = new Uint32Array(FIRST_SLOTS);
    this.ends = new Uint32Array(FIRST_SLOTS);
    this.hashes = new Int32Array(FIRST_SLOTS);
    this.followers = new Int32Array(FIRST_SLOTS).fill(NONE);
    this.index = new Int32Array(2 * FIRST_SLOTS).fill(NONE);
    this.last = NONE;
    this.first = NONE;
  }

  private remember(slot: number): void {
    if (this.last === NONE) this.first = slot;
    else this.followers[this.last] = slot;
    this.last = slot;
  }

  private place(slot: number): void {
    const mask = this.index.length - 1;
    let i = this.hashes[slot] & mask;
    while (this.index[i] !== NONE) i = (i + 1) & mask;
    this.index[i] = slot;
  }

  private reserve(length: number): void {
    if (this.used + length <= this.arena.length) return;
    const grown = new Uint8Array(Math.max(this.used + length, this.arena.length * 2));
    grown.set(this.arena.subarray(0, this.used));
    this.arena = grown;
    this.view = new DataView(grown.buffer);
  }

  private growSlots(): void {
    const capacity = this.starts.length * 2;
    const grow = <T extends Uint32Array | Int32Array>(from: T, to: T): T => (to.set(from), to);
    this.starts = grow(this.starts, new Uint32Array(capacity));
    this.ends = grow(this.ends, new Uint32Array(capacity));
    this.hashes = grow(this.hashes, new Int32Array(capacity));
    this.followers = grow(this.followers, new Int32Array(capacity).fill(NONE));
    this.index = new Int32Array(2 * capacity).fill(NONE);
    for (let slot = 0; slot < this.size - 1; slot++) this.place(slot);
  }
}

/** Whether `length` bytes are equal. From the back: label sets differ late. */
function same(a: DataView, aFrom: number, b: DataView, bFrom: number, length: number): boolean {
  let left = length;
  while (left >= 4) {
    left -= 4;
    if (a.getInt32(aFrom + left, true) !== b.getInt32(bFrom + left, true)) return false;
  }
  while (left > 0) {
    left--;
    if (a.getUint8(aFrom + left) !== b.getUint8(bFrom + left)) return false;
  }
  return true;
}

/** FNV-1a, 32 bits. Source: isthe.com/chongo/tech/comp/fnv. */
function hashOf(bytes: Uint8Array, at: number, end: number): number {
  let hash = 0x811c9dc5 | 0;
  for (let i = at; i < end; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193);
  // The lowest bits pick the place: mix the others into them.
  return hash ^ (hash >>> 15);
}
