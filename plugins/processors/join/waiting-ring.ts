/** A minute of seconds is sent at once at most by whom we know; half of that waits. */
const RING = 32;

/** The last samples of one series that may still find their other side. 800 bytes. */
export class WaitingRing {
  private readonly times = new Float64Array(RING).fill(NaN);
  private readonly values = new Float64Array(RING);
  private readonly arrivals = new Float64Array(RING);
  private readonly joined = new Uint8Array(RING);
  private end = 0;
  private oldest = 0;

  /** Returns how many samples left without having been joined: one, when there was no room. */
  add(timestampMs: number, value: number, arrivalMs: number, joined: boolean): number {
    const full = this.end - this.oldest === RING;
    const lost = full ? this.drop() : 0;
    const at = this.end++ % RING;
    this.times[at] = timestampMs;
    this.values[at] = value;
    this.arrivals[at] = arrivalMs;
    this.joined[at] = joined ? 1 : 0;
    return lost;
  }

  /** Returns how many left without having been joined of those that came before `arrivalMs`. */
  expire(arrivalMs: number): number {
    let lost = 0;
    while (this.oldest < this.end && this.arrivals[this.oldest % RING] < arrivalMs) lost += this.drop();
    return lost;
  }

  /** The place of the sample nearest in time within the tolerance, or -1. */
  nearest(timestampMs: number, toleranceMs: number): number {
    let best = -1;
    let bestMs = toleranceMs;
    for (let i = this.oldest; i < this.end; i++) {
      const apartMs = Math.abs(this.times[i % RING] - timestampMs);
      if (apartMs > bestMs) continue;
      bestMs = apartMs;
      best = i % RING;
    }
    return best;
  }

  /** Every sample within the tolerance that was not joined yet is: `found` gets its time and value. Returns how many. */
  join(timestampMs: number, toleranceMs: number, found: (timestampMs: number, value: number) => void): number {
    let count = 0;
    for (let i = this.oldest; i < this.end; i++) {
      const at = i % RING;
      if (this.joined[at] === 1 || Math.abs(this.times[at] - timestampMs) > toleranceMs) continue;
      this.joined[at] = 1;
      count++;
      found(this.times[at], this.values[at]);
    }
    return count;
  }

  /** The value at a place, which is joined by that. */
  take(at: number): number {
    this.joined[at] = 1;
    return this.values[at];
  }

  private drop(): number {
    return this.joined[this.oldest++ % RING] === 1 ? 0 : 1;
  }
}
