const FIRST_CAPACITY = 64;

/** Thins out series: every so-manieth sample, or the first of each interval. 12 bytes a series number below the highest asked for. */
export class Sampler {
  private left = new Uint32Array(FIRST_CAPACITY);
  private slots = new Float64Array(FIRST_CAPACITY).fill(NaN);

  takes(id: number, timestampMs: number, every: number, intervalMs: number): boolean {
    if (id >= this.left.length) this.grow(id);
    if (intervalMs > 0) {
      const slot = Math.floor(timestampMs / intervalMs);
      // A clock that was set back begins anew.
      if (slot === this.slots[id]) return false;
      this.slots[id] = slot;
    }
    if (this.left[id] > 0) {
      this.left[id]--;
      return false;
    }
    this.left[id] = every - 1;
    return true;
  }

  private grow(id: number): void {
    const capacity = Math.max(id + 1, this.left.length * 2);
    const left = new Uint32Array(capacity);
    left.set(this.left);
    const slots = new Float64Array(capacity).fill(NaN);
    slots.set(this.slots);
    this.left = left;
    this.slots = slots;
  }
}
