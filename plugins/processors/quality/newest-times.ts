const FIRST_CAPACITY = 1024;

/** The newest time of each series, by its number; minus infinity where none was seen. 8 bytes a series. */
export class NewestTimes {
  times: Float64Array = new Float64Array(FIRST_CAPACITY).fill(-Infinity);

  /** Makes room for a series. Numbers are dense, so doubling is enough. */
  grow(id: number): void {
    const larger = new Float64Array(Math.max(id + 1, this.times.length * 2)).fill(-Infinity);
    larger.set(this.times);
    this.times = larger;
  }
}
