const FIRST_CAPACITY = 1024;

/** What is known of each series, by its number, in columns that grow together: 33 bytes a series. */
export class Columns {
  /** Of its newest sample; minus infinity where none was seen. */
  times: Float64Array = new Float64Array(FIRST_CAPACITY).fill(-Infinity);
  /** Its newest value, kept only where a check needs it. */
  values = new Float64Array(FIRST_CAPACITY);
  /** From one sample to the next, where it can be relied on; NaN elsewhere. */
  intervals = new Float32Array(FIRST_CAPACITY).fill(NaN);
  /** The interval that is being learnt. */
  candidates = new Float32Array(FIRST_CAPACITY).fill(NaN);
  trust = new Uint8Array(FIRST_CAPACITY);
  /** 0: not looked at yet. */
  checks = new Int16Array(FIRST_CAPACITY);
  sources = new Uint16Array(FIRST_CAPACITY);

  get capacity(): number {
    return this.times.length;
  }

  /** Makes room for a series. Numbers are dense, so doubling is enough. */
  grow(id: number): void {
    const capacity = Math.max(id + 1, this.capacity * 2);
    this.times = larger(this.times, new Float64Array(capacity).fill(-Infinity));
    this.values = larger(this.values, new Float64Array(capacity));
    this.intervals = larger(this.intervals, new Float32Array(capacity).fill(NaN));
    this.candidates = larger(this.candidates, new Float32Array(capacity).fill(NaN));
    this.trust = larger(this.trust, new Uint8Array(capacity));
    this.checks = larger(this.checks, new Int16Array(capacity));
    this.sources = larger(this.sources, new Uint16Array(capacity));
  }
}

function larger<T extends { set(from: T): void }>(from: T, to: T): T {
  to.set(from);
  return to;
}
