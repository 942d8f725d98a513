import { compareLabels, type LabelSet } from "../labels.ts";
import { pickRows, type Vector } from "../value.ts";
import { argument, type Call, type FunctionSpec } from "./spec.ts";

/** Range queries have an order of their own: there, sorting does nothing. */
async function sorted(call: Call, compare: (vector: Vector) => (a: number, b: number) => number): Promise<Vector> {
  const vector = await call.run.vector(argument(call, 0), call.grid);
  if (vector.steps !== 1) return vector;
  return pickRows(vector, vector.sets.map((_, r) => r).sort(compare(vector)));
}

/** NaN comes last either way. */
function byValue(name: string, sign: 1 | -1): FunctionSpec {
  return {
    name,
    args: ["vector"],
    variadic: 0,
    returns: "vector",
    evaluate: (call) =>
      sorted(call, ({ values }) => (a, b) => {
        const left = values[a];
        const right = values[b];
        if (left !== left) return right !== right ? 0 : 1;
        if (right !== right) return -1;
        return left === right ? 0 : left < right ? -sign : sign;
      }),
  };
}

/** Runs of digits compare as numbers: `cpu2` before `cpu10`. */
export function compareNatural(a: string, b: string): number {
  const left = a.match(/\d+|\D+/g) ?? [];
  const right = b.match(/\d+|\D+/g) ?? [];
  for (let i = 0; i < left.length && i < right.length; i++) {
    const one = left[i];
    const other = right[i];
    if (one === other) continue;
    if (/^\d/.test(one) && /^\d/.test(other)) {
      const difference = Number(one) - Number(other);
      if (difference !== 0) return difference;
    }
    return one < other ? -1 : 1;
  }
  return left.length - right.length;
}

function byLabel(name: string, sign: 1 | -1): FunctionSpec {
  return {
    name,
    args: ["vector", "string"],
    variadic: -1,
    returns: "vector",
    async evaluate(call) {
      const labels: string[] = [];
      for (let i = 1; i < call.node.args.length; i++) labels.push(await call.run.text(argument(call, i), call.grid));
      const compare = (a: LabelSet, b: LabelSet): number => {
        for (const label of labels) {
          const order = compareNatural(a.get(label), b.get(label));
          if (order !== 0) return sign * order;
        }
        return sign * compareLabels(a, b);
      };
      return sorted(
        call,
        ({ sets }) =>
          (a, b) =>
            compare(sets[a], sets[b]),
      );
    },
  };
}

export const sortFunctions: readonly FunctionSpec[] = [
  byValue("sort", 1),
  byValue("sort_desc", -1),
  byLabel("sort_by_label", 1),
  byLabel("sort_by_label_desc", -1),
];
