/** Where a line runs outside what is usual. */

/** Rows `from` to `to`, both inclusive. */
export interface Run {
  readonly from: number;
  readonly to: number;
}

/** Fewer rows in a row than this are noise, not a part worth marking. */
export const MIN_RUN = 3;
/** So many usual rows between two parts outside do not end the part. */
const BRIDGE = 2;

/** A band learnt from a constant is as wide as the rounding of its sums: this much beyond it is still in it. */
const SLACK = 1e-9;

/** True where the row has a value and a band, and the value is not in it. */
export function isOutside(value: number, low: number, high: number): boolean {
  const slack = SLACK * Math.max(1, Math.abs(value));
  return value > high + slack || value < low - slack;
}

/** The parts of at least `minRun` rows that lie outside low..high, in order; a missing value or band ends a part. */
export function outsideRuns(
  value: Float64Array,
  low: Float64Array,
  high: Float64Array,
  start: number,
  end: number,
  minRun = MIN_RUN,
): Run[] {
  const runs: Run[] = [];
  let from = -1;
  let to = -1;
  let outside = 0;
  const close = (): void => {
    if (from >= 0 && outside >= minRun) runs.push({ from, to });
    from = -1;
    outside = 0;
  };
  for (let i = start; i < end; i++) {
    if (Number.isNaN(value[i]) || Number.isNaN(low[i]) || Number.isNaN(high[i])) {
      close();
    } else if (isOutside(value[i], low[i], high[i])) {
      if (from < 0) from = i;
      to = i;
      outside++;
    } else if (from >= 0 && i - to > BRIDGE) close();
  }
  close();
  return runs;
}

/** Whether the newest rows are a part outside: what colours a chart's value. */
export function endsOutside(value: Float64Array, low: Float64Array, high: Float64Array, start: number, end: number): boolean {
  if (end - start < MIN_RUN) return false;
  for (let i = end - MIN_RUN; i < end; i++) if (!isOutside(value[i], low[i], high[i])) return false;
  return true;
}

/** Stretches without a value between the first and the last row that has one, as rows `from` to `to`: the two rows that do have one. */
export function missingRuns(x: Float64Array, value: Float64Array, start: number, end: number, longerThanMs: number): Run[] {
  const runs: Run[] = [];
  let last = -1;
  for (let i = start; i < end; i++) {
    if (Number.isNaN(value[i])) continue;
    if (last >= 0 && x[i] - x[last] > longerThanMs) runs.push({ from: last, to: i });
    last = i;
  }
  return runs;
}
