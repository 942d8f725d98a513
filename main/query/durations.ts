import type { Duration } from "./ast.ts";
import { executionError } from "./errors.ts";

/** What `step()` and `range()` inside durations stand for. */
export interface DurationContext {
  readonly stepMs: number;
  readonly rangeMs: number;
}

/** Milliseconds, rounded. Throws `query_execution` when the arithmetic has no finite result. */
export function resolveDuration(duration: Duration, context: DurationContext): number {
  const seconds = evaluate(duration, context);
  const ms = Math.round(seconds * 1000);
  if (!Number.isSafeInteger(ms)) throw executionError("the duration expression has no finite result");
  return ms;
}

/** As above for ranges and steps, which must be longer than nothing. */
export function resolvePositive(duration: Duration, context: DurationContext): number {
  const ms = resolveDuration(duration, context);
  if (ms <= 0) throw executionError("duration must be greater than 0");
  return ms;
}

function evaluate(duration: Duration, context: DurationContext): number {
  switch (duration.op) {
    case "literal":
      return duration.ms / 1000;
    case "step":
      return context.stepMs / 1000;
    case "range":
      return context.rangeMs / 1000;
    case "paren":
    case "pos":
      return evaluate(duration.of, context);
    case "neg":
      return -evaluate(duration.of, context);
    default:
  }
  const left = evaluate(duration.left, context);
  const right = evaluate(duration.right, context);
  switch (duration.op) {
    case "+":
      return left + right;
    case "-":
      return left - right;
    case "*":
      return left * right;
    case "/":
      if (right === 0) throw executionError("division by zero in a duration expression");
      return left / right;
    case "%":
      if (right === 0) throw executionError("modulo by zero in a duration expression");
      return left % right;
    case "^":
      return left ** right;
    case "min_of":
      return Math.min(left, right);
    default:
      return Math.max(left, right);
  }
}
