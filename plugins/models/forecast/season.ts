/** The longest lag looked at: two whole seasons must fit. */
const MIN_LAG = 4;
const MIN_CORRELATION = 0.4;

/**
 * The season's length in points: the lag with the highest autocorrelation of the series less its straight line, among
 * local peaks, the shortest of nearly equal ones. 0 when there is none worth using.
 */
export function seasonLength(values: Float64Array, line: { end: number; slope: number }): number {
  const n = values.length;
  const rest = new Float64Array(n);
  let energy = 0;
  for (let i = 0; i < n; i++) {
    const value = values[i] - line.end - line.slope * (i - n + 1);
    rest[i] = value === value ? value : 0;
    energy += rest[i] * rest[i];
  }
  const maxLag = n >> 1;
  if (!(energy > 0) || maxLag <= MIN_LAG) return 0;
  const correlation = new Float64Array(maxLag + 1);
  for (let lag = 1; lag <= maxLag; lag++) {
    let sum = 0;
    for (let i = lag; i < n; i++) sum += rest[i] * rest[i - lag];
    correlation[lag] = (sum / (n - lag)) * (n / energy);
  }
  let best = 0;
  let bestCorrelation = MIN_CORRELATION;
  let dipped = false;
  for (let lag = 2; lag < maxLag; lag++) {
    // A peak counts only after the correlation has once been low, otherwise slow drift would be a season.
    dipped ||= correlation[lag] < 0.2;
    const peak = dipped && lag >= MIN_LAG && correlation[lag] >= correlation[lag - 1] && correlation[lag] >= correlation[lag + 1];
    if (peak && correlation[lag] > bestCorrelation + (best > 0 ? 0.05 : 0)) {
      best = lag;
      bestCorrelation = correlation[lag];
    }
  }
  return best;
}
