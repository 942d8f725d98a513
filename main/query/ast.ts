import type { Matcher } from "all-use-agent/sdk";

export type ValueType = "scalar" | "vector" | "matrix" | "string";

/** A duration as written: a constant, or arithmetic that may use the step or the range of the query. Milliseconds. */
export type Duration =
  | { readonly op: "literal"; readonly ms: number; readonly text: string }
  | { readonly op: "step" | "range" }
  | { readonly op: "paren" | "neg" | "pos"; readonly of: Duration }
  | { readonly op: "+" | "-" | "*" | "/" | "%" | "^" | "min_of" | "max_of"; readonly left: Duration; readonly right: Duration };

/** The `@` modifier: a fixed time in Unix ms, or the query's own start or end. */
export type At = { readonly at: "time"; readonly ms: number } | { readonly at: "start" | "end" };

/** Offsets in the text of the expression, `to` exclusive. */
interface Span {
  readonly from: number;
  to: number;
}

export interface NumberNode extends Span {
  readonly type: "number";
  readonly value: number;
  /** As written, when it was a duration. */
  readonly duration: string | null;
}

export interface StringNode extends Span {
  readonly type: "string";
  readonly value: string;
}

/** How a selector sees samples next to its window: not at all, the one before it, or interpolated at both ends. */
export type Reach = "plain" | "anchored" | "smoothed";

export interface SelectorNode extends Span {
  readonly type: "selector";
  /** The metric name when it is written before or alone inside the braces. */
  readonly name: string | null;
  /** All matchers, that of the name included. */
  readonly matchers: readonly Matcher[];
  offset: Duration | null;
  at: At | null;
  reach: Reach;
}

export interface MatrixNode extends Span {
  readonly type: "matrix";
  readonly selector: SelectorNode;
  readonly range: Duration;
}

export interface SubqueryNode extends Span {
  readonly type: "subquery";
  readonly expr: Node;
  readonly range: Duration;
  readonly step: Duration | null;
  offset: Duration | null;
  at: At | null;
}

export interface AggregateNode extends Span {
  readonly type: "aggregate";
  readonly op: string;
  readonly expr: Node;
  readonly param: Node | null;
  readonly without: boolean;
  readonly grouping: readonly string[];
  /** The expression had a `by` or `without` clause, empty or not. */
  readonly grouped: boolean;
}

export interface Matching {
  readonly card: "one-to-one" | "many-to-one" | "one-to-many";
  /** True: only `labels` count. False: all but `labels` (and the name). */
  readonly on: boolean;
  readonly labels: readonly string[];
  readonly include: readonly string[];
  /** A modifier was written. */
  readonly explicit: boolean;
  readonly fillLeft: number | null;
  readonly fillRight: number | null;
}

export interface BinaryNode extends Span {
  readonly type: "binary";
  readonly op: string;
  readonly left: Node;
  readonly right: Node;
  readonly bool: boolean;
  readonly matching: Matching;
}

export interface CallNode extends Span {
  readonly type: "call";
  readonly name: string;
  readonly args: readonly Node[];
}

export interface ParenNode extends Span {
  readonly type: "paren";
  readonly expr: Node;
}

export interface UnaryNode extends Span {
  readonly type: "unary";
  readonly op: "+" | "-";
  readonly expr: Node;
}

export type Node =
  | NumberNode
  | StringNode
  | SelectorNode
  | MatrixNode
  | SubqueryNode
  | AggregateNode
  | BinaryNode
  | CallNode
  | ParenNode
  | UnaryNode;

/** The expression inside any number of parentheses. */
export function unwrap(node: Node): Node {
  let inner = node;
  while (inner.type === "paren") inner = inner.expr;
  return inner;
}

/** Direct sub-expressions, in order. */
export function children(node: Node): readonly Node[] {
  switch (node.type) {
    case "matrix":
      return [node.selector];
    case "subquery":
    case "paren":
    case "unary":
      return [node.expr];
    case "aggregate":
      return node.param === null ? [node.expr] : [node.param, node.expr];
    case "binary":
      return [node.left, node.right];
    case "call":
      return node.args;
    default:
      return [];
  }
}

const SET_OPERATORS = new Set(["and", "or", "unless"]);
const COMPARISONS = new Set(["==", "!=", ">", "<", ">=", "<="]);

export function isSetOperator(op: string): boolean {
  return SET_OPERATORS.has(op);
}

export function isComparison(op: string): boolean {
  return COMPARISONS.has(op);
}
