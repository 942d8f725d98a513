import { type OutputUnit, Validator } from "@cfworker/json-schema";
import { nearest } from "./nearest.ts";

type Json = Record<string, unknown>;

/** One thing that is wrong with a document: where, and one sentence with what was found and expected. */
export interface SchemaProblem {
  readonly where: string;
  readonly message: string;
}

/** What is wrong with `value` under `schema`; empty when nothing is. Never throws for any JSON value. */
export function schemaProblems(schema: object, value: unknown): SchemaProblem[] {
  const { valid, errors } = new Validator(schema, "2020-12", false).validate(value);
  if (valid) return [];
  const problems: SchemaProblem[] = [];
  for (const error of leaves(schema as Json, errors)) {
    const where = error.instanceLocation.replace(/^#\/?/, "/");
    const message = explain(schema as Json, value, error);
    if (!problems.some((known) => known.where === where && known.message === message)) problems.push({ where, message });
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

function explain(schema: Json, value: unknown, error: OutputUnit): string {
  const limit = at(schema, error.keywordLocation);
  const found = show(at(value, error.instanceLocation));
  switch (error.keyword) {
    case "required": {
      const missing = (limit as string[]).filter((name) => !Object.hasOwn(at(value, error.instanceLocation) as Json, name));
      return `${missing.map((name) => JSON.stringify(name)).join(", ")} is missing`;
    }
    case "additionalProperties": {
      const known = Object.keys(
        (at(schema, error.keywordLocation.replace(/\/[^/]+$/, "")) as { properties?: Json }).properties ?? {},
      );
      const extra = Object.keys(at(value, error.instanceLocation) as Json).filter((name) => !known.includes(name));
      return extra.map((name) => `${JSON.stringify(name)} is not known here${suggestion(name, known)}`).join("; ");
    }
    case "enum": {
      const allowed = (limit as unknown[]).map(String);
      return `expected one of ${allowed.join(", ")}, found ${found}${suggestion(String(at(value, error.instanceLocation)), allowed)}`;
    }
    case "type":
      return `expected ${[limit].flat().join(" or ")}, found ${found}`;
    case "pattern":
      return `expected text that matches ${String(limit)}, found ${found}`;
    case "minimum":
      return `expected ${String(limit)} or more, found ${found}`;
    case "maximum":
      return `expected ${String(limit)} or less, found ${found}`;
    case "exclusiveMinimum":
      return `expected more than ${String(limit)}, found ${found}`;
    case "minItems":
      return `expected at least ${String(limit)} entries, found ${found}`;
    case "minLength":
      return `expected at least ${String(limit)} characters, found ${found}`;
    case "maxLength":
      return `expected at most ${String(limit)} characters, found ${found}`;
    default:
      return error.error.replace(/\.$/, "");
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
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
