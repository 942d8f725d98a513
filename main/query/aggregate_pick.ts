/** Aggregations that look at a group's values together: ranks, quantiles, equal values, samples of series. */
import type { AggregateNode } from "./ast.ts";
import { executionError } from "./errors.ts";
import type { Evaluation } from "./evaluate.ts";
import { warnQuantile } from "./functions/over_time.ts";
import type { LabelSet } from "./labels.ts";
import { groupRows, type Groups } from "./groups.ts";
import { formatFloat } from "./number.ts";
import { quantileOf } from "./quantile.ts";
import { compact, joinEqual, pickRows, type Vector } from "./value.ts";

function rowsOfGroups(groups: Groups): number[][] {
  const rows: number[][] = groups.sets.map(() => []);
  for (let r = 0; r < groups.of.length; r++) rows[groups.of[r]].push(r);
  return rows;
}

/** Whole numbers of rows to pick at each step; throws for NaN, as Prometheus does even without any input. */
function counts(param: Float64Array): Float64Array {
  return param.map((value) => {
    if (value !== value) throw executionError("Parameter value is NaN");
    if (value >= 2 ** 63 || value <= -(2 ** 63)) throw executionError(`Scalar value ${formatFloat(value)} overflows int64`);
    return Math.trunc(value);
  });
}

/** Marks what `choose` names among the rows of each group that have a point, step by step. */
async function picked(
  run: Evaluation,
  node: AggregateNode,
  vector: Vector,
  choose: (rows: number[], step: number) => readonly number[],
): Promise<{ vector: Vector; order: number[] }> {
  const { steps, present, sets } = vector;
  const groups = rowsOfGroups(groupRows(node, sets));
  const kept = new Uint8Array(sets.length * steps);
  const order: number[] = [];
  for (const rows of groups) {
    for (let i = 0; i < steps; i++) {
      const there = present === null ? [...rows] : rows.filter((r) => present[r * steps + i] === 1);
      const chosen = choose(there, i);
      for (const r of chosen) kept[r * steps + i] = 1;
      if (steps === 1) order.push(...chosen);
      if (run.budget.spend(100 + there.length * 60)) await run.budget.pause();
    }
  }
  return { vector: { ...vector, present: kept }, order };
}

/** `topk` and `bottomk`. At one instant the best comes first; NaN ranks behind every number. */
export async function pickRanked(run: Evaluation, node: AggregateNode, param: Float64Array, vector: Vector): Promise<Vector> {
  const wanted = counts(param);
  const sign = node.op === "topk" ? -1 : 1;
  const { values, steps } = vector;
  const choose = (rows: number[], step: number): number[] => {
    const k = wanted[step];
    if (k < 1) return [];
    const value = (r: number): number => values[r * steps + step];
    rows.sort((a, b) => {
      const left = value(a);
      const right = value(b);
      if (left !== left) return right !== right ? a - b : 1;
      if (right !== right) return -1;
      return left === right ? a - b : left < right ? -sign : sign;
    });
    return rows.slice(0, k);
  };
  const { vector: marked, order } = await picked(run, node, vector, choose);
  return steps === 1 ? pickRows({ ...marked, present: null }, order) : compact(marked);
}

/** `limitk`: the first k of each group. */
export async function pickFirst(run: Evaluation, node: AggregateNode, param: Float64Array, vector: Vector): Promise<Vector> {
  const wanted = counts(param);
  const { vector: marked } = await picked(run, node, vector, (rows, step) => rows.slice(0, Math.max(0, wanted[step])));
  return compact(marked);
}

/** A place in 0..1 that depends on the labels only (FNV-1a, mixed). */
function placeOf(set: LabelSet): number {
  const key = set.key();
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

/** `limit_ratio`: the same share of series each time; r and r - 1 divide them without overlap. */
export async function limitRatio(run: Evaluation, node: AggregateNode, param: Float64Array, vector: Vector): Promise<Vector> {
  const ratios = param.map((value) => {
    if (value !== value) throw executionError("Ratio value is NaN");
    if (value < -1 || value > 1)
      run.notes.warn(
        `ratio value should be between -1 and 1, got ${formatFloat(value)}, capping to ${Math.sign(value)}`,
        node.param!.from,
      );
    return Math.max(-1, Math.min(1, value));
  });
  const places = vector.sets.map(placeOf);
  const { vector: marked } = await picked(run, node, vector, (rows, step) => {
    const ratio = ratios[step];
    return rows.filter((r) => (ratio >= 0 ? places[r] < ratio : places[r] >= 1 + ratio));
  });
  return compact(marked);
}

export async function quantileGroups(run: Evaluation, node: AggregateNode, param: Float64Array, vector: Vector): Promise<Vector> {
  const { values, steps, present, sets } = vector;
  if (sets.length > 0) warnQuantile(run.notes, param, node.param!.from);
  const groups = groupRows(node, sets);
  const rowsOf = rowsOfGroups(groups);
  const result = new Float64Array(groups.sets.length * steps);
  const written = new Uint8Array(result.length);
  for (let g = 0; g < rowsOf.length; g++) {
    const rows = rowsOf[g];
    const scratch = new Float64Array(rows.length);
    for (let i = 0; i < steps; i++) {
      let count = 0;
      for (const r of rows) if (present === null || present[r * steps + i] === 1) scratch[count++] = values[r * steps + i]!;
      if (count === 0) continue;
      result[g * steps + i] = quantileOf(param[i], scratch.subarray(0, count).sort());
      written[g * steps + i] = 1;
      if (run.budget.spend(100 + count * 40)) await run.budget.pause();
    }
  }
  return compact({ kind: "vector", sets: groups.sets, steps, values: result, present: written });
}

/** One row for each value that occurs in a group, the value as a label. */
export async function countValues(run: Evaluation, node: AggregateNode, label: string, vector: Vector): Promise<Vector> {
  if (label === "" || label.includes("\ufffd")) throw executionError(`invalid label name ${JSON.stringify(label)}`);
  const { values, steps, present, sets } = vector;
  const rest = { ...node, grouping: node.without ? [...node.grouping, label] : node.grouping.filter((name) => name !== label) };
  const groups = groupRows(rest, sets);
  const rows = new Map<string, { set: LabelSet; counts: Float64Array }>();
  for (let r = 0; r < sets.length; r++) {
    const group = groups.of[r];
    for (let i = 0; i < steps; i++) {
      const k = r * steps + i;
      if (present !== null && present[k] === 0) continue;
      const text = formatFloat(values[k]);
      const key = `${group} ${text}`;
      let row = rows.get(key);
      if (row === undefined) {
        run.budget.reserve((rows.size + 1) * steps);
        rows.set(key, (row = { set: groups.sets[group].with(label, text), counts: new Float64Array(steps) }));
      }
      row.counts[i]++;
      if (run.budget.spend(200)) await run.budget.pause();
    }
  }
  const found = [...rows.values()];
  const result = new Float64Array(found.length * steps);
  found.forEach(({ counts: column }, r) => result.set(column, r * steps));
  const there = Uint8Array.from(result, (count) => (count > 0 ? 1 : 0));
  return joinEqual({ kind: "vector", sets: found.map(({ set }) => set), steps, values: result, present: there });
}
