export type Arithmetic = (left: number, right: number) => number;
export type Comparison = (left: number, right: number) => boolean;

const ARITHMETIC: Readonly<Record<string, Arithmetic>> = {
  "+": (left, right) => left + right,
  "-": (left, right) => left - right,
  "*": (left, right) => left * right,
  "/": (left, right) => left / right,
  "%": (left, right) => left % right,
  "^": power,
  atan2: Math.atan2,
};

/** As IEEE 754 has it, not JavaScript: 1 to whatever power is 1. */
function power(left: number, right: number): number {
  if (left === 1 || (left === -1 && (right === Number.POSITIVE_INFINITY || right === Number.NEGATIVE_INFINITY))) return 1;
  return left ** right;
}

const COMPARISON: Readonly<Record<string, Comparison>> = {
  "==": (left, right) => left === right,
  "!=": (left, right) => left !== right,
  ">": (left, right) => left > right,
  "<": (left, right) => left < right,
  ">=": (left, right) => left >= right,
  "<=": (left, right) => left <= right,
};

export function arithmetic(op: string): Arithmetic {
  return ARITHMETIC[op];
}

export function comparison(op: string): Comparison {
  return COMPARISON[op];
}
