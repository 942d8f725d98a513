/** A straight line: its value at the last index of its window, and its slope an index. */
export interface Line {
  readonly end: number;
  readonly slope: number;
}

const ROUNDS = 4;
/** Residuals beyond this many mean absolute residuals count less: Huber's 1.345 sigma for normal noise. */
const HUBER_WIDTH = 1.7;

/**
 * Robust straight line through values[from..to), NaN left out, by iteratively reweighted least squares with Huber's
 * weights (P. J. Huber, "Robust Estimation of a Location Parameter", 1964). Null with fewer than three values.
 */
export function robustLine(values: Float64Array, from: number, to: number): Line | null {
  const end = to - 1;
  let cut = Infinity;
  let slope = 0;
  let intercept = 0;
  for (let round = 0; round < ROUNDS; round++) {
    let w = 0;
    let sx = 0;
    let sy = 0;
    let sxx = 0;
    let sxy = 0;
    let count = 0;
    // Centred on the first round's first value, so that large levels (bytes) do not cost precision.
    for (let i = from; i < to; i++) {
      const y = values[i];
      if (y !== y) continue;
      const x = i - end;
      const residual = Math.abs(y - intercept - slope * x);
      const weight = round === 0 || residual <= cut ? 1 : cut / residual;
      w += weight;
      sx += weight * x;
      sy += weight * y;
      count++;
    }
    if (count < 3) return null;
    const mx = sx / w;
    const my = sy / w;
    for (let i = from; i < to; i++) {
      const y = values[i];
      if (y !== y) continue;
      const x = i - end;
      const residual = Math.abs(y - intercept - slope * x);
      const weight = round === 0 || residual <= cut ? 1 : cut / residual;
      sxx += weight * (x - mx) * (x - mx);
      sxy += weight * (x - mx) * (y - my);
    }
    slope = sxx > 0 ? sxy / sxx : 0;
    intercept = my - slope * mx;
    let absolute = 0;
    for (let i = from; i < to; i++) {
      const y = values[i];
      if (y === y) absolute += Math.abs(y - intercept - slope * (i - end));
    }
    cut = (HUBER_WIDTH * absolute) / count;
    if (!(cut > 0)) break;
  }
  return { end: intercept, slope };
}
