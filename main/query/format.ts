import type { AggregateNode, At, BinaryNode, Duration, Node, SelectorNode, SubqueryNode } from "./ast.ts";
import { isComparison } from "./ast.ts";
import { formatDuration } from "./duration.ts";
import { formatFloat } from "./number.ts";

/** Lines longer than this are broken. */
const MAX_LINE = 100;
const INDENT = "  ";

/** Prometheus' canonical form: one line where it fits, else one operand or argument a line, indented by two spaces. */
export function format(node: Node): string {
  return pretty(node, 0);
}

function pretty(node: Node, level: number): string {
  const pad = INDENT.repeat(level);
  const line = print(node);
  if (pad.length + line.length <= MAX_LINE) return pad + line;
  const inner = (child: Node): string => pretty(child, level + 1);
  switch (node.type) {
    case "aggregate": {
      const args = node.param === null ? [node.expr] : [node.param, node.expr];
      return `${pad}${aggregateHead(node)}(\n${args.map(inner).join(",\n")}\n${pad})`;
    }
    case "binary":
      return `${inner(node.left)}\n${pad}${operator(node)}\n${inner(node.right)}`;
    case "call":
      return `${pad}${node.name}(\n${node.args.map(inner).join(",\n")}\n${pad})`;
    case "paren":
      return `${pad}(\n${inner(node.expr)}\n${pad})`;
    case "unary":
      return `${pad}${node.op}${pretty(node.expr, level).slice(pad.length)}`;
    case "subquery":
      return `${pretty(node.expr, level)}${subqueryTail(node)}`;
    default:
      return pad + line;
  }
}

/** On one line. */
export function print(node: Node): string {
  switch (node.type) {
    case "number":
      return node.duration ?? formatFloat(node.value);
    case "string":
      return JSON.stringify(node.value);
    case "selector":
      return selector(node) + modifiers(node);
    case "matrix":
      return `${selector(node.selector)}[${duration(node.range)}]${modifiers(node.selector)}`;
    case "subquery":
      return print(node.expr) + subqueryTail(node);
    case "aggregate":
      return `${aggregateHead(node)}(${node.param === null ? "" : `${print(node.param)}, `}${print(node.expr)})`;
    case "binary":
      return `${print(node.left)} ${operator(node)} ${print(node.right)}`;
    case "call":
      return `${node.name}(${node.args.map(print).join(", ")})`;
    case "paren":
      return `(${print(node.expr)})`;
    default:
      return `${node.op}${print(node.expr)}`;
  }
}

function labelName(name: string): string {
  return /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) ? name : JSON.stringify(name);
}

function labelNames(names: readonly string[]): string {
  return `(${names.map(labelName).join(", ")})`;
}

function aggregateHead(node: AggregateNode): string {
  if (node.without) return `${node.op} without ${labelNames(node.grouping)} `;
  return node.grouping.length > 0 ? `${node.op} by ${labelNames(node.grouping)} ` : node.op;
}

function operator(node: BinaryNode): string {
  const { matching } = node;
  let text = node.op;
  if (node.bool && isComparison(node.op)) text += " bool";
  if (matching.explicit && (matching.on || matching.labels.length > 0)) {
    text += ` ${matching.on ? "on" : "ignoring"} ${labelNames(matching.labels)}`;
  }
  if (matching.card !== "one-to-one") {
    text += ` ${matching.card === "many-to-one" ? "group_left" : "group_right"} ${labelNames(matching.include)}`;
  }
  if (matching.fillLeft !== null && matching.fillLeft === matching.fillRight)
    return `${text} fill (${formatFloat(matching.fillLeft)})`;
  if (matching.fillLeft !== null) text += ` fill_left (${formatFloat(matching.fillLeft)})`;
  if (matching.fillRight !== null) text += ` fill_right (${formatFloat(matching.fillRight)})`;
  return text;
}

function selector(node: SelectorNode): string {
  const plain = node.name !== null && /^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(node.name);
  const matchers: string[] = [];
  if (node.name !== null && !plain) matchers.push(JSON.stringify(node.name));
  let named = false;
  for (const { label, op, value } of node.matchers) {
    if (label === "__name__" && op === "=" && value === node.name && !named) named = true;
    else matchers.push(`${labelName(label)}${op}${JSON.stringify(value)}`);
  }
  return `${plain ? node.name : ""}${matchers.length > 0 || !plain ? `{${matchers.join(",")}}` : ""}`;
}

function modifiers(node: SelectorNode): string {
  return (node.reach === "plain" ? "" : ` ${node.reach}`) + timeModifiers(node);
}

function timeModifiers(node: { readonly offset: Duration | null; readonly at: At | null }): string {
  let text = "";
  if (node.at !== null) text += ` @ ${node.at.at === "time" ? (node.at.ms / 1000).toFixed(3) : `${node.at.at}()`}`;
  if (node.offset !== null) text += ` offset ${duration(node.offset)}`;
  return text;
}

function subqueryTail(node: SubqueryNode): string {
  return `[${duration(node.range)}:${node.step === null ? "" : duration(node.step)}]${timeModifiers(node)}`;
}

function duration(node: Duration, nested = false): string {
  switch (node.op) {
    case "literal":
      // A factor in arithmetic is a number, not a time.
      return nested && !/[a-z]$/i.test(node.text) ? node.text : formatDuration(Math.round(node.ms));
    case "step":
    case "range":
      return `${node.op}()`;
    case "paren":
      return `(${duration(node.of, true)})`;
    case "neg":
      return `-${duration(node.of)}`;
    case "pos":
      return duration(node.of);
    case "min_of":
    case "max_of":
      return `${node.op}(${duration(node.left, true)}, ${duration(node.right, true)})`;
    default:
      return `${duration(node.left, true)} ${node.op} ${duration(node.right, true)}`;
  }
}
