import { AgentError } from "../errors.ts";
import { numberOf, textOf } from "./numbers.ts";
import type { Cell } from "./types.ts";

export type Expression = (row: readonly Cell[]) => Cell;

interface Token {
  readonly kind: "number" | "text" | "name" | "sign" | "end";
  readonly text: string;
  readonly at: number;
}

const TOKEN = /\s*(?:(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|'((?:[^']|'')*)'|([A-Za-z_][\w.]*)|`([^`]+)`|(<=|>=|==|!=|[-+*/%(),<>]))/y;
const LENGTH_MAX = 1000;
const DEPTH_MAX = 50;

/** How tightly what stands between two operands binds. */
const BINDING: Readonly<Record<string, number>> = {
  "==": 1,
  "!=": 1,
  "<": 2,
  "<=": 2,
  ">": 2,
  ">=": 2,
  "+": 3,
  "-": 3,
  "*": 4,
  "/": 4,
  "%": 4,
};

const ARITHMETIC: Readonly<Record<string, (a: number, b: number) => number>> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / b,
  "%": (a, b) => a % b,
};

type Call = (args: readonly Expression[]) => Expression;

const FUNCTIONS: Readonly<Record<string, { readonly least: number; readonly most: number; readonly make: Call }>> = {
  abs: numeric(1, (a) => Math.abs(a)),
  ceil: numeric(1, (a) => Math.ceil(a)),
  floor: numeric(1, (a) => Math.floor(a)),
  round: numeric(1, (a) => Math.round(a)),
  sqrt: numeric(1, (a) => Math.sqrt(a)),
  ln: numeric(1, (a) => Math.log(a)),
  min: numeric(2, (a, b) => Math.min(a, b)),
  max: numeric(2, (a, b) => Math.max(a, b)),
  lower: textual((a) => a.toLowerCase()),
  upper: textual((a) => a.toUpperCase()),
  concat: {
    least: 1,
    most: 20,
    make: (args) => (row) => args.map((arg) => textOf(arg(row)) ?? "").join(""),
  },
  coalesce: {
    least: 1,
    most: 20,
    make: (args) => (row) => {
      for (const arg of args) {
        const cell = arg(row);
        if (cell !== null && cell !== "") return cell;
      }
      return null;
    },
  },
  if: {
    least: 3,
    most: 3,
    make:
      ([condition, yes, no]) =>
      (row) =>
        truth(condition(row)) ? yes(row) : no(row),
  },
};

/**
 * A calculation over the columns of a row: numbers, 'texts', columns by name (in `backquotes` where they are no word), + - * / %,
 * comparisons, brackets, and abs ceil floor round sqrt ln min max lower upper concat coalesce if. What is calculated of a
 * missing value, or is no number, is missing. `slot` says where a column stands. Throws `batch_config_invalid` with the place.
 */
export function compileExpression(text: string, slot: (column: string) => number): Expression {
  if (text.length > LENGTH_MAX) throw invalid(text, LENGTH_MAX, `more than ${LENGTH_MAX} characters`);
  const tokens = tokensOf(text);
  let at = 0;
  let depth = 0;

  const take = (sign: string): boolean => {
    const { kind, text: found } = tokens[at];
    if (kind !== "sign" || found !== sign) return false;
    at++;
    return true;
  };
  const need = (sign: string): void => {
    if (!take(sign)) throw invalid(text, tokens[at].at, `expected ${sign}, found ${tokens[at].text || "the end"}`);
  };
  const operand = (): Expression => {
    const token = tokens[at++];
    switch (token.kind) {
      case "number": {
        const value = Number(token.text);
        return () => value;
      }
      case "text":
        return () => token.text;
      case "name":
        if (take("(")) return call(token);
        return column(slot(token.text));
      default:
    }
    if (token.text === "(") {
      const inner = binary(0);
      need(")");
      return inner;
    }
    if (token.text === "-") {
      const inner = binary(BINDING["*"]);
      return (row) => finite(-(numberOf(inner(row)) ?? NaN));
    }
    throw invalid(text, token.at, `expected a value, found ${token.text || "the end"}`);
  };
  const call = (token: Token): Expression => {
    if (!Object.hasOwn(FUNCTIONS, token.text))
      throw invalid(text, token.at, `there is no ${token.text}(); use ${Object.keys(FUNCTIONS).join(", ")}`);
    const { least, most, make } = FUNCTIONS[token.text];
    const args: Expression[] = [];
    if (!take(")")) {
      do args.push(binary(0));
      while (take(","));
      need(")");
    }
    if (args.length < least || args.length > most)
      throw invalid(text, token.at, `${token.text}() takes ${least === most ? least : `${least} to ${most}`} values`);
    return make(args);
  };
  const binary = (least: number): Expression => {
    if (++depth > DEPTH_MAX) throw invalid(text, tokens[at].at, "nested too deeply");
    let left = operand();
    for (;;) {
      const { kind, text: sign } = tokens[at];
      if (kind !== "sign" || !(BINDING[sign] > least)) break;
      at++;
      left = operation(sign, left, binary(BINDING[sign]));
    }
    depth--;
    return left;
  };

  const whole = binary(0);
  if (tokens[at].kind !== "end") throw invalid(text, tokens[at].at, `${tokens[at].text} is too much`);
  return whole;
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  let at = 0;
  for (let match = TOKEN.exec(text); match; match = TOKEN.exec(text)) {
    const [, number, quoted, word, column, sign] = match;
    if (number !== undefined) tokens.push({ kind: "number", text: number, at });
    else if (quoted !== undefined) tokens.push({ kind: "text", text: quoted.replaceAll("''", "'"), at });
    else if (sign !== undefined) tokens.push({ kind: "sign", text: sign, at });
    else tokens.push({ kind: "name", text: word ?? column, at });
    at = TOKEN.lastIndex;
  }
  if (text.slice(at).trim() !== "") throw invalid(text, at, "this is no part of an expression");
  tokens.push({ kind: "end", text: "", at });
  return tokens;
}

/** The columns that an expression names. */
export function expressionColumns(text: string): string[] {
  const tokens = tokensOf(text);
  return tokens.filter(({ kind }, i) => kind === "name" && tokens[i + 1].text !== "(").map((token) => token.text);
}

function operation(sign: string, left: Expression, right: Expression): Expression {
  if (Object.hasOwn(ARITHMETIC, sign)) {
    const calculate = ARITHMETIC[sign];
    return (row) => finite(calculate(numberOf(left(row)) ?? NaN, numberOf(right(row)) ?? NaN));
  }
  return (row) => compare(sign, left(row), right(row));
}

function compare(sign: string, a: Cell, b: Cell): Cell {
  const [x, y] = [numberOf(a), numberOf(b)];
  const numbers = typeof x === "number" && typeof y === "number";
  const [left, right] = numbers ? [x, y] : [textOf(a), textOf(b)];
  if (sign === "==") return left === right;
  if (sign === "!=") return left !== right;
  if (left === null || right === null) return null;
  if (sign === "<") return left < right;
  if (sign === "<=") return left <= right;
  return sign === ">" ? left > right : left >= right;
}

function column(slot: number): Expression {
  return (row) => row[slot] ?? null;
}

function truth(cell: Cell): boolean {
  return typeof cell === "string" ? cell !== "" && numberOf(cell) !== 0 : Boolean(cell);
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

function numeric(arity: 1 | 2, calculate: (a: number, b: number) => number) {
  const make: Call =
    ([a, b]) =>
    (row) =>
      finite(calculate(numberOf(a(row)) ?? NaN, b === undefined ? 0 : (numberOf(b(row)) ?? NaN)));
  return { least: arity, most: arity, make };
}

function textual(change: (text: string) => string) {
  const make: Call =
    ([a]) =>
    (row) => {
      const text = textOf(a(row));
      return text === null ? null : change(text);
    };
  return { least: 1, most: 1, make };
}

function invalid(text: string, at: number, message: string): AgentError {
  return new AgentError(
    "batch_config_invalid",
    `the expression ${JSON.stringify(text.slice(0, 100))}, column ${at + 1}: ${message}`,
  );
}
