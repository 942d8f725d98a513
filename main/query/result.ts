import type { Labels } from "all-use-agent/sdk";
import { orderOf } from "./labels.ts";
import type { Grid, Matrix, Value, Vector } from "./value.ts";

export interface ResultSeries {
  /** The metric's name as `__name__` where it was kept. */
  readonly labels: Labels;
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
}

export interface ResultRow {
  readonly labels: Labels;
  readonly timestampMs: number;
  readonly value: number;
}

export type QueryResult = { readonly warnings: string[]; readonly infos: string[] } & (
  | { readonly type: "matrix"; readonly series: ResultSeries[] }
  | { readonly type: "vector"; readonly rows: ResultRow[] }
  | { readonly type: "scalar"; readonly timestampMs: number; readonly value: number }
  | { readonly type: "string"; readonly timestampMs: number; readonly value: string }
);

type Data<T = QueryResult> = T extends unknown ? Omit<T, "warnings" | "infos"> : never;

export function instantResult(value: Value, grid: Grid): Data {
  const timestampMs = grid.startMs;
  switch (value.kind) {
    case "scalar":
      return { type: "scalar", timestampMs, value: value.values[0] };
    case "string":
      return { type: "string", timestampMs, value: value.text };
    case "matrix":
      return { type: "matrix", series: rawSeries(value, timestampMs) };
    default: {
      const { sets, values, present } = value;
      const rows: ResultRow[] = [];
      for (let r = 0; r < sets.length; r++) {
        if (present === null || present[r] === 1) rows.push({ labels: sets[r].labels(), timestampMs, value: values[r] });
      }
      return { type: "vector", rows };
    }
  }
}

/** The samples inside the window, as they are stored. */
function rawSeries(matrix: Matrix, timeMs: number): ResultSeries[] {
  const endMs = (matrix.atMs ?? timeMs) - matrix.offsetMs;
  const startMs = endMs - matrix.rangeMs;
  const series: ResultSeries[] = [];
  matrix.columns.forEach(({ timestamps, values }, r) => {
    let lo = 0;
    let hi = timestamps.length;
    while (lo < hi && timestamps[lo] <= startMs) lo++;
    while (hi > lo && timestamps[hi - 1] > endMs) hi--;
    if (hi > lo)
      series.push({ labels: matrix.sets[r].labels(), timestamps: timestamps.slice(lo, hi), values: values.slice(lo, hi) });
  });
  return series;
}

export function rangeResult(value: Value, grid: Grid): Data {
  const times = new Float64Array(grid.steps);
  for (let i = 0; i < times.length; i++) times[i] = grid.startMs + i * grid.stepMs;
  if (value.kind === "scalar") return { type: "matrix", series: [{ labels: {}, timestamps: times, values: value.values }] };
  return { type: "matrix", series: rangeSeries(value as Vector, times) };
}

function rangeSeries(vector: Vector, times: Float64Array): ResultSeries[] {
  const { sets, steps, values, present } = vector;
  const series: ResultSeries[] = [];
  for (const r of orderOf(sets)) {
    const from = r * steps;
    const labels = sets[r].labels();
    if (present === null) {
      series.push({ labels, timestamps: times, values: values.subarray(from, from + steps) });
      continue;
    }
    let count = 0;
    for (let i = 0; i < steps; i++) count += present[from + i];
    if (count === 0) continue;
    const rowTimes = new Float64Array(count);
    const rowValues = new Float64Array(count);
    for (let i = 0, k = 0; i < steps; i++) {
      if (present[from + i] === 0) continue;
      rowTimes[k] = times[i]!;
      rowValues[k++] = values[from + i]!;
    }
    series.push({ labels, timestamps: rowTimes, values: rowValues });
  }
  return series;
}
