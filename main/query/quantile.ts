/**
 * The quantile of values in ascending order, NaN first: typed arrays sort NaN last, so it is looked for there and counted
 * as the smallest. Linear between neighbours; -Inf below 0 and +Inf above 1.
 */
export function quantileOf(quantile: number, sorted: Float64Array): number {
  const count = sorted.length;
  if (count === 0 || quantile !== quantile) return Number.NaN;
  if (quantile < 0) return Number.NEGATIVE_INFINITY;
  if (quantile > 1) return Number.POSITIVE_INFINITY;
  let numbers = count;
  while (numbers > 0 && sorted[numbers - 1] !== sorted[numbers - 1]) numbers--;
  const nans = count - numbers;
  const rank = quantile * (count - 1);
  const low = Math.max(0, Math.floor(rank));
  const high = Math.min(count - 1, low + 1);
  const weight = rank - Math.floor(rank);
  const lowValue = low < nans ? Number.NaN : sorted[low - nans];
  const highValue = high < nans ? Number.NaN : sorted[high - nans];
  return lowValue * (1 - weight) + highValue * weight;
}
