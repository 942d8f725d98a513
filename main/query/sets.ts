import type { BinaryNode, Matching } from "./ast.ts";
import type { Evaluation } from "./evaluate.ts";
import type { LabelSet } from "./labels.ts";
import { compact, joinEqual, type Vector } from "./value.ts";

/** The part of the labels that two rows must share to match. */
export function matchKey(matching: Matching): (set: LabelSet) => string {
  const { labels } = matching;
  if (matching.on) return (set) => set.valuesOf(labels);
  return (set) => set.signatureWithout(labels);
}

/** For each key, at which steps some row with it has a point. */
function coverage(vector: Vector, key: (set: LabelSet) => string): Map<string, Uint8Array> {
  const { sets, steps, present } = vector;
  const covered = new Map<string, Uint8Array>();
  for (let r = 0; r < sets.length; r++) {
    const text = key(sets[r]);
    let column = covered.get(text);
    if (column === undefined) covered.set(text, (column = new Uint8Array(steps)));
    if (present === null) column.fill(1);
    else for (let i = 0, k = r * steps; i < steps; i++, k++) column[i] |= present[k];
  }
  return covered;
}

/** The vector's points at steps that its key is covered at (or is not). */
function restricted(
  vector: Vector,
  key: (set: LabelSet) => string,
  covered: ReadonlyMap<string, Uint8Array>,
  wanted: 0 | 1,
): Vector {
  const { sets, steps, values } = vector;
  const present = vector.present?.slice() ?? new Uint8Array(values.length).fill(1);
  for (let r = 0; r < sets.length; r++) {
    const column = covered.get(key(sets[r]));
    const from = r * steps;
    if (column === undefined) {
      if (wanted === 1) present.fill(0, from, from + steps);
    } else {
      for (let i = 0; i < steps; i++) if (column[i] !== wanted) present[from + i] = 0;
    }
  }
  return compact({ ...vector, present });
}

/** `and`, `or` and `unless`. */
export async function combineSets(run: Evaluation, node: BinaryNode, left: Vector, right: Vector): Promise<Vector> {
  const key = matchKey(node.matching);
  if (run.budget.spend((left.values.length + right.values.length) * 3)) await run.budget.pause();
  if (node.op === "and") return restricted(left, key, coverage(right, key), 1);
  if (node.op === "unless") return restricted(left, key, coverage(right, key), 0);
  const added = restricted(right, key, coverage(left, key), 0);
  if (added.sets.length === 0) return left;
  if (left.sets.length === 0) return added;
  const size = left.values.length + added.values.length;
  run.budget.reserve(size);
  const values = new Float64Array(size);
  values.set(left.values);
  values.set(added.values, left.values.length);
  const present = new Uint8Array(size).fill(1);
  if (left.present !== null) present.set(left.present);
  if (added.present !== null) present.set(added.present, left.values.length);
  return joinEqual({ kind: "vector", sets: [...left.sets, ...added.sets], steps: left.steps, values, present });
}
