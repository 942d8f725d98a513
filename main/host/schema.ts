import { type OutputUnit, Validator } from "@cfworker/json-schema";
import { nearest } from "./nearest.ts";

type Json = Record<string, unknown>;

/** One thing that is wrong with a document: where, and one sentence with what was found and expected. */
export interface SchemaProblem {
  readonly where: string;
  readonly message: string;
}

/**
 * What is wrong with `value` under `schema`; empty when nothing is. Never throws for any JSON value. `shown` is what messages
 * quote instead of it: the same as the operator wrote it, or without what must not be seen.
 */
export function schemaProblems(schema: object, value: unknown, shown: unknown = value): SchemaProblem[] {
  const { valid, errors } = new Validator(schema, "2020-12", false).validate(value);
  if (valid) return [];
  const problems: SchemaProblem[] = [];
  for (const error of leaves(schema as Json, errors)) {
    for (const problem of explain(schema as Json, value, shown, error))
      if (!problems.some((known) => known.where === problem.where && known.message === problem.message)) problems.push(problem);
  }
  return problems;
}

/** The validator also reports every schema that contains a failing one; only the innermost say something. */
const CONTAINERS = new Set(["properties", "patternProperties", "items", "prefixItems", "$ref", "allOf", "if", "false"]);

function leaves(schema: Json, errors: OutputUnit[]): OutputUnit[] {
  return errors.filter(({ keyword, keywordLocation }) => {
    if (keyword === "additionalProperties") return at(schema, keywordLocation) === false;
    return !CONTAINERS.has(keyword);
  });
}

function explain(schema: Json, value: unknown, shown: unknown, error: OutputUnit): SchemaProblem[] {
  const where = decodeURIComponent(error.instanceLocation).replace(/^#\/?/, "/");
  const below = (name: string): string => `${where === "/" ? "" : where}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
  const limit = at(schema, error.keywordLocation);
  switch (error.keyword) {
    case "required": {
      const there = at(value, error.instanceLocation) as Json;
      return (limit as string[])
        .filter((name) => !Object.hasOwn(there, name))
        .map((name) => ({ where: below(name), message: `${JSON.stringify(name)} is missing` }));
    }
    case "additionalProperties": {
      const known = Object.keys(
        (at(schema, error.keywordLocation.replace(/\/[^/]+$/, "")) as { properties?: Json }).properties ?? {},
      );
      return Object.keys(at(value, error.instanceLocation) as Json)
        .filter((name) => !known.includes(name))
        .map((name) => ({ where: below(name), message: `${JSON.stringify(name)} is not known here${suggestion(name, known)}` }));
    }
    default:
      return [{ where, message: expectation(schema, shown, error, limit) }];
  }
}

function expectation(schema: Json, shown: unknown, error: OutputUnit, limit: unknown): string {
  const value = at(shown, error.instanceLocation);
  const { unit } = (at(schema, error.keywordLocation.replace(/\/[^/]+$/, "")) ?? {}) as { unit?: unknown };
  const bound = `${String(limit)}${typeof unit === "string" ? ` ${unit}` : ""}`;
  const found = show(value);
  switch (error.keyword) {
    case "enum": {
      const allowed = (limit as unknown[]).map(String);
      return `expected one of ${allowed.join(", ")}, found ${found}${suggestion(String(value), allowed)}`;
    }
    case "const":
      return `expected ${show(limit)}, found ${found}`;
    case "type":
      return `expected ${[limit].flat().join(" or ")}, found ${found}`;
    case "pattern":
      return `expected text that matches ${String(limit)}, found ${found}`;
    case "format":
      return `expected a valid ${String(limit)}, found ${found}`;
    case "minimum":
      return `expected ${bound} or more, found ${found}`;
    case "maximum":
      return `expected ${bound} or less, found ${found}`;
    case "exclusiveMinimum":
      return `expected more than ${bound}, found ${found}`;
    case "exclusiveMaximum":
      return `expected less than ${bound}, found ${found}`;
    case "multipleOf":
      return `expected a multiple of ${bound}, found ${found}`;
    case "minLength":
      return `expected at least ${String(limit)} characters, found ${found}`;
    case "maxLength":
      return `expected at most ${String(limit)} characters, found ${found}`;
    case "minItems":
      return `expected at least ${String(limit)} entries, found ${found}`;
    case "maxItems":
      return `expected at most ${String(limit)} entries, found ${found}`;
    case "uniqueItems":
      return `expected each entry once, found ${found}`;
    default:
      // The validator's own sentence may quote the value.
      return value === undefined
        ? `it does not fit ${JSON.stringify(error.keyword)} of its schema`
        : error.error.replace(/\.$/, "");
  }
}

function suggestion(text: string, known: readonly string[]): string {
  const close = nearest(text, known);
  return close === null ? "" : `, did you mean ${JSON.stringify(close)}?`;
}

/** Follows a JSON pointer that begins with `#`. */
function at(document: unknown, pointer: string): unknown {
  let here: unknown = document;
  for (const part of pointer.replace(/^#\/?/, "").split("/")) {
    if (part === "") continue;
    here = (here as Json | undefined)?.[decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~")];
  }
  return here;
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? "a value that is not shown";
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
