import { type BinaryNode, isComparison, isSetOperator } from "./ast.ts";
import type { Evaluation } from "./evaluate.ts";
import { matchVectors } from "./match.ts";
import { arithmetic, comparison } from "./operators.ts";
import { combineSets } from "./sets.ts";
import { compact, type Grid, type Scalar, type Value, type Vector } from "./value.ts";

export async function evaluateBinary(run: Evaluation, node: BinaryNode, left: Value, right: Value, grid: Grid): Promise<Value> {
  if (left.kind === "scalar" && right.kind === "scalar") return scalars(node, left, right);
  if (left.kind === "vector" && right.kind === "vector") {
    return isSetOperator(node.op) ? combineSets(run, node, left, right) : matchVectors(run, node, left, right);
  }
  const result =
    left.kind === "vector"
      ? withScalar(run, node, left, right as Scalar, false)
      : withScalar(run, node, right as Vector, left as Scalar, true);
  if (run.budget.spend(result.sets.length * grid.steps * 3)) await run.budget.pause();
  return result;
}

function scalars(node: BinaryNode, left: Scalar, right: Scalar): Scalar {
  const values = new Float64Array(left.values.length);
  if (isComparison(node.op)) {
    const test = comparison(node.op);
    for (let i = 0; i < values.length; i++) values[i] = test(left.values[i], right.values[i]) ? 1 : 0;
  } else {
    const compute = arithmetic(node.op);
    for (let i = 0; i < values.length; i++) values[i] = compute(left.values[i], right.values[i]);
  }
  return { kind: "scalar", values };
}

/** A comparison without `bool` keeps the vector's points (and names) where it holds. */
function withScalar(run: Evaluation, node: BinaryNode, vector: Vector, scalar: Scalar, scalarFirst: boolean): Vector {
  const { values, steps, sets } = vector;
  const other = scalar.values;
  const size = values.length;
  if (!isComparison(node.op)) {
    const compute = arithmetic(node.op);
    const result = new Float64Array(size);
    for (let r = 0, k = 0; r < sets.length; r++) {
      for (let i = 0; i < steps; i++, k++) result[k] = scalarFirst ? compute(other[i], values[k]) : compute(values[k], other[i]);
    }
    return run.dropNames({ ...vector, values: result });
  }
  const test = comparison(node.op);
  const holds = new Uint8Array(size);
  for (let r = 0, k = 0; r < sets.length; r++) {
    for (let i = 0; i < steps; i++, k++) {
      holds[k] = (scalarFirst ? test(other[i], values[k]) : test(values[k], other[i])) ? 1 : 0;
    }
  }
  if (node.bool) return run.dropNames({ ...vector, values: Float64Array.from(holds) });
  const { present } = vector;
  if (present !== null) for (let k = 0; k < size; k++) holds[k] &= present[k];
  return compact({ ...vector, present: holds });
}
