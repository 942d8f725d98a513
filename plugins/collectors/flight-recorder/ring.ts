/** More than this between the wall clock's way and the monotonic clock's is a sleep, or a clock that was set. */
const JUMP_MS = 1000;

/**
 * The newest readings in columns made once. A row has a number that only grows; the ring holds those from `first` to `next - 1`.
 * NaN is a value that was not to be had.
 */
export class Ring {
  readonly capacity: number;
  readonly width: number;
  /** Number of the next row. */
  next = 0;
  /** Rows before this one belong to another stretch of time: the machine slept, or the clock was set forward. */
  since = 0;
  private readonly wallMs: Float64Array;
  private readonly elapsedMs: Float64Array;
  private readonly values: Float64Array;

  constructor(capacity: number, width: number) {
    this.capacity = capacity;
    this.width = width;
    this.wallMs = new Float64Array(capacity);
    this.elapsedMs = new Float64Array(capacity);
    this.values = new Float64Array(capacity * width);
  }

  get first(): number {
    return Math.max(0, this.next - this.capacity);
  }

  /** Copies a row in. `wallMs` is Unix ms, `elapsedMs` monotonic. */
  push(wallMs: number, elapsedMs: number, row: Float64Array): void {
    if (this.next > 0) {
      const last = (this.next - 1) % this.capacity;
      const jump = wallMs - this.wallMs[last] - (elapsedMs - this.elapsedMs[last]);
      if (jump > JUMP_MS) this.since = this.next;
      else if (jump < -JUMP_MS) this.forgetFrom(wallMs);
    }
    const slot = this.next % this.capacity;
    this.wallMs[slot] = wallMs;
    this.elapsedMs[slot] = elapsedMs;
    this.values.set(row, slot * this.width);
    this.next++;
  }

  /** When the row was read, Unix ms; NaN where the clock was set back behind it: that time was lived through again. */
  timeOf(row: number): number {
    return this.wallMs[row % this.capacity];
  }

  value(row: number, column: number): number {
    return this.values[(row % this.capacity) * this.width + column];
  }

  /** The first row not read before this monotonic time, within the same stretch of time. */
  rowAt(elapsedMs: number): number {
    let low = Math.max(this.first, this.since);
    let high = this.next;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.elapsedMs[middle % this.capacity] < elapsedMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private forgetFrom(wallMs: number): void {
    for (let row = this.next - 1; row >= this.first; row--) {
      const slot = row % this.capacity;
      if (this.wallMs[slot] < wallMs) return;
      this.wallMs[slot] = NaN;
    }
  }
}
