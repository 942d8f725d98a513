import type { AggregateNode } from "./ast.ts";
import { type LabelSet, NO_LABELS } from "./labels.ts";

/** Which group each row belongs to, and what the groups are called. */
export interface Groups {
  readonly of: Int32Array;
  readonly sets: LabelSet[];
}

export function groupRows(node: AggregateNode, sets: readonly LabelSet[]): Groups {
  const of = new Int32Array(sets.length);
  if (!node.without && node.grouping.length === 0) return { of, sets: sets.length === 0 ? [] : [NO_LABELS] };
  const groups = new Map<string, number>();
  const names: LabelSet[] = [];
  const dropped = node.without ? [...node.grouping, "__name__"] : [];
  for (let r = 0; r < sets.length; r++) {
    const set = sets[r];
    const key = node.without ? set.signatureWithout(node.grouping) : set.valuesOf(node.grouping);
    let group = groups.get(key);
    if (group === undefined) {
      group = names.length;
      groups.set(key, group);
      names.push(node.without ? set.drop(dropped) : set.keep(node.grouping));
    } else if (set.leaving) {
      // A group's name goes as soon as one of its rows' names is to go.
      names[group] = names[group].withLeavingName();
    }
    of[r] = group;
  }
  return { of, sets: names };
}
