const DAY_MS = 86_400_000;
const SLOTS = 48;
const SLOT_MS = DAY_MS / SLOTS;
/** A day's slot moves the memory of the slot by at least this much: a changed habit is learnt in about a week. */
const LEAST_RATE = 0.15;
/** Least spread of a slot, in spreads of the whole: a slot that was still once is not expected to be forever. */
const LEAST_SPREAD = 0.25;

/** This share of the difference between two neighbouring slots is added to the spread between them. */
const AT_A_CHANGE = 0.35;
const SEASON_NUMBERS = 3 * SLOTS + 2;

/**
 * What is usual at this time of day: mean and spread of each half hour, UTC, learnt from whole days. A slot speaks once it
 * has been seen on an earlier day.
 */
export class DaySeason {
  private readonly mean = new Float32Array(SLOTS);
  private readonly spread = new Float32Array(SLOTS);
  private readonly days = new Float32Array(SLOTS);
  private slot = -1;
  private day = -1;
  private n = 0;
  private sum = 0;
  private sumAbs = 0;
  /** Mean absolute distance from the table, and from the overall level, over what both could say. */
  private errorWith = 0;
  private errorWithout = 0;

  /** Learns a value; `level` and `spread` are those of the whole series. */
  learn(timeMs: number, value: number, level: number, spread: number): void {
    const slot = Math.floor((timeMs % DAY_MS) / SLOT_MS);
    const day = Math.floor(timeMs / DAY_MS);
    if (slot !== this.slot || day !== this.day) {
      this.close();
      this.slot = slot;
      this.day = day;
      this.n = this.sum = this.sumAbs = 0;
    }
    // An incident is not a habit: what is far out moves the slot no more than what is at the rim.
    const limit = 8 * spread;
    const clipped = limit > 0 ? Math.min(Math.max(value, level - limit), level + limit) : value;
    this.n++;
    this.sum += clipped;
    this.sumAbs += Math.abs(clipped - this.sum / this.n);
  }

  /** Whether the time of day tells clearly more than the level alone. */
  get explains(): boolean {
    return this.errorWithout > 0 && this.errorWith < 0.7 * this.errorWithout;
  }

  /** Mean and spread expected at a time, between the slots' middles; null while the slots around have no earlier day. */
  at(timeMs: number): { mean: number; spread: number } | null {
    const position = (timeMs % DAY_MS) / SLOT_MS - 0.5;
    const left = (Math.floor(position) + SLOTS) % SLOTS;
    const right = (left + 1) % SLOTS;
    if (this.days[left] < 1 || this.days[right] < 1) return null;
    const share = position - Math.floor(position);
    const floor = LEAST_SPREAD * this.overallSpread();
    // Where one half hour goes over into an unlike one, the moment of the change is not known.
    const change = AT_A_CHANGE * Math.abs(this.mean[right] - this.mean[left]);
    return {
      mean: this.mean[left] * (1 - share) + this.mean[right] * share,
      spread: Math.max(floor, this.spread[left] * (1 - share) + this.spread[right] * share) + change,
    };
  }

  /** All but the half hour under way, as plain numbers. */
  save(): number[] {
    return [...this.mean, ...this.spread, ...this.days, this.errorWith, this.errorWithout];
  }

  load(from: readonly number[]): void {
    if (from.length !== SEASON_NUMBERS) return;
    this.mean.set(from.slice(0, SLOTS));
    this.spread.set(from.slice(SLOTS, 2 * SLOTS));
    this.days.set(from.slice(2 * SLOTS, 3 * SLOTS));
    [this.errorWith, this.errorWithout] = from.slice(3 * SLOTS);
  }

  private close(): void {
    if (this.slot < 0 || this.n < 60) return;
    const mean = this.sum / this.n;
    const spread = this.sumAbs / this.n;
    if (this.days[this.slot] >= 1) {
      const overall = this.overallMean();
      this.errorWith += 0.02 * (Math.abs(mean - this.mean[this.slot]) - this.errorWith);
      this.errorWithout += 0.02 * (Math.abs(mean - overall) - this.errorWithout);
    }
    const rate = Math.max(LEAST_RATE, 1 / (this.days[this.slot] + 1));
    this.mean[this.slot] += rate * (mean - this.mean[this.slot]);
    this.spread[this.slot] += rate * (spread - this.spread[this.slot]);
    this.days[this.slot]++;
  }

  private overallMean(): number {
    let sum = 0;
    for (let i = 0; i < SLOTS; i++) sum += this.mean[i];
    return sum / SLOTS;
  }

  private overallSpread(): number {
    let sum = 0;
    for (let i = 0; i < SLOTS; i++) sum += this.spread[i];
    return sum / SLOTS;
  }
}
