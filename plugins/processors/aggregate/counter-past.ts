const CAPACITY_MAX = 512;

/**
 * The newest samples of a series in order of time, as far back as late ones may come: what lies beside a late sample decides what
 * it adds. One sample where nothing comes late.
 */
export class CounterPast {
  times: Float64Array = new Float64Array(4);
  values: Float64Array = new Float64Array(4);
  length = 0;
  /** Older samples were forgotten: nothing is known before the first. */
  trimmed = false;

  /** The position of a new sample, or −1 where it says nothing: its time is there already, or is older than what is known. */
  insert(timestampMs: number, value: number, lateMs: number): number {
    let at = this.length;
    while (at > 0 && this.times[at - 1] > timestampMs) at--;
    if (at > 0 && this.times[at - 1] === timestampMs) return -1;
    if (at === 0 && this.trimmed) return -1;
    if (this.length === this.times.length) at -= this.makeRoom(lateMs);
    if (at < 0) return -1;
    this.times.copyWithin(at + 1, at, this.length);
    this.values.copyWithin(at + 1, at, this.length);
    this.times[at] = timestampMs;
    this.values[at] = value;
    this.length++;
    return at;
  }

  /** The clock was set: what is known counts as of now. */
  restart(nowMs: number): void {
    if (this.length === 0) return;
    this.values[0] = this.values[this.length - 1]!;
    this.times[0] = nowMs - 1;
    this.length = 1;
    this.trimmed = true;
  }

  /** Forgets what no late sample can come beside, or grows. Returns how many went. */
  private makeRoom(lateMs: number): number {
    const oldestMs = this.times[this.length - 1] - lateMs;
    let gone = 0;
    while (gone < this.length - 1 && this.times[gone + 1] <= oldestMs) gone++;
    if (gone === 0 && this.times.length < CAPACITY_MAX) {
      const { times, values } = this;
      this.times = new Float64Array(times.length * 2);
      this.values = new Float64Array(times.length * 2);
      this.times.set(times);
      this.values.set(values);
      return 0;
    }
    gone = Math.max(gone, 1);
    this.times.copyWithin(0, gone, this.length);
    this.values.copyWithin(0, gone, this.length);
    this.length -= gone;
    this.trimmed = true;
    return gone;
  }
}
