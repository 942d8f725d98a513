import { type CallNode, unwrap } from "./ast.ts";
import { executionError } from "./errors.ts";

const SMOOTHED = ["delta", "increase", "rate"];
const ANCHORED = ["changes", "delta", "increase", "rate", "resets"];

/** `anchored` and `smoothed` windows mean something to a few functions only. Throws `query_execution` for the others. */
export function requireReach(call: CallNode): void {
  for (const arg of call.args) {
    const inner = unwrap(arg);
    if (inner.type !== "matrix" || inner.selector.reach === "plain") continue;
    const { reach } = inner.selector;
    const allowed = reach === "smoothed" ? SMOOTHED : ANCHORED;
    if (!allowed.includes(call.name)) {
      throw executionError(`${reach} modifier can only be used with: ${allowed.join(", ")} - not with ${call.name}`);
    }
  }
}
