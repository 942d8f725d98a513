import type { SeriesData } from "all-use-agent/sdk";
import type { SelectorNode } from "./ast.ts";
import type { Evaluation } from "./evaluate.ts";
import { type LabelSet, labelSetOf } from "./labels.ts";
import { halves, isStaleAt, withoutStale } from "./stale.ts";
import { compact, type Column, type Grid, type Vector } from "./value.ts";

/** Which of a sample's two numbers becomes the value: `timestamp()` asks for the time, in seconds. */
export type Wanted = "value" | "timestamp";

/**
 * At each step the newest sample of the lookback window, nothing where that is a staleness marker. One pass over each
 * column.
 */
export async function instantVector(
  run: Evaluation,
  node: SelectorNode,
  series: readonly SeriesData[],
  grid: Grid,
  wanted: Wanted = "value",
): Promise<Vector> {
  const { steps } = grid;
  const count = series.length;
  run.budget.reserve(count * steps);
  const offsetMs = run.offsetMs(node);
  const at = run.atMs(node);
  const { lookbackMs } = run.settings;
  if (steps === 1) return newest(run, series, (at ?? grid.startMs) - offsetMs, wanted);
  const sets: LabelSet[] = Array.from({ length: count });
  const values = new Float64Array(count * steps);
  const present = new Uint8Array(count * steps);
  let missing = 0;
  for (let r = 0; r < count; r++) {
    const one = series[r];
    sets[r] = labelSetOf(one);
    missing += steps - fillRow(one, r * steps, values, present, grid, at, offsetMs, lookbackMs, wanted);
    if (run.budget.spend(one.values.length + steps)) await run.budget.pause();
  }
  const vector: Vector = { kind: "vector", sets, steps, values, present: missing === 0 ? null : present };
  return missing === 0 ? vector : compact(vector);
}

/** Returns the number of points written. */
function fillRow(
  series: SeriesData,
  base: number,
  values: Float64Array,
  present: Uint8Array,
  grid: Grid,
  at: number | null,
  offsetMs: number,
  lookbackMs: number,
  wanted: Wanted,
): number {
  const { timestamps, values: samples } = series;
  const length = samples.length;
  let words: Uint32Array | null = null;
  let written = 0;
  let next = 0;
  for (let i = 0; i < grid.steps; i++) {
    const refMs = (at ?? grid.startMs + i * grid.stepMs) - offsetMs;
    while (next < length && timestamps[next] <= refMs) next++;
    const last = next - 1;
    if (last < 0 || timestamps[last] <= refMs - lookbackMs) continue;
    const value = samples[last];
    if (value !== value && isStaleAt((words ??= halves(samples)), last)) continue;
    values[base + i] = wanted === "value" ? value : timestamps[last] / 1000;
    present[base + i] = 1;
    written++;
  }
  return written;
}

async function newest(run: Evaluation, series: readonly SeriesData[], refMs: number, wanted: Wanted): Promise<Vector> {
  const count = series.length;
  const afterMs = refMs - run.settings.lookbackMs;
  const sets: LabelSet[] = [];
  const values = new Float64Array(count);
  for (let r = 0; r < count; r++) {
    const one = series[r];
    const { timestamps, values: samples } = one;
    let last = samples.length - 1;
    while (last >= 0 && timestamps[last] > refMs) last--;
    if (last < 0 || timestamps[last] <= afterMs) continue;
    const value = samples[last];
    if (value !== value && isStaleAt(halves(samples), last)) continue;
    values[sets.length] = wanted === "value" ? value : timestamps[last] / 1000;
    sets.push(labelSetOf(one));
  }
  if (run.budget.spend(count * 50)) await run.budget.pause();
  return { kind: "vector", sets, steps: 1, values: sets.length === count ? values : values.slice(0, sets.length), present: null };
}

/** At each step the value interpolated between the samples around it; the last one goes on where none follows. */
export async function smoothedVector(
  run: Evaluation,
  node: SelectorNode,
  series: readonly SeriesData[],
  grid: Grid,
): Promise<Vector> {
  const { steps } = grid;
  const count = series.length;
  run.budget.reserve(count * steps);
  const offsetMs = run.offsetMs(node);
  const at = run.atMs(node);
  const { lookbackMs } = run.settings;
  const values = new Float64Array(count * steps);
  const present = new Uint8Array(count * steps);
  const sets: LabelSet[] = [];
  for (let r = 0; r < count; r++) {
    const one = series[r];
    sets.push(labelSetOf(one));
    const { timestamps, values: samples } = withoutStale(one);
    let next = 0;
    for (let i = 0; i < steps; i++) {
      const refMs = (at ?? grid.startMs + i * grid.stepMs) - offsetMs;
      while (next < samples.length && timestamps[next] <= refMs) next++;
      const last = next - 1;
      if (last < 0 || timestamps[last] <= refMs - lookbackMs) continue;
      const k = r * steps + i;
      present[k] = 1;
      const before = timestamps[last];
      const value = samples[last];
      const follows = next < samples.length && timestamps[next] <= refMs + lookbackMs;
      values[k] =
        follows && before !== refMs ? value + ((samples[next] - value) * (refMs - before)) / (timestamps[next] - before) : value;
    }
    if (run.budget.spend(one.values.length + steps)) await run.budget.pause();
  }
  return compact({ kind: "vector", sets, steps, values, present });
}

/** A vector's rows as columns of samples, for windows over a subquery. */
export function vectorColumns(vector: Vector, grid: Grid): { sets: readonly LabelSet[]; columns: Column[] } {
  const { steps } = vector;
  const times = new Float64Array(steps);
  for (let i = 0; i < steps; i++) times[i] = grid.startMs + i * grid.stepMs;
  const rows = compact(vector);
  const columns = rows.sets.map((_, r): Column => {
    const from = r * steps;
    if (rows.present === null) return { timestamps: times, values: rows.values.subarray(from, from + steps) };
    const rowTimes = new Float64Array(steps);
    const rowValues = new Float64Array(steps);
    let length = 0;
    for (let i = 0; i < steps; i++) {
      if (rows.present[from + i] === 0) continue;
      rowTimes[length] = times[i]!;
      rowValues[length++] = rows.values[from + i]!;
    }
    return { timestamps: rowTimes.subarray(0, length), values: rowValues.subarray(0, length) };
  });
  return { sets: rows.sets, columns };
}
