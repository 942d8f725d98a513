import { type BinaryNode, isComparison } from "./ast.ts";
import { executionError } from "./errors.ts";
import type { Evaluation } from "./evaluate.ts";
import type { LabelSet } from "./labels.ts";
import { arithmetic, comparison } from "./operators.ts";
import { matchKey } from "./sets.ts";
import { compact, joinEqual, type Vector } from "./value.ts";

/** Rows of both sides that share the labels to match on. */
interface Group {
  readonly many: number[];
  readonly one: number[];
}

/** A result row under construction: from a row of each side, or from one side and a fill value. -1 means filled. */
interface Pair {
  readonly many: number;
  readonly one: number;
}

/**
 * Arithmetic and comparison between vectors. "One" is the side that may have a single row a group (the right one unless
 * `group_right`), "many" the other; one-to-one matching allows a single row on both. Throws `query_execution`.
 */
export async function matchVectors(run: Evaluation, node: BinaryNode, left: Vector, right: Vector): Promise<Vector> {
  const { matching } = node;
  const swapped = matching.card === "one-to-many";
  const many = swapped ? right : left;
  const one = swapped ? left : right;
  const fillMany = swapped ? matching.fillRight : matching.fillLeft;
  const fillOne = swapped ? matching.fillLeft : matching.fillRight;
  const key = matchKey(matching);
  const groups = new Map<string, Group>();
  const groupOf = (text: string): Group => {
    let group = groups.get(text);
    if (group === undefined) groups.set(text, (group = { many: [], one: [] }));
    return group;
  };
  many.sets.forEach((set, r) => groupOf(key(set)).many.push(r));
  one.sets.forEach((set, r) => groupOf(key(set)).one.push(r));

  const active = bothSides(many, one, fillMany, fillOne);
  const pairs: Pair[] = [];
  for (const group of groups.values()) {
    requireSingle(node, one, group.one, active, swapped ? "left" : "right");
    if (matching.card === "one-to-one") requireOneToOne(many, one, group, fillOne !== null);
    pairUp(group, fillMany, fillOne, pairs);
  }
  return combine(run, node, many, one, pairs, groups, { swapped, fillMany, fillOne });
}

function has(vector: Vector, row: number, step: number): boolean {
  return vector.present === null || vector.present[row * vector.steps + step] === 1;
}

/** Steps at which anything can match at all: only there do duplicates count. */
function bothSides(many: Vector, one: Vector, fillMany: number | null, fillOne: number | null): Uint8Array {
  const anyOf = (vector: Vector): Uint8Array => {
    const any = new Uint8Array(vector.steps);
    const { present, steps, sets } = vector;
    if (present === null) return sets.length === 0 ? any : any.fill(1);
    for (let k = 0, i = 0; k < present.length; k++) {
      any[i] |= present[k];
      if (++i === steps) i = 0;
    }
    return any;
  };
  const left = anyOf(many);
  const right = anyOf(one);
  for (let i = 0; i < left.length; i++) {
    left[i] = (left[i] === 1 || fillMany !== null) && (right[i] === 1 || fillOne !== null) ? 1 : 0;
  }
  return left;
}

function requireSingle(node: BinaryNode, one: Vector, rows: readonly number[], active: Uint8Array, side: string): void {
  if (rows.length < 2) return;
  const owner = new Int32Array(one.steps).fill(-1);
  for (const r of rows) {
    for (let i = 0; i < one.steps; i++) {
      if (active[i] === 0 || !has(one, r, i)) continue;
      if (owner[i] !== -1) {
        const set = one.sets[r];
        const shared = node.matching.on ? set.keep(node.matching.labels) : set.drop([...node.matching.labels, "__name__"]);
        throw executionError(
          `found duplicate series for the match group ${shared.text()} on the ${side} hand-side of the operation: ` +
            `[${set.text()}, ${one.sets[owner[i]].text()}];many-to-many matching not allowed: matching labels must be unique on one side`,
        );
      }
      owner[i] = r;
    }
  }
}

function requireOneToOne(many: Vector, one: Vector, group: Group, filled: boolean): void {
  if (group.many.length < 2 || (group.one.length === 0 && !filled)) return;
  for (let i = 0; i < many.steps; i++) {
    if (!filled && !group.one.some((r) => has(one, r, i))) continue;
    let found = 0;
    for (const r of group.many) if (has(many, r, i)) found++;
    if (found > 1)
      throw executionError("multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)");
  }
}

function pairUp(group: Group, fillMany: number | null, fillOne: number | null, pairs: Pair[]): void {
  for (const many of group.many) {
    for (const one of group.one) pairs.push({ many, one });
    if (fillOne !== null) pairs.push({ many, one: -1 });
  }
  if (fillMany !== null) for (const one of group.one) pairs.push({ many: -1, one });
}

interface Sides {
  readonly swapped: boolean;
  readonly fillMany: number | null;
  readonly fillOne: number | null;
}

async function combine(
  run: Evaluation,
  node: BinaryNode,
  many: Vector,
  one: Vector,
  pairs: readonly Pair[],
  groups: ReadonlyMap<string, Group>,
  sides: Sides,
): Promise<Vector> {
  const { steps } = many;
  run.budget.reserve(pairs.length * steps);
  const values = new Float64Array(pairs.length * steps);
  const present = new Uint8Array(pairs.length * steps);
  const compares = isComparison(node.op);
  const filters = compares && !node.bool;
  // What a filter rejects still counts when equal result labels are looked for.
  const rejected = filters ? new Uint8Array(pairs.length * steps) : null;
  const test = compares ? comparison(node.op) : null;
  const compute = compares ? null : arithmetic(node.op);
  const partners = partnersOf(many, one, groups, sides);
  for (let p = 0; p < pairs.length; p++) {
    const pair = pairs[p];
    const base = p * steps;
    for (let i = 0; i < steps; i++) {
      let manyValue = sides.fillMany ?? 0;
      let oneValue = sides.fillOne ?? 0;
      if (pair.many >= 0) {
        if (!has(many, pair.many, i)) continue;
        manyValue = many.values[pair.many * steps + i]!;
      } else if (partners!.manyAt(pair.one, i)) continue;
      if (pair.one >= 0) {
        if (!has(one, pair.one, i)) continue;
        oneValue = one.values[pair.one * steps + i]!;
      } else if (partners!.oneAt(pair.many, i)) continue;
      const left = sides.swapped ? oneValue : manyValue;
      const right = sides.swapped ? manyValue : oneValue;
      const k = base + i;
      present[k] = 1;
      if (compute !== null) values[k] = compute(left, right);
      else if (rejected === null) values[k] = test!(left, right) ? 1 : 0;
      else if (test!(left, right)) values[k] = left;
      else rejected[k] = 1;
    }
    if (run.budget.spend(100 + steps * 5)) await run.budget.pause();
  }
  const sets = pairs.map((pair) => resultLabels(run, node, many.sets[pair.many], one.sets[pair.one]));
  return finish(node, { kind: "vector", sets, steps, values, present }, rejected);
}

const MULTIPLE = "multiple matches for labels: grouping labels must ensure unique matches";

function finish(node: BinaryNode, vector: Vector, rejected: Uint8Array | null): Vector {
  const message = node.matching.card === "one-to-one" ? undefined : MULTIPLE;
  if (rejected === null) return compact(joinEqual(vector, message));
  joinEqual(vector, message);
  const present = vector.present!.slice();
  for (let k = 0; k < present.length; k++) if (rejected[k] === 1) present[k] = 0;
  return joinEqual(compact({ ...vector, present }), message);
}

/** With fill modifiers: whether the other side of a row's group has a point. */
function partnersOf(
  many: Vector,
  one: Vector,
  groups: ReadonlyMap<string, Group>,
  sides: Sides,
): { manyAt(row: number, step: number): boolean; oneAt(row: number, step: number): boolean } | null {
  if (sides.fillMany === null && sides.fillOne === null) return null;
  const groupOfMany: Group[] = [];
  const groupOfOne: Group[] = [];
  for (const group of groups.values()) {
    for (const r of group.many) groupOfMany[r] = group;
    for (const r of group.one) groupOfOne[r] = group;
  }
  return {
    manyAt: (row, step) => groupOfOne[row].many.some((r) => has(many, r, step)),
    oneAt: (row, step) => groupOfMany[row].one.some((r) => has(one, r, step)),
  };
}

/** Labels of a result: those of the "many" side, reduced to the matched ones when one-to-one, with the included ones. */
function resultLabels(run: Evaluation, node: BinaryNode, many: LabelSet | undefined, one: LabelSet | undefined): LabelSet {
  const { matching } = node;
  const keepsName = isComparison(node.op) && !node.bool;
  if (many === undefined) {
    const shared = matching.on ? one!.keep(matching.labels) : one!.drop(matching.labels);
    return include(shared.withoutName(), matching.include, one);
  }
  let set = keepsName ? many : run.nameless(many);
  if (matching.card === "one-to-one") {
    set = matching.on ? set.keep(matching.labels) : matching.labels.length === 0 ? set : set.drop(matching.labels);
  }
  return matching.card === "one-to-one" ? set : include(set, matching.include, one);
}

function include(set: LabelSet, labels: readonly string[], from: LabelSet | undefined): LabelSet {
  let result = set;
  for (const label of labels) result = result.with(label, from?.get(label) ?? "");
  return result;
}
