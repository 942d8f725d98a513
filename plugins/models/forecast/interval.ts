import type { Backtest } from "./backtest.ts";

/** Half the width of the interval around a forecast, `horizon` in points. */
export type HalfWidth = (horizon: number, level: number) => number;

/**
 * Interval from the errors that the chosen candidate really made: errors grow with the horizon as a power fitted to
 * them, and the width is the conformal quantile of the errors so normalised (V. Vovk et al., "Algorithmic Learning in a
 * Random World", 2005; here with dependent errors, hence approximate). `resolution` is the least width: what is quantised cannot be
 * known better.
 */
export function halfWidthFrom(test: Backtest, resolution: number): HalfWidth {
  const { horizons } = test;
  const { errors } = test.best;
  const width = horizons.length;
  let n = 0;
  let sx = 0;
  let sy = 0;
  let sxx = 0;
  let sxy = 0;
  for (let k = 0; k < width; k++) {
    let sum = 0;
    let count = 0;
    for (let row = k; row < errors.length; row += width) {
      if (errors[row] !== errors[row]) continue;
      sum += errors[row];
      count++;
    }
    if (count < 2 || sum === 0) continue;
    const x = Math.log(horizons[k]);
    const y = Math.log(sum / count);
    n++;
    sx += x;
    sy += y;
    sxx += x * x;
    sxy += x * y;
  }
  const spread = n * sxx - sx * sx;
  const power = n >= 3 && spread > 0 ? Math.min(1.5, Math.max(0.1, (n * sxy - sx * sy) / spread)) : 0.5;

  const normalised = new Float64Array(errors.length);
  let count = 0;
  for (let row = 0; row < errors.length; row++) {
    if (errors[row] === errors[row]) normalised[count++] = errors[row] / horizons[row % width] ** power;
  }
  const sorted = normalised.subarray(0, count).sort();

  return (horizon, level) => {
    const wanted = Math.ceil((count + 1) * level);
    // Asked for more certainty than that many errors can give: the largest, and a tenth for each missing one.
    const unit = count === 0 ? 0 : wanted <= count ? sorted[wanted - 1] : sorted[count - 1] * (1 + 0.1 * (wanted - count));
    return Math.max(unit * Math.max(horizon, 1e-9) ** power, resolution / 2);
  };
}
