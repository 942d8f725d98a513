import type { CallNode, Node, ValueType } from "../ast.ts";
import type { Evaluation } from "../evaluate.ts";
import type { Grid, Value } from "../value.ts";

export interface Call {
  readonly run: Evaluation;
  readonly node: CallNode;
  readonly grid: Grid;
}

export interface FunctionSpec {
  readonly name: string;
  readonly args: readonly ValueType[];
  /** 0: exactly `args`. n > 0: the last may be missing, or repeated up to n - 1 more times. -1: the last may be missing or repeated at will. */
  readonly variadic: number;
  readonly returns: ValueType;
  evaluate(call: Call): Value | Promise<Value>;
}

/** The argument at `index`; the caller knows from the signature that it is there. */
export function argument(call: Call, index: number): Node {
  return call.node.args[index];
}
