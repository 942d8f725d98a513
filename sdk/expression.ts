import { AgentError } from "./errors.ts";

const TEXT_MAX = 500;
const DEPTH_MAX = 40;

type Values = ArrayLike<number>;
/** Computes with the variables' values in the order in which they were named. */
export type Expression = (values: Values) => number;

interface MathFunction {
  readonly least: number;
  readonly most: number;
  readonly call: (...values: number[]) => number;
}

const one = (call: (value: number) => number): MathFunction => ({ least: 1, most: 1, call });

const FUNCTIONS: Readonly<Record<string, MathFunction>> = {
  abs: one(Math.abs),
  ceil: one(Math.ceil),
  floor: one(Math.floor),
  round: one(Math.round),
  sqrt: one(Math.sqrt),
  exp: one(Math.exp),
  ln: one(Math.log),
  log2: one(Math.log2),
  log10: one(Math.log10),
  sgn: one(Math.sign),
  min: { least: 1, most: 8, call: Math.min },
  max: { least: 1, most: 8, call: Math.max },
  clamp: { least: 3, most: 3, call: (value, low, high) => Math.min(Math.max(value, low), high) },
};

const TOKEN = /\s*(?:(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|([a-zA-Z_][a-zA-Z0-9_]*)|(\S))/y;

/**
 * Arithmetic of numbers and named variables: + − * / % ^, parentheses, and abs, ceil, floor, round, sqrt, exp, ln, log2, log10, sgn, min, max,
 * clamp. `^` binds closest and to the right; % keeps the sign of its left side. Nothing else can be said: no code runs.
 * Throws `expression_invalid`.
 */
export function compileExpression(text: string, variables: readonly string[]): Expression {
  return new Parser(text, variables).whole();
}

class Parser {
  private readonly text: string;
  private readonly variables: readonly string[];
  private at = 0;
  private depth = 0;
  private number: string | undefined;
  private name: string | undefined;
  private sign: string | undefined;
  private start = 0;

  constructor(text: string, variables: readonly string[]) {
    this.text = text;
    this.variables = variables;
    if (text.length > TEXT_MAX) throw this.fault(`at most ${TEXT_MAX} characters`);
    this.next();
  }

  whole(): Expression {
    const expression = this.sum();
    if (!this.ended) throw this.fault("an operator or the end");
    return expression;
  }

  private get ended(): boolean {
    return this.number === undefined && this.name === undefined && this.sign === undefined;
  }

  private next(): void {
    TOKEN.lastIndex = this.at;
    const found = TOKEN.exec(this.text);
    this.start = this.at;
    this.at = found ? TOKEN.lastIndex : this.text.length;
    [, this.number, this.name, this.sign] = found ?? [];
  }

  private takes(sign: string): boolean {
    if (this.sign !== sign) return false;
    this.next();
    return true;
  }

  private sum(): Expression {
    if (++this.depth > DEPTH_MAX) throw this.fault("fewer parentheses");
    let left = this.product();
    for (;;) {
      const before = left;
      if (this.takes("+")) {
        const right = this.product();
        left = (values) => before(values) + right(values);
      } else if (this.takes("-")) {
        const right = this.product();
        left = (values) => before(values) - right(values);
      } else break;
    }
    this.depth--;
    return left;
  }

  private product(): Expression {
    let left = this.signed();
    for (;;) {
      const before = left;
      if (this.takes("*")) {
        const right = this.signed();
        left = (values) => before(values) * right(values);
      } else if (this.takes("/")) {
        const right = this.signed();
        left = (values) => before(values) / right(values);
      } else if (this.takes("%")) {
        const right = this.signed();
        left = (values) => before(values) % right(values);
      } else return left;
    }
  }

  private signed(): Expression {
    if (++this.depth > DEPTH_MAX) throw this.fault("fewer signs");
    let inner: Expression;
    if (this.takes("-")) {
      const positive = this.signed();
      inner = (values) => -positive(values);
    } else inner = this.takes("+") ? this.signed() : this.power();
    this.depth--;
    return inner;
  }

  private power(): Expression {
    const base = this.atom();
    if (!this.takes("^")) return base;
    const exponent = this.signed();
    return (values) => base(values) ** exponent(values);
  }

  private atom(): Expression {
    if (this.number !== undefined) {
      const value = Number(this.number);
      this.next();
      return () => value;
    }
    if (this.name !== undefined) return this.named(this.name);
    if (!this.takes("(")) throw this.fault("a number, a name or (");
    const inner = this.sum();
    if (!this.takes(")")) throw this.fault(")");
    return inner;
  }

  private named(name: string): Expression {
    const index = this.variables.indexOf(name);
    if (index >= 0) {
      this.next();
      return (values) => values[index];
    }
    if (!Object.hasOwn(FUNCTIONS, name))
      throw this.fault(`${[...this.variables, ...Object.keys(FUNCTIONS)].join(", ")} instead of ${name}`);
    const { least, most, call } = FUNCTIONS[name];
    this.next();
    if (!this.takes("(")) throw this.fault(`( after ${name}`);
    const given: Expression[] = [this.sum()];
    while (this.takes(",")) given.push(this.sum());
    if (!this.takes(")")) throw this.fault(")");
    if (given.length < least || given.length > most)
      throw this.fault(`${least === most ? least : `${least} to ${most}`} values for ${name}`);
    return (values) => call(...given.map((one) => one(values)));
  }

  private fault(expected: string): AgentError {
    return new AgentError(
      "expression_invalid",
      `expected ${expected} at ${this.start} of the expression ${JSON.stringify(this.text.slice(0, TEXT_MAX))}`,
      { where: String(this.start) },
    );
  }
}
