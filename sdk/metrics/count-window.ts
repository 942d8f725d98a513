import type { ByteReader, ByteWriter } from "./bytes.ts";

const FIRST_LENGTH = 16;
/** Beyond the index of any double at any resolution here: 1074 × 2^20. */
const INDEX_MAX = 2 ** 31;

/**
 * Counts by integer index, dense between the lowest and the highest in use, which are less than `max` apart: the caller sees to
 * that. Memory grows with the span, 8 bytes an index.
 */
export class CountWindow {
  readonly max: number;
  /** The lowest and highest index ever counted; `lo > hi` while there is none. */
  lo = 0;
  hi = -1;
  private counts: Float64Array = new Float64Array(0);
  /** Index of counts[0]. */
  private first = 0;

  constructor(max: number) {
    this.max = max;
  }

  get empty(): boolean {
    return this.hi < this.lo;
  }

  /** Whether the index can be counted as it is, without looking at the span: the common case. */
  holds(index: number): boolean {
    const at = index - this.first;
    return at >= 0 && at < this.counts.length;
  }

  /** How many indices there would be from the lowest to the highest with this one. */
  spanWith(index: number): number {
    if (this.empty) return 1;
    return Math.max(this.hi, index) - Math.min(this.lo, index) + 1;
  }

  at(index: number): number {
    return this.holds(index) ? this.counts[index - this.first] : 0;
  }

  /** `spanWith(index)` must be at most `max`. */
  add(index: number, count: number): void {
    if (!this.holds(index)) this.makeRoom(index);
    this.counts[index - this.first] += count;
    if (this.empty) this.lo = this.hi = index;
    else if (index < this.lo) this.lo = index;
    else if (index > this.hi) this.hi = index;
  }

  /** Moves what lies below an index into it. */
  raiseFloor(floor: number): void {
    if (this.empty || this.lo >= floor) return;
    let moved = 0;
    for (let index = this.lo; index < floor && index <= this.hi; index++) {
      moved += this.at(index);
      this.counts[index - this.first] = 0;
    }
    if (this.hi < floor) {
      this.lo = 0;
      this.hi = -1;
    } else this.lo = floor;
    this.add(floor, moved);
  }

  /** Joins each 2^by neighbours into one. */
  coarsen(by: number): void {
    if (this.empty || by <= 0) return;
    const { lo, hi, first, counts } = this;
    // In place: an index never moves up past one that was not yet read, since both begin at the first.
    const shift = (index: number): number => Math.floor(index / 2 ** by);
    const base = shift(lo);
    for (let index = lo; index <= hi; index++) {
      const count = counts[index - first];
      counts[index - first] = 0;
      counts[shift(index) - base] += count;
    }
    this.first = base;
    this.lo = base;
    this.hi = shift(hi);
  }

  clear(): void {
    this.counts.fill(0);
    this.lo = 0;
    this.hi = -1;
  }

  /** The counts from `lo` to `hi`: a view, valid until the next change. */
  view(): Float64Array {
    return this.empty ? this.counts.subarray(0, 0) : this.counts.subarray(this.lo - this.first, this.hi - this.first + 1);
  }

  copy(): CountWindow {
    const copy = new CountWindow(this.max);
    copy.lo = this.lo;
    copy.hi = this.hi;
    copy.first = this.lo;
    copy.counts = this.view().slice();
    return copy;
  }

  /** Counts that are whole numbers take one to two bytes each. */
  write(out: ByteWriter): void {
    const view = this.view();
    out.unsigned(view.length);
    if (view.length === 0) return;
    out.signed(this.lo);
    for (const count of view) {
      if (Number.isSafeInteger(count + 1)) out.unsigned(count + 1);
      else out.unsigned(0).double(count);
    }
  }

  static read(reader: ByteReader, max: number): CountWindow {
    const window = new CountWindow(max);
    const length = reader.unsigned();
    if (length === 0) return window;
    if (length > max) throw reader.fault(`has ${length} buckets where ${max} may be`);
    const lo = reader.signed();
    if (Math.abs(lo) > INDEX_MAX) throw reader.fault("has a bucket of no number");
    window.counts = new Float64Array(length);
    window.first = window.lo = lo;
    window.hi = lo + length - 1;
    for (let i = 0; i < length; i++) {
      const code = reader.unsigned();
      const count = code === 0 ? reader.double() : code - 1;
      if (!(count >= 0 && count < Infinity)) throw reader.fault("has a count that is none");
      window.counts[i] = count;
    }
    return window;
  }

  private makeRoom(index: number): void {
    const span = this.spanWith(index);
    const lo = this.empty ? index : Math.min(this.lo, index);
    const length = Math.min(
      this.max,
      Math.max(span, this.counts.length, span > this.counts.length ? this.counts.length * 2 : FIRST_LENGTH),
    );
    const first = lo - Math.floor((length - span) / 2);
    const counts = new Float64Array(length);
    if (!this.empty) counts.set(this.view(), this.lo - first);
    this.counts = counts;
    this.first = first;
  }
}
