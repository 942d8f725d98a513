import { executionError } from "../errors.ts";
import type { LabelSet } from "../labels.ts";
import { compileRegex, type Regex, type RegexMatch } from "all-use-agent/sdk";
import { joinEqual, type Vector } from "../value.ts";
import { argument, type Call, type FunctionSpec } from "./spec.ts";

export function checkLabelName(name: string, what: string): void {
  if (name === "" || name.includes("\ufffd")) throw executionError(`invalid ${what} in ${JSON.stringify(name)}`);
}

/** Fills Go's `$1`, `${1}`, `${name}`, `$name` and `$$`. A name that is no group is empty. */
function expand(template: string, match: RegexMatch): string {
  return template.replace(/\$(?:\$|(\w+)|\{(\w+)\})/g, (all, plain: string | undefined, braced: string | undefined) => {
    if (all === "$$") return "$";
    const name = plain ?? braced!;
    return match.groups[/^\d+$/.test(name) ? Number(name) : (match.names.get(name) ?? -1)] ?? "";
  });
}

async function texts(call: Call, from: number): Promise<string[]> {
  const found: string[] = [];
  for (let i = from; i < call.node.args.length; i++) found.push(await call.run.text(argument(call, i), call.grid));
  return found;
}

function relabeled(vector: Vector, change: (set: LabelSet) => LabelSet): Vector {
  return joinEqual({ ...vector, sets: vector.sets.map(change) });
}

async function labelReplace(call: Call): Promise<Vector> {
  const [target, replacement, source, pattern] = (await texts(call, 1)) as [string, string, string, string];
  const regex = ((): Regex => {
    try {
      return compileRegex(pattern);
    } catch {
      throw executionError(`invalid regular expression in label_replace(): ${pattern}`);
    }
  })();
  checkLabelName(target, "destination label name in label_replace()");
  const vector = await call.run.vector(argument(call, 0), call.grid);
  return relabeled(vector, (set) => {
    const match = regex.exec(set.get(source));
    return match === null ? set : set.with(target, expand(replacement, match));
  });
}

async function labelJoin(call: Call): Promise<Vector> {
  const [target, separator, ...sources] = (await texts(call, 1)) as [string, string, ...string[]];
  checkLabelName(target, "destination label name in label_join()");
  for (const source of sources) checkLabelName(source, "source label name in label_join()");
  const vector = await call.run.vector(argument(call, 0), call.grid);
  return relabeled(vector, (set) => set.with(target, sources.map((source) => set.get(source)).join(separator)));
}

export const labelFunctions: readonly FunctionSpec[] = [
  {
    name: "label_replace",
    args: ["vector", "string", "string", "string", "string"],
    variadic: 0,
    returns: "vector",
    evaluate: labelReplace,
  },
  { name: "label_join", args: ["vector", "string", "string", "string"], variadic: -1, returns: "vector", evaluate: labelJoin },
];
