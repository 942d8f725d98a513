import type { Reach, ValueType } from "../ast.ts";
import { unwrap } from "../ast.ts";
import { compact, type Matrix, type Vector } from "../value.ts";
import { argument, type Call, type FunctionSpec } from "./spec.ts";

/**
 * What a range function sees at one step: samples lo..hi (exclusive) of the column, inside (startMs, endMs]. With a
 * reach beyond the window, `lo` may be the newest sample at or before its start and `hi` take in the first one at or
 * after its end. One object, refilled for each step.
 */
export interface Window {
  timestamps: Float64Array;
  values: Float64Array;
  lo: number;
  hi: number;
  startMs: number;
  endMs: number;
  rangeMs: number;
  /** Time of the evaluation step, without offset and `@`. */
  evalMs: number;
  reach: Reach;
  /** The scalar arguments at this step, in order. */
  first: number;
  second: number;
  /** Set by the function when there is no result; what it returns is then ignored. */
  none: boolean;
  /** For counters: ascending indices i with values[i] < values[i - 1]. */
  resets: Int32Array;
}

export type WindowFunction = (window: Window) => number;

export interface RangeOptions {
  readonly args?: readonly ValueType[];
  /** The metric's name stays. */
  readonly keepName?: boolean;
  readonly needsResets?: boolean;
  /** Looks at scalar arguments or names once, for annotations. */
  readonly inspect?: (call: Call, matrix: Matrix, scalars: readonly Float64Array[]) => void;
}

const NO_RESETS = new Int32Array(0);

/** A function over a range vector: one window a step, sliding over each column once. */
export function rangeFunction(name: string, compute: WindowFunction, options: RangeOptions = {}): FunctionSpec {
  const args = options.args ?? ["matrix"];
  const matrixAt = args.indexOf("matrix");
  return {
    name,
    args,
    variadic: 0,
    returns: "vector",
    async evaluate(call) {
      const scalars: Float64Array[] = [];
      for (let i = 0; i < args.length; i++) {
        if (i !== matrixAt) scalars.push(await call.run.scalar(argument(call, i), call.grid));
      }
      const matrix = await call.run.matrix(argument(call, matrixAt), call.grid);
      options.inspect?.(call, matrix, scalars);
      const vector = await slide(call, matrix, reachOf(call, matrixAt), compute, scalars, options.needsResets === true);
      return options.keepName === true ? vector : call.run.dropNames(vector);
    },
  };
}

function reachOf(call: Call, matrixAt: number): Reach {
  const node = unwrap(argument(call, matrixAt));
  return node.type === "matrix" ? node.selector.reach : "plain";
}

/** Runs `compute` over every window of every column. Rows without any result are left out. */
export async function slide(
  call: Call,
  matrix: Matrix,
  reach: Reach,
  compute: WindowFunction,
  scalars: readonly Float64Array[],
  needsResets: boolean,
): Promise<Vector> {
  const { run, grid } = call;
  const { steps } = grid;
  const { columns, rangeMs, offsetMs, atMs } = matrix;
  const { lookbackMs } = run.settings;
  run.budget.reserve(columns.length * steps);
  const values = new Float64Array(columns.length * steps);
  const present = new Uint8Array(columns.length * steps);
  const first = scalars[0];
  const second = scalars[1];
  let missing = 0;
  const window: Window = {
    timestamps: values,
    values,
    lo: 0,
    hi: 0,
    startMs: 0,
    endMs: 0,
    rangeMs,
    evalMs: 0,
    reach,
    first: 0,
    second: 0,
    none: false,
    resets: NO_RESETS,
  };
  for (let r = 0; r < columns.length; r++) {
    const { timestamps, values: samples } = columns[r];
    const length = samples.length;
    window.timestamps = timestamps;
    window.values = samples;
    window.resets = needsResets ? resetsOf(samples) : NO_RESETS;
    const base = r * steps;
    let lo = 0;
    let hi = 0;
    for (let i = 0; i < steps; i++) {
      const evalMs = grid.startMs + i * grid.stepMs;
      const endMs = (atMs ?? evalMs) - offsetMs;
      const startMs = endMs - rangeMs;
      while (hi < length && timestamps[hi] <= endMs) hi++;
      while (lo < hi && timestamps[lo] <= startMs) lo++;
      window.lo = lo;
      window.hi = hi;
      if (reach !== "plain") widen(window, startMs, endMs, lookbackMs);
      if (window.lo === window.hi) {
        missing++;
        continue;
      }
      window.startMs = startMs;
      window.endMs = endMs;
      window.evalMs = evalMs;
      if (first !== undefined) window.first = first[i]!;
      if (second !== undefined) window.second = second[i]!;
      const value = compute(window);
      if (window.none) {
        window.none = false;
        missing++;
      } else {
        values[base + i] = value;
        present[base + i] = 1;
      }
      if (run.budget.spend(20 + (window.hi - window.lo) * 2)) await run.budget.pause();
    }
  }
  const vector: Vector = { kind: "vector", sets: matrix.sets, steps, values, present: missing === 0 ? null : present };
  return missing === 0 ? vector : compact(vector);
}

/** Takes in the sample before the window, and for smoothed ones the sample after it, within the lookback. */
function widen(window: Window, startMs: number, endMs: number, lookbackMs: number): void {
  const { timestamps } = window;
  const before = window.lo - 1;
  if (before >= 0 && timestamps[before] > startMs - lookbackMs) window.lo = before;
  if (window.reach !== "smoothed") return;
  const endsInside = window.hi > 0 && timestamps[window.hi - 1] === endMs;
  if (!endsInside && window.hi < timestamps.length && timestamps[window.hi] <= endMs + lookbackMs) window.hi++;
}

function resetsOf(values: Float64Array): Int32Array {
  let count = 0;
  for (let i = 1; i < values.length; i++) if (values[i] < values[i - 1]) count++;
  if (count === 0) return NO_RESETS;
  const resets = new Int32Array(count);
  count = 0;
  for (let i = 1; i < values.length; i++) if (values[i] < values[i - 1]) resets[count++] = i;
  return resets;
}
