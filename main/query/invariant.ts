import { children, type Node } from "./ast.ts";

/** Their result changes with the time of evaluation even when their arguments do not. */
const TIME_DEPENDENT = new Set([
  "time",
  "timestamp",
  "days_in_month",
  "day_of_month",
  "day_of_week",
  "day_of_year",
  "hour",
  "minute",
  "month",
  "year",
  "predict_linear",
]);

const known = new WeakMap<Node, boolean>();

/** Whether the expression has the same value at every step, so that one evaluation is enough. */
export function isStepInvariant(node: Node): boolean {
  let invariant = known.get(node);
  if (invariant === undefined) {
    invariant = decide(node);
    known.set(node, invariant);
  }
  return invariant;
}

function decide(node: Node): boolean {
  switch (node.type) {
    case "selector":
    case "subquery":
      return node.at !== null;
    case "call":
      return !TIME_DEPENDENT.has(node.name) && node.args.every(isStepInvariant);
    default:
      return children(node).every(isStepInvariant);
  }
}
