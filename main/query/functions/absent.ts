import { unwrap, type Node } from "../ast.ts";
import { LabelSet, NO_LABELS } from "../labels.ts";
import { compact, type Grid, type Matrix, type Scalar, type Vector } from "../value.ts";
import { argument, type FunctionSpec } from "./spec.ts";

/** What an absent series would be called: the labels that the selector fixes by `=`, each once. */
function fixedLabels(node: Node): LabelSet {
  const inner = unwrap(node);
  const selector = inner.type === "matrix" ? inner.selector : inner;
  if (selector.type !== "selector") return NO_LABELS;
  const labels: Record<string, string> = {};
  const seen = new Set<string>();
  for (const { label, op, value } of selector.matchers) {
    if (label === "__name__") continue;
    if (op === "=" && !seen.has(label) && value !== "") labels[label] = value;
    else delete labels[label];
    seen.add(label);
  }
  return new LabelSet("", labels);
}

/** 1 where `covered` is not. */
function inverse(set: LabelSet, covered: Uint8Array): Vector {
  const present = new Uint8Array(covered.length);
  for (let i = 0; i < covered.length; i++) present[i] = covered[i] === 1 ? 0 : 1;
  return compact({
    kind: "vector",
    sets: [set],
    steps: covered.length,
    values: new Float64Array(covered.length).fill(1),
    present,
  });
}

function coveredByVector(vector: Vector): Uint8Array {
  const { present, steps, sets } = vector;
  const covered = new Uint8Array(steps);
  if (sets.length > 0 && present === null) return covered.fill(1);
  for (let k = 0, i = 0; k < sets.length * steps; k++) {
    if (present![k] === 1) covered[i] = 1;
    if (++i === steps) i = 0;
  }
  return covered;
}

function coveredByMatrix(matrix: Matrix, grid: Grid): Uint8Array {
  const covered = new Uint8Array(grid.steps);
  for (const { timestamps } of matrix.columns) {
    let next = 0;
    for (let i = 0; i < grid.steps; i++) {
      const endMs = (matrix.atMs ?? grid.startMs + i * grid.stepMs) - matrix.offsetMs;
      while (next < timestamps.length && timestamps[next] <= endMs) next++;
      if (next > 0 && timestamps[next - 1] > endMs - matrix.rangeMs) covered[i] = 1;
    }
  }
  return covered;
}

export const absentFunctions: readonly FunctionSpec[] = [
  {
    name: "absent",
    args: ["vector"],
    variadic: 0,
    returns: "vector",
    async evaluate(call) {
      return inverse(fixedLabels(argument(call, 0)), coveredByVector(await call.run.vector(argument(call, 0), call.grid)));
    },
  },
  {
    name: "absent_over_time",
    args: ["matrix"],
    variadic: 0,
    returns: "vector",
    async evaluate(call) {
      return inverse(
        fixedLabels(argument(call, 0)),
        coveredByMatrix(await call.run.matrix(argument(call, 0), call.grid), call.grid),
      );
    },
  },
  {
    name: "scalar",
    args: ["vector"],
    variadic: 0,
    returns: "scalar",
    /** NaN unless exactly one series has a point. */
    async evaluate(call): Promise<Scalar> {
      const { sets, steps, values, present } = await call.run.vector(argument(call, 0), call.grid);
      const result = new Float64Array(steps);
      const found = new Uint32Array(steps);
      for (let r = 0, k = 0; r < sets.length; r++) {
        for (let i = 0; i < steps; i++, k++) {
          if (present !== null && present[k] === 0) continue;
          result[i] = values[k]!;
          found[i]++;
        }
      }
      for (let i = 0; i < steps; i++) if (found[i] !== 1) result[i] = Number.NaN;
      return { kind: "scalar", values: result };
    },
  },
  {
    name: "vector",
    args: ["scalar"],
    variadic: 0,
    returns: "vector",
    async evaluate(call): Promise<Vector> {
      const values = await call.run.scalar(argument(call, 0), call.grid);
      return { kind: "vector", sets: [NO_LABELS], steps: call.grid.steps, values, present: null };
    },
  },
];
