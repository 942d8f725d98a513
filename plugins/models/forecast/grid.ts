import type { ForecastDataset } from "all-use-agent/sdk";

/** A series on a regular grid that ends at its newest sample. A cell without a sample is NaN: a gap stays a gap. */
export interface Grid {
  readonly stepMs: number;
  readonly lastMs: number;
  readonly lastValue: number;
  readonly values: Float64Array;
  /** Finite samples that went in. */
  readonly samples: number;
  readonly firstMs: number;
  /** The smallest change ever seen between neighbouring samples, as the quantity's resolution; 0 when constant. */
  readonly resolution: number;
  readonly nonNegative: boolean;
}

/** The middle one of the distances between neighbours; gaps and bursts of samples do not move it. */
function medianDistance(times: Float64Array): number {
  const distances = new Float64Array(times.length - 1);
  for (let i = 1; i < times.length; i++) distances[i - 1] = times[i] - times[i - 1];
  distances.sort();
  return distances[distances.length >> 1];
}

/**
 * Averages samples into cells of the typical distance, or of a larger one where there would be more than `maxPoints`.
 * Samples that are not finite or not after the one before are left out. Null with fewer than two samples.
 */
export function toGrid(data: ForecastDataset, maxPoints: number): Grid | null {
  const times = new Float64Array(data.timestamps.length);
  const values = new Float64Array(data.timestamps.length);
  let count = 0;
  let nonNegative = true;
  let resolution = 0;
  for (let i = 0; i < data.timestamps.length; i++) {
    const time = data.timestamps[i];
    const value = data.values[i];
    if (!Number.isFinite(value) || !Number.isFinite(time) || (count > 0 && time <= times[count - 1])) continue;
    if (count > 0) {
      const change = Math.abs(value - values[count - 1]);
      if (change > 0 && (resolution === 0 || change < resolution)) resolution = change;
    }
    times[count] = time;
    values[count] = value;
    nonNegative &&= value >= 0;
    count++;
  }
  if (count < 2) return null;
  const spanMs = times[count - 1] - times[0];
  const stepMs = Math.max(medianDistance(times.subarray(0, count)), spanMs / (maxPoints - 1));
  const cells = Math.min(maxPoints, Math.floor(spanMs / stepMs + 0.5) + 1);
  const sums = new Float64Array(cells);
  const counts = new Uint32Array(cells);
  for (let i = 0; i < count; i++) {
    const cell = cells - 1 - Math.round((times[count - 1] - times[i]) / stepMs);
    if (cell < 0) continue;
    sums[cell] += values[i];
    counts[cell]++;
  }
  for (let i = 0; i < cells; i++) sums[i] = counts[i] > 0 ? sums[i] / counts[i] : NaN;
  return {
    stepMs,
    lastMs: times[count - 1],
    lastValue: values[count - 1],
    values: sums,
    samples: count,
    firstMs: times[0],
    resolution,
    nonNegative,
  };
}
