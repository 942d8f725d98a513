export interface CounterTotalOptions {
  /** The width of a counter that wraps around: SNMP's and many drivers' are 32 bits. Absent: a fall is always a reset. */
  readonly wraps?: 32 | 64;
}

/**
 * Makes a counter that only rises of absolute readings of one that may begin anew: where the reading fell, or was counted since another
 * time, all of it is an increase, as PromQL's `rate` sees it; a counter of known width that fell from its upper half into its lower one
 * wrapped around. As long as it never began anew the total is the reading.
 */
export class CounterTotal {
  /** NaN before the first reading. */
  total = NaN;
  /** How often it began anew or wrapped around. */
  resets = 0;
  private readonly span: number;
  private readonly bigSpan: bigint;
  private last: number | bigint = NaN;
  private startMs: number | null = null;

  constructor({ wraps }: CounterTotalOptions = {}) {
    this.span = wraps === undefined ? Infinity : 2 ** wraps;
    this.bigSpan = wraps === undefined ? 0n : 1n << BigInt(wraps);
  }

  /**
   * The total after a reading; NaN and negative ones are passed over. Integers beyond 2^53 are exact as bigint. `startMs` is since when
   * the counter counts, where it says so: a later one than before means that it began anew, even if it has risen since.
   */
  read(value: number | bigint, startMs: number | null = null): number {
    if (!(value >= 0) || value === Infinity) return this.total;
    const restarted = startMs !== null && this.startMs !== null && startMs > this.startMs;
    if (startMs !== null) this.startMs = startMs;
    const { last } = this;
    this.last = value;
    if (last !== last) this.total = Number(value);
    else if (restarted || value < last) {
      this.resets++;
      this.total += restarted ? Number(value) : this.afterFall(last, value);
    } else this.total += difference(value, last);
    return this.total;
  }

  private afterFall(last: number | bigint, value: number | bigint): number {
    const half = this.span / 2;
    if (this.span === Infinity || last < half || last >= this.span || value >= half) return Number(value);
    if (typeof value === "bigint" && typeof last === "bigint") return Number(this.bigSpan - last + value);
    return this.span - Number(last) + Number(value);
  }
}

function difference(value: number | bigint, last: number | bigint): number {
  if (typeof value === "bigint" && typeof last === "bigint") return Number(value - last);
  return Number(value) - Number(last);
}
