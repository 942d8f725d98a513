import { type Candidate, LineCache } from "./candidates.ts";

const ORIGINS_MAX = 20;
/** Newer origins count more: the last one four times the first, so that a new behaviour wins soon. */
const NEWEST_WEIGHT = 4;
/** A candidate must beat a simpler one by this share: complexity has to pay. */
const MARGIN = 0.05;

/** Errors of one candidate: `errors[o * horizons.length + k]`, NaN where there was nothing to compare with. */
export interface Trial {
  readonly candidate: Candidate;
  readonly errors: Float64Array;
  readonly loss: number;
}

export interface Backtest {
  readonly horizons: readonly number[];
  readonly best: Trial;
  readonly naive: Trial;
}

/** Origins in the latter part of the series, each with room for at least one horizon. */
function originsFor(points: number): number[] {
  const first = Math.max(12, Math.floor(points * 0.4));
  const newest = points - 1;
  const count = Math.min(ORIGINS_MAX, newest - first + 1);
  const origins: number[] = [];
  for (let i = 0; i < count; i++) origins.push(Math.round(first + ((newest - first) * i) / Math.max(1, count - 1)));
  return origins;
}

function horizonsFor(points: number): number[] {
  const horizons: number[] = [];
  const longest = Math.max(2, points * 0.35);
  for (let h = 1; h <= longest; h = Math.max(h + 1, Math.round(h * 1.6))) horizons.push(h);
  return horizons;
}

/** Lets every candidate forecast from several past moments, knowing only what was known then, and compares. */
export function backtest(values: Float64Array, candidates: readonly Candidate[], signal: AbortSignal): Backtest {
  const origins = originsFor(values.length);
  const horizons = horizonsFor(values.length);
  const width = horizons.length;
  const errors = candidates.map(() => new Float64Array(origins.length * width).fill(NaN));
  for (let o = 0; o < origins.length; o++) {
    signal.throwIfAborted();
    const cache = new LineCache();
    for (let c = 0; c < candidates.length; c++) {
      const predict = candidates[c].at(values, origins[o], cache);
      if (!predict) continue;
      for (let k = 0; k < width; k++) {
        const actual = values[origins[o] - 1 + horizons[k]];
        if (actual === actual) errors[c][o * width + k] = Math.abs(predict(horizons[k]) - actual);
      }
    }
  }
  const naive = errors[0];
  const trials = candidates.map((candidate, c) => ({
    candidate,
    errors: errors[c],
    loss: lossAgainst(errors[c], naive, origins.length, width),
  }));
  let best = trials[0];
  for (const trial of trials) if (trial.loss < best.loss * (1 - MARGIN)) best = trial;
  return { horizons, best, naive: trials[0] };
}

/**
 * Mean absolute error relative to the naive forecast's at each horizon, over the origins where the candidate could
 * answer; infinite when it could answer at fewer than half of the newer ones.
 */
function lossAgainst(errors: Float64Array, naive: Float64Array, origins: number, width: number): number {
  let total = 0;
  let horizons = 0;
  for (let k = 0; k < width; k++) {
    let own = 0;
    let reference = 0;
    let answered = 0;
    let asked = 0;
    for (let o = 0; o < origins; o++) {
      const row = o * width + k;
      if (naive[row] !== naive[row]) continue;
      const weight = 1 + ((NEWEST_WEIGHT - 1) * o) / Math.max(1, origins - 1);
      asked += weight;
      if (errors[row] !== errors[row]) continue;
      answered += weight;
      own += weight * errors[row];
      reference += weight * naive[row];
    }
    if (asked === 0) continue;
    if (answered < asked * 0.5) return Infinity;
    total += reference > 0 ? own / reference : own > 0 ? 10 : 1;
    horizons++;
  }
  return horizons > 0 ? total / horizons : Infinity;
}
