import type { At, Duration, Matching, Node, Reach } from "./ast.ts";
import { parseError } from "./errors.ts";

/** What stands in an expression from left to right. */
export type Item =
  | { readonly kind: "atom"; readonly node: Node }
  | { readonly kind: "prefix"; readonly op: "+" | "-"; readonly from: number }
  | { readonly kind: "infix"; readonly op: string; readonly bool: boolean; readonly matching: Matching; readonly from: number }
  | Postfix;

export type Postfix = { readonly kind: "postfix"; readonly from: number; readonly to: number } & (
  | { readonly apply: "offset" | "range"; readonly duration: Duration }
  | { readonly apply: "subquery"; readonly duration: Duration; readonly step: Duration | null }
  | { readonly apply: "at"; readonly at: At }
  | { readonly apply: "anchored" | "smoothed" }
);

const PRECEDENCE: Readonly<Record<string, number>> = {
  or: 1,
  and: 2,
  unless: 2,
  "==": 3,
  "!=": 3,
  "<": 3,
  ">": 3,
  "<=": 3,
  ">=": 3,
  "+": 4,
  "-": 4,
  "*": 5,
  "/": 5,
  "%": 5,
  atan2: 5,
  "^": 6,
};
const UNARY = 6;

/** Binds operands to operators by PromQL's precedence; `^` from the right, the others from the left. Throws `query_parse`. */
export function associate(row: readonly Item[], text: string, maxDepth: number): Node {
  let at = 0;

  const operand = (depth: number): Node => {
    if (depth > maxDepth) throw parseError(text, 0, `the expression nests deeper than ${maxDepth} levels`);
    const item = row[at++];
    if (item?.kind === "prefix") return negate(item, climb(UNARY, depth + 1));
    if (item?.kind !== "atom") throw parseError(text, item?.from ?? text.length, "expected an operand");
    let node = item.node;
    for (let next = row[at]; next?.kind === "postfix"; next = row[++at]) node = modify(node, next, text);
    return node;
  };

  const climb = (minimum: number, depth: number): Node => {
    let left = operand(depth);
    for (let length = 0; ; length++) {
      const item = row[at];
      if (item?.kind !== "infix") return left;
      const precedence = PRECEDENCE[item.op];
      if (precedence === undefined) throw parseError(text, item.from, `unexpected operator ${JSON.stringify(item.op)}`);
      if (precedence < minimum) return left;
      if (length >= maxDepth) throw parseError(text, item.from, `more than ${maxDepth} operators in a row; use parentheses`);
      at++;
      const right = climb(item.op === "^" ? precedence : precedence + 1, depth + 1);
      left = {
        type: "binary",
        from: left.from,
        to: right.to,
        op: item.op,
        left,
        right,
        bool: item.bool,
        matching: item.matching,
      };
    }
  };

  return climb(0, 0);
}

function negate(item: { op: "+" | "-"; from: number }, expr: Node): Node {
  if (expr.type === "number" && expr.duration === null)
    return { ...expr, from: item.from, value: item.op === "-" ? -expr.value : expr.value };
  return { type: "unary", from: item.from, to: expr.to, op: item.op, expr };
}

function modify(node: Node, item: Postfix, text: string): Node {
  const fail = (message: string): never => {
    throw parseError(text, node.from, message);
  };
  switch (item.apply) {
    case "range":
      if (node.type !== "selector") return fail("ranges only allowed for vector selectors");
      if (node.offset !== null) return fail("no offset modifiers allowed before range");
      if (node.at !== null) return fail("no @ modifiers allowed before range");
      return { type: "matrix", from: node.from, to: item.to, selector: { ...node }, range: item.duration };
    case "subquery":
      return {
        type: "subquery",
        from: node.from,
        to: item.to,
        expr: node,
        range: item.duration,
        step: item.step,
        offset: null,
        at: null,
      };
    default:
  }
  const target = node.type === "matrix" ? node.selector : node;
  if (target.type !== "selector" && target.type !== "subquery") {
    const what = item.apply === "at" ? "@" : item.apply;
    return fail(`${what} modifier must be preceded by an instant vector selector or range vector selector or a subquery`);
  }
  if (item.apply === "offset") {
    if (target.offset !== null) return fail("offset may not be set multiple times");
    target.offset = item.duration;
  } else if (item.apply === "at") {
    if (target.at !== null) return fail("@ <timestamp> may not be set multiple times");
    target.at = item.at;
  } else {
    if (target.type === "subquery")
      return fail(`${item.apply} modifier must be preceded by an instant vector selector or range vector selector`);
    if (target.reach !== "plain") return fail(`${target.reach} and ${item.apply} modifiers may not be set together`);
    target.reach = item.apply satisfies Reach;
  }
  node.to = item.to;
  return node;
}
