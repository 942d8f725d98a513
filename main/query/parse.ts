import type { Matcher, MatchOperator } from "all-use-agent/sdk";
import { AgentError, compileRegex } from "all-use-agent/sdk";
import type { SyntaxNode } from "@lezer/common";
import { parser } from "@prometheus-io/lezer-promql";
import { associate, type Item } from "./associate.ts";
import type { At, Duration, Matching, Node, SelectorNode } from "./ast.ts";
import { readDuration } from "./duration.ts";
import { parseError } from "./errors.ts";
import { normalize, unquote } from "./lex.ts";
import { DEFAULT_LIMITS } from "./limits.ts";
import { readNumber } from "./number.ts";

/** Strict: the first thing that does not fit ends parsing, so that garbage costs no search for repairs. */
const grammar = parser.configure({ strict: true });

export interface ParseLimits {
  readonly depth: number;
  readonly length: number;
}

const POSTFIX = new Set(["OffsetExpr", "StepInvariantExpr", "AnchoredExpr", "SmoothedExpr", "MatrixSelector", "SubqueryExpr"]);

const NO_MATCHING: Matching = {
  card: "one-to-one",
  on: false,
  labels: [],
  include: [],
  explicit: false,
  fillLeft: null,
  fillRight: null,
};

/** Text to tree. Checks form only; `check.ts` checks types. Throws `query_parse`. */
export function parse(text: string, limits: ParseLimits = DEFAULT_LIMITS): Node {
  if (text.length > limits.length) {
    throw new AgentError(
      "query_parse",
      `1:1: parse error: the expression has ${text.length} characters, at most ${limits.length} are read`,
    );
  }
  if (text.trim() === "") throw parseError(text, 0, "no expression found in input");
  const normal = normalize(text);
  let root: SyntaxNode;
  try {
    root = grammar.parse(normal).topNode;
  } catch (error) {
    throw syntaxError(text, error);
  }
  const expression = firstExpression(root);
  if (expression === null) throw parseError(text, 0, "no expression found in input");
  return new Reader(text, limits.depth).expression(expression, 0);
}

function firstExpression(node: SyntaxNode): SyntaxNode | null {
  let child = node.firstChild;
  while (child !== null && child.name === "LineComment") child = child.nextSibling;
  return child;
}

/** Says what stands where the grammar could not go on. */
function syntaxError(text: string, error: unknown): AgentError {
  const match = error instanceof SyntaxError ? /No parse at (\d+)/.exec(error.message) : null;
  if (match === null) throw error;
  let at = Number(match[1]);
  while (at < text.length && /\s/.test(text[at])) at++;
  if (at >= text.length) return parseError(text, text.length, "unexpected end of input");
  const before = /([a-zA-Z_:][\w:]*)\s*$/.exec(text.slice(Math.max(0, at - 200), at));
  if (text[at] === "(" && before !== null) {
    const start = Math.max(0, at - 200) + before.index;
    return parseError(text, start, `unknown function with name ${JSON.stringify(before[1])}`);
  }
  const token = /^(?:[a-zA-Z_:][\w:]*|\.?\d[\w.]*|"(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.)*'?|[=!<>]=|=~|!~|[^])/.exec(
    text.slice(at, at + 200),
  )![0];
  return parseError(text, at, `unexpected ${/^[a-zA-Z_:]/.test(token) ? "identifier " : ""}${JSON.stringify(token)}`);
}

class Reader {
  private readonly text: string;
  private readonly maxDepth: number;

  constructor(text: string, maxDepth: number) {
    this.text = text;
    this.maxDepth = maxDepth;
  }

  /**
   * The grammar package is made for highlighting: it hangs `offset`, `@` and ranges onto the whole expression to their
   * left. So operands, operators and modifiers are laid out in a row first, then bound by PromQL's precedence.
   */
  expression(node: SyntaxNode, depth: number): Node {
    const row: Item[] = [];
    this.layOut(node, depth, row);
    return associate(row, this.text, this.maxDepth);
  }

  private layOut(node: SyntaxNode, depth: number, row: Item[]): void {
    if (depth > this.maxDepth) {
      throw parseError(this.text, node.from, `the expression nests deeper than ${this.maxDepth} levels`);
    }
    const { name } = node;
    if (name === "BinaryExpr") {
      const parts = this.parts(node);
      this.layOut(parts[0], depth + 1, row);
      row.push(this.infix(parts));
      this.layOut(parts.at(-1)!, depth + 1, row);
    } else if (name === "UnaryExpr") {
      const parts = this.parts(node);
      row.push({ kind: "prefix", op: this.sign(parts[0]), from: parts[0].from });
      this.layOut(parts[1], depth + 1, row);
    } else if (name === "NumberDurationLiteral") {
      this.number(node, row);
    } else if (POSTFIX.has(name)) {
      const parts = this.parts(node);
      this.layOut(parts[0], depth + 1, row);
      row.push(this.postfix(node, parts));
    } else {
      row.push({ kind: "atom", node: this.atom(node, depth) });
    }
  }

  private parts(node: SyntaxNode): SyntaxNode[] {
    const parts: SyntaxNode[] = [];
    for (let child = node.firstChild; child !== null; child = child.nextSibling) {
      if (child.name !== "LineComment") parts.push(child);
    }
    return parts;
  }

  private source(node: SyntaxNode): string {
    return this.text.slice(node.from, node.to);
  }

  private sign(node: SyntaxNode): "+" | "-" {
    return this.text[node.from] === "-" ? "-" : "+";
  }

  /** The grammar takes a sign into the literal, which would make `-1 ^ 2` positive. */
  private number(node: SyntaxNode, row: Item[]): void {
    const text = this.source(node);
    let start = 0;
    if (text[0] === "-" || text[0] === "+") {
      row.push({ kind: "prefix", op: text[0], from: node.from });
      start = /^[+-]\s*/.exec(text)![0].length;
    }
    const body = text.slice(start);
    const value = readNumber(body);
    if (value === null) throw parseError(this.text, node.from, `not a number or duration: ${JSON.stringify(body)}`);
    const duration = /[a-z]$/i.test(body) && readDuration(body) !== null ? body : null;
    row.push({ kind: "atom", node: { type: "number", from: node.from + start, to: node.to, value, duration } });
  }

  private atom(node: SyntaxNode, depth: number): Node {
    const span = { from: node.from, to: node.to };
    switch (node.name) {
      case "ParenExpr":
        return { type: "paren", ...span, expr: this.expression(firstExpression(node)!, depth + 1) };
      case "StringLiteral":
        return { type: "string", ...span, value: unquote(this.text, node.from, node.to) };
      case "VectorSelector":
        return this.selector(node);
      case "FunctionCall": {
        const parts = this.parts(node);
        return { type: "call", ...span, name: this.source(parts[0]), args: this.callArguments(parts[1], depth) };
      }
      case "AggregateExpr":
        return this.aggregate(node, depth);
      default:
        throw parseError(this.text, node.from, `unexpected ${node.name}`);
    }
  }

  private callArguments(body: SyntaxNode, depth: number): Node[] {
    return this.parts(body).map((part) => this.expression(part, depth + 1));
  }

  private aggregate(node: SyntaxNode, depth: number): Node {
    const op = this.source(node.getChild("AggregateOp")!).toLowerCase();
    const args = this.callArguments(node.getChild("FunctionCallBody")!, depth);
    const modifier = node.getChild("AggregateModifier");
    const takesParam = ["topk", "bottomk", "quantile", "count_values", "limitk", "limit_ratio"].includes(op);
    const wanted = takesParam ? 2 : 1;
    if (args.length !== wanted) {
      throw parseError(
        this.text,
        node.from,
        `wrong number of arguments for aggregate expression provided, expected ${wanted}, got ${args.length}`,
      );
    }
    return {
      type: "aggregate",
      from: node.from,
      to: node.to,
      op,
      expr: args.at(-1)!,
      param: takesParam ? args[0] : null,
      without: modifier?.getChild("Without") != null,
      grouping: modifier === null ? [] : this.labels(modifier.getChild("GroupingLabels")!),
      grouped: modifier !== null,
    };
  }

  private labels(node: SyntaxNode): string[] {
    return this.parts(node).map((part) => {
      if (part.name !== "QuotedLabelName") return this.source(part);
      return this.quotedName(part);
    });
  }

  private quotedName(node: SyntaxNode): string {
    const name = unquote(this.text, node.firstChild!.from, node.firstChild!.to);
    if (name === "" || name.includes("\ufffd"))
      throw parseError(this.text, node.from, `invalid label name ${JSON.stringify(name)}`);
    return name;
  }

  private infix(parts: readonly SyntaxNode[]): Item {
    let bool = false;
    let matching = NO_MATCHING;
    for (const part of parts.slice(2, -1)) {
      if (part.name === "BoolModifier") bool = true;
      else if (part.name === "MatchingModifierClause") matching = { ...matching, ...this.matchingClause(part) };
      else if (part.name === "FillModifier") matching = { ...matching, ...this.fillClause(part) };
    }
    return { kind: "infix", op: this.source(parts[1]).toLowerCase(), bool, matching, from: parts[1].from };
  }

  private matchingClause(node: SyntaxNode): Partial<Matching> {
    const lists = node.getChildren("GroupingLabels").map((list) => this.labels(list));
    const left = node.getChild("GroupLeft") !== null;
    const right = node.getChild("GroupRight") !== null;
    return {
      explicit: true,
      on: node.getChild("On") !== null,
      labels: lists[0],
      include: lists[1] ?? [],
      card: left ? "many-to-one" : right ? "one-to-many" : "one-to-one",
    };
  }

  private fillClause(node: SyntaxNode): Partial<Matching> {
    let fill: Partial<Matching> = {};
    for (const clause of this.parts(node)) {
      const literal = clause.getChild("NumberDurationLiteral")!;
      const value = this.signedNumber(literal);
      if (clause.name !== "FillRightClause") fill = { ...fill, fillLeft: value };
      if (clause.name !== "FillLeftClause") fill = { ...fill, fillRight: value };
    }
    return fill;
  }

  private signedNumber(node: SyntaxNode): number {
    const match = /^([+-]?)\s*(.*)$/s.exec(this.source(node))!;
    const value = readNumber(match[2]);
    if (value === null) throw parseError(this.text, node.from, `not a number: ${JSON.stringify(match[0])}`);
    return match[1] === "-" ? -value : value;
  }

  private postfix(node: SyntaxNode, parts: readonly SyntaxNode[]): Item {
    const place = { kind: "postfix", from: parts[0].to, to: node.to } as const;
    switch (node.name) {
      case "OffsetExpr":
        return { ...place, apply: "offset", duration: this.duration(parts[2], 0) };
      case "StepInvariantExpr":
        return { ...place, apply: "at", at: this.atModifier(parts[2]) };
      case "AnchoredExpr":
        return { ...place, apply: "anchored" };
      case "SmoothedExpr":
        return { ...place, apply: "smoothed" };
      case "MatrixSelector":
        return { ...place, apply: "range", duration: this.positive(parts[1]) };
      default:
        return {
          ...place,
          apply: "subquery",
          duration: this.positive(parts[1]),
          step: parts[2] === undefined ? null : this.positive(parts[2]),
        };
    }
  }

  private atModifier(node: SyntaxNode): At {
    if (node.name === "AtModifierPreprocessors") return { at: node.getChild("AtStart") === null ? "end" : "start" };
    const seconds = this.signedNumber(node);
    const ms = Math.round(seconds * 1000);
    if (!Number.isSafeInteger(ms)) throw parseError(this.text, node.from, `timestamp out of bounds for @ modifier: ${seconds}`);
    return { at: "time", ms };
  }

  private positive(node: SyntaxNode): Duration {
    const duration = this.duration(node, 0);
    if (duration.op === "literal" && duration.ms <= 0) throw parseError(this.text, node.from, "duration must be greater than 0");
    return duration;
  }

  private duration(node: SyntaxNode, depth: number): Duration {
    if (depth > this.maxDepth) throw parseError(this.text, node.from, `the duration nests deeper than ${this.maxDepth} levels`);
    if (node.name === "NumberDurationLiteralInDurationContext") {
      const text = this.source(node);
      const seconds = readNumber(text);
      if (seconds === null || !Number.isSafeInteger(Math.round(seconds * 1000))) {
        throw parseError(this.text, node.from, `duration out of range: ${JSON.stringify(text)}`);
      }
      return { op: "literal", ms: seconds * 1000, text };
    }
    const parts = this.parts(node);
    const first = parts[0];
    const next = depth + 1;
    switch (first.name) {
      case "DurationStep":
        return { op: "step" };
      case "DurationRange":
        return { op: "range" };
      case "DurationMinOf":
      case "DurationMaxOf":
        return {
          op: first.name === "DurationMinOf" ? "min_of" : "max_of",
          left: this.duration(parts[1], next),
          right: this.duration(parts[2], next),
        };
      case "UnaryOp":
        return { op: this.sign(first) === "-" ? "neg" : "pos", of: this.duration(parts[1], next) };
      default:
    }
    if (parts.length === 1) {
      const inner = this.duration(first, next);
      return this.text[node.from] === "(" ? { op: "paren", of: inner } : inner;
    }
    const op = this.source(parts[1]) as "+" | "-" | "*" | "/" | "%" | "^";
    return { op, left: this.duration(first, next), right: this.duration(parts[2], next) };
  }

  private selector(node: SyntaxNode): SelectorNode {
    const identifier = node.getChild("Identifier");
    let name = identifier === null ? null : this.source(identifier);
    const matchers: Matcher[] = [];
    const setName = (value: string, at: number): void => {
      if (name !== null && (identifier !== null || name !== value)) {
        throw parseError(this.text, at, `metric name must not be set twice: ${JSON.stringify(name)} or ${JSON.stringify(value)}`);
      }
      name = value;
    };
    for (const part of this.parts(node.getChild("LabelMatchers") ?? node)) {
      if (part.name === "QuotedLabelName") {
        setName(this.quotedName(part), part.from);
      } else if (part.name === "UnquotedLabelMatcher" || part.name === "QuotedLabelMatcher") {
        matchers.push(this.matcher(part));
      }
    }
    if (identifier !== null && matchers.some((matcher) => matcher.label === "__name__")) {
      throw parseError(
        this.text,
        node.from,
        `metric name must not be set twice: ${JSON.stringify(name)} is already given before the braces`,
      );
    }
    if (name !== null) matchers.push({ label: "__name__", op: "=", value: name });
    if (!matchers.some(restricts)) {
      throw parseError(this.text, node.from, "vector selector must contain at least one non-empty matcher");
    }
    return { type: "selector", from: node.from, to: node.to, name, matchers, offset: null, at: null, reach: "plain" };
  }

  private matcher(node: SyntaxNode): Matcher {
    const [label, operator, text] = this.parts(node);
    const op = this.source(operator) as MatchOperator;
    const value = unquote(this.text, text.from, text.to);
    if (op === "=~" || op === "!~") {
      try {
        compileRegex(value);
      } catch (error) {
        throw parseError(this.text, text.from, error instanceof Error ? error.message : String(error));
      }
    }
    return { label: label.name === "QuotedLabelName" ? this.quotedName(label) : this.source(label), op, value };
  }
}

/** Whether the matcher refuses an absent label. */
function restricts(matcher: Matcher): boolean {
  switch (matcher.op) {
    case "=":
      return matcher.value !== "";
    case "!=":
      return matcher.value === "";
    case "=~":
      return !compileRegex(matcher.value).test("");
    default:
      return compileRegex(matcher.value).test("");
  }
}

/** A selector as in the HTTP parameter `match[]`. Throws `query_parse`. */
export function parseSelector(text: string): Matcher[] {
  const node = parse(text);
  if (node.type !== "selector" || node.offset !== null || node.at !== null || node.reach !== "plain") {
    throw parseError(text, 0, 'expected a series selector like name{label="value"} and nothing else');
  }
  return [...node.matchers];
}
