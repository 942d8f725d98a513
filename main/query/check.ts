import type { AgentError } from "all-use-agent/sdk";
import { type BinaryNode, type CallNode, isComparison, isSetOperator, type Node, type ValueType } from "./ast.ts";
import { parseError, typeError } from "./errors.ts";
import { type FunctionSpec, functionNamed } from "./functions/index.ts";

/** As Prometheus names types in messages. */
export const TYPE_NAMES: Readonly<Record<ValueType, string>> = {
  scalar: "scalar",
  vector: "instant vector",
  matrix: "range vector",
  string: "string",
};

const AGGREGATES_WITH_TEXT = new Set(["count_values"]);

/** The type of an expression's result. Throws `query_parse` and `query_type`. */
export function check(node: Node, text: string): ValueType {
  return new Checker(text).type(node);
}

class Checker {
  private readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  private fail(node: Node, message: string): AgentError {
    return typeError(this.text, node.from, message);
  }

  private expect(node: Node, wanted: ValueType, where: string): void {
    const found = this.type(node);
    if (found !== wanted) throw this.fail(node, `expected type ${TYPE_NAMES[wanted]} in ${where}, got ${TYPE_NAMES[found]}`);
  }

  type(node: Node): ValueType {
    switch (node.type) {
      case "number":
        return "scalar";
      case "string":
        return "string";
      case "selector":
        if (node.reach === "anchored") throw this.fail(node, "anchored modifier can only be used with range vectors");
        return "vector";
      case "matrix":
        return "matrix";
      case "subquery": {
        const inner = this.type(node.expr);
        if (inner !== "vector")
          throw this.fail(node, `subquery is only allowed on instant vector, got ${TYPE_NAMES[inner]} instead`);
        return "matrix";
      }
      case "paren":
        return this.type(node.expr);
      case "unary": {
        const inner = this.type(node.expr);
        if (inner !== "scalar" && inner !== "vector") {
          throw this.fail(
            node,
            `unary expression only allowed on expressions of type scalar or instant vector, got ${JSON.stringify(TYPE_NAMES[inner])}`,
          );
        }
        return inner;
      }
      case "aggregate":
        this.expect(node.expr, "vector", "aggregation expression");
        if (node.param !== null)
          this.expect(node.param, AGGREGATES_WITH_TEXT.has(node.op) ? "string" : "scalar", "aggregation parameter");
        return "vector";
      case "binary":
        return this.binary(node);
      default:
        return this.call(node);
    }
  }

  private binary(node: BinaryNode): ValueType {
    const left = this.type(node.left);
    const right = this.type(node.right);
    if (node.bool && !isComparison(node.op)) throw this.fail(node, "bool modifier can only be used on comparison operators");
    if (isComparison(node.op) && !node.bool && left === "scalar" && right === "scalar") {
      throw this.fail(node, "comparisons between scalars must use BOOL modifier");
    }
    for (const [operand, type] of [
      [node.left, left],
      [node.right, right],
    ] as const) {
      if (type !== "scalar" && type !== "vector")
        throw this.fail(operand, "binary expression must contain only scalar and instant vector types");
    }
    const { matching } = node;
    const fills = matching.fillLeft !== null || matching.fillRight !== null;
    if (left !== "vector" || right !== "vector") {
      if (matching.explicit) throw this.fail(node, "vector matching only allowed between instant vectors");
      if (fills) throw this.fail(node, "filling in missing series only allowed between instant vectors");
      if (isSetOperator(node.op))
        throw this.fail(node, `set operator ${JSON.stringify(node.op)} not allowed in binary scalar expression`);
      return left === "vector" || right === "vector" ? "vector" : "scalar";
    }
    if (isSetOperator(node.op)) {
      if (matching.card !== "one-to-one") throw this.fail(node, `no grouping allowed for ${JSON.stringify(node.op)} operation`);
      if (fills) throw this.fail(node, `filling in missing series not allowed for set operators`);
    }
    if (matching.on) {
      for (const label of matching.include) {
        if (matching.labels.includes(label))
          throw this.fail(node, `label ${JSON.stringify(label)} must not occur in ON and GROUP clause at once`);
      }
    }
    return "vector";
  }

  private call(node: CallNode): ValueType {
    const spec = functionNamed(node.name);
    if (spec === undefined) throw parseError(this.text, node.from, `unknown function with name ${JSON.stringify(node.name)}`);
    this.argumentCount(node, spec);
    node.args.forEach((arg, i) => {
      const wanted = spec.args[Math.min(i, spec.args.length - 1)];
      if (node.name === "info" && i === 1) {
        if (arg.type !== "selector") throw this.fail(arg, "expected label selectors only");
        return;
      }
      this.expect(arg, wanted, `call to function ${JSON.stringify(node.name)}`);
    });
    return spec.returns;
  }

  private argumentCount(node: CallNode, spec: FunctionSpec): void {
    const declared = spec.args.length;
    const given = node.args.length;
    const least = spec.variadic === 0 ? declared : declared - 1;
    const most = spec.variadic < 0 ? Number.POSITIVE_INFINITY : spec.variadic === 0 ? declared : declared + spec.variadic - 1;
    const name = JSON.stringify(node.name);
    if (given < least) {
      throw this.fail(
        node,
        `expected ${spec.variadic === 0 ? "" : "at least "}${least} argument(s) in call to ${name}, got ${given}`,
      );
    }
    if (given > most) {
      throw this.fail(
        node,
        `expected ${spec.variadic === 0 ? "" : "at most "}${most} argument(s) in call to ${name}, got ${given}`,
      );
    }
  }
}
