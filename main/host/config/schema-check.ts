import { OWN_FORMATS, type Manifest } from "all-use-agent/sdk";
import { nearest } from "../nearest.ts";
import { settleConfig } from "../plugin-config.ts";
import type { SchemaProblem } from "../schema.ts";

type Json = Record<string, unknown>;

/** Formats of JSON Schema that the validator checks. */
const STANDARD_FORMATS = [
  "date",
  "time",
  "date-time",
  "uri",
  "uri-reference",
  "uri-template",
  "url",
  "email",
  "hostname",
  "ipv4",
  "ipv6",
  "regex",
  "uuid",
  "json-pointer",
];
const FORMATS: readonly string[] = [...OWN_FORMATS, ...STANDARD_FORMATS];
const TYPES = ["object", "array", "string", "number", "integer", "boolean", "null"];

interface Rule {
  readonly expected: string;
  readonly holds: (value: unknown) => boolean;
}

const text: Rule = { expected: "text", holds: (value) => typeof value === "string" };
const number: Rule = { expected: "a number", holds: (value) => typeof value === "number" };
const count: Rule = { expected: "a whole number", holds: (value) => Number.isInteger(value) && (value as number) >= 0 };
const flag: Rule = { expected: "true or false", holds: (value) => typeof value === "boolean" };
const list: Rule = { expected: "a list", holds: Array.isArray };
const names: Rule = {
  expected: "a list of names",
  holds: (value) => Array.isArray(value) && value.every((one) => typeof one === "string"),
};
const any: Rule = { expected: "anything", holds: () => true };
const schema: Rule = { expected: "a schema", holds: (value) => isObject(value) || typeof value === "boolean" };
const schemas: Rule = { expected: "a list of schemas", holds: (value) => Array.isArray(value) && value.every(schema.holds) };
const schemasByName: Rule = {
  expected: "schemas by name",
  holds: (value) => isObject(value) && Object.values(value).every(schema.holds),
};
const namesByName: Rule = {
  expected: "lists of names by name",
  holds: (value) => isObject(value) && Object.values(value).every(names.holds),
};
const pattern: Rule = { expected: "a regular expression", holds: (value) => typeof value === "string" && compiles(value) };
const type: Rule = {
  expected: `one or some of ${TYPES.join(", ")}`,
  holds: (value) => [value].flat().every((one) => TYPES.includes(one as string)),
};

/** What a configuration's schema may say: JSON Schema 2020-12 within one document, and `unit`. */
const KEYWORDS: Readonly<Record<string, Rule>> = {
  $schema: text,
  $id: text,
  $comment: text,
  $ref: { expected: "#/… within the schema", holds: (value) => typeof value === "string" && value.startsWith("#/") },
  $defs: schemasByName,
  definitions: schemasByName,
  title: text,
  description: text,
  unit: text,
  examples: list,
  deprecated: flag,
  readOnly: flag,
  writeOnly: flag,
  type,
  enum: list,
  const: any,
  default: any,
  format: text,
  minimum: number,
  maximum: number,
  exclusiveMinimum: number,
  exclusiveMaximum: number,
  multipleOf: { expected: "a number above 0", holds: (value) => typeof value === "number" && value > 0 },
  minLength: count,
  maxLength: count,
  pattern,
  minItems: count,
  maxItems: count,
  uniqueItems: flag,
  minContains: count,
  maxContains: count,
  minProperties: count,
  maxProperties: count,
  required: names,
  dependentRequired: namesByName,
  properties: schemasByName,
  patternProperties: {
    expected: schemasByName.expected,
    holds: (value) => schemasByName.holds(value) && Object.keys(value as Json).every(compiles),
  },
  dependentSchemas: schemasByName,
  additionalProperties: schema,
  unevaluatedProperties: schema,
  propertyNames: schema,
  items: schema,
  unevaluatedItems: schema,
  contains: schema,
  prefixItems: schemas,
  allOf: schemas,
  anyOf: schemas,
  oneOf: schemas,
  ...Object.fromEntries(["not", "if", "then", "else"].map((keyword) => [keyword, schema])),
};

/** Through these a value has one schema, known beforehand: only there can units be converted and secrets be kept apart. */
const PLAIN = new Set(["properties", "additionalProperties", "items"]);

/** What is wrong with the `config` part of a manifest, by the place in the manifest; empty when nothing is. */
export function configSchemaProblems(manifest: Manifest): SchemaProblem[] {
  const config = manifest.config;
  if (config === undefined) return [];
  const problems: SchemaProblem[] = [];
  if (config["type"] !== undefined && config["type"] !== "object")
    problems.push({ where: "/config/type", message: `a configuration is an object, found ${JSON.stringify(config["type"])}` });
  check(config, "/config", true, config, problems);
  // A schema that is none cannot check anything.
  if (problems.length === 0) checkDefaults(config, "value", "/config", manifest, problems);
  return problems;
}

function check(node: Json, where: string, plain: boolean, root: Json, problems: SchemaProblem[]): void {
  for (const [keyword, value] of Object.entries(node)) {
    const place = `${where}/${keyword}`;
    if (!Object.hasOwn(KEYWORDS, keyword)) {
      const close = nearest(keyword, Object.keys(KEYWORDS));
      const hint = close === null ? "" : `, did you mean ${JSON.stringify(close)}?`;
      problems.push({ where: place, message: `${JSON.stringify(keyword)} is no keyword of a configuration's schema${hint}` });
      continue;
    }
    const rule = KEYWORDS[keyword];
    if (!rule.holds(value)) {
      problems.push({ where: place, message: `expected ${rule.expected}, found ${JSON.stringify(value).slice(0, 60)}` });
      continue;
    }
    if (keyword === "$ref" && !resolves(root, value as string))
      problems.push({ where: place, message: `there is nothing at ${String(value)}` });
    const inner = (child: unknown, part: string): void => {
      if (isObject(child)) check(child, place + part, plain && PLAIN.has(keyword), root, problems);
    };
    if (rule === schema) inner(value, "");
    else if (rule === schemas) (value as unknown[]).forEach((child, i) => inner(child, `/${i}`));
    else if (rule === schemasByName || keyword === "patternProperties")
      for (const [key, child] of Object.entries(value as Json)) inner(child, `/${key}`);
  }
  if (typeof node["format"] === "string") checkFormat(node, node["format"], where, plain, problems);
}

function checkFormat(node: Json, format: string, where: string, plain: boolean, problems: SchemaProblem[]): void {
  const place = `${where}/format`;
  if (!FORMATS.includes(format)) {
    const close = nearest(format, FORMATS);
    const hint = close === null ? `expected one of ${FORMATS.join(", ")}` : `did you mean ${JSON.stringify(close)}?`;
    problems.push({ where: place, message: `${JSON.stringify(format)} is no known format, ${hint}` });
    return;
  }
  if (!(OWN_FORMATS as readonly string[]).includes(format)) return;
  if (!plain)
    problems.push({
      where: place,
      message: `the format ${format} counts only below properties, items and additionalProperties`,
    });
  const types = [node["type"] ?? []].flat() as string[];
  const allowed = format === "duration" || format === "bytes" ? ["number", "integer", "string"] : ["string"];
  if (!types.every((one) => allowed.includes(one)))
    problems.push({
      where: `${where}/type`,
      message: `a ${format} is of type ${allowed.join(" or ")}, found ${types.join(" and ")}`,
    });
  if (format === "secret" && node["default"] !== undefined)
    problems.push({ where: `${where}/default`, message: "a secret has no default: what stands in plugin.json is known to all" });
}

/** Every default as if the operator had written it. */
function checkDefaults(node: Json, own: string, where: string, manifest: Manifest, problems: SchemaProblem[]): void {
  const children: [name: string, place: string, schema: unknown][] = Object.entries((node["properties"] ?? {}) as Json).map(
    ([name, child]) => [name, `${where}/properties/${name}`, child],
  );
  for (const keyword of ["items", "additionalProperties"]) children.push([own, `${where}/${keyword}`, node[keyword]]);
  for (const [name, place, child] of children) {
    if (!isObject(child)) continue;
    if (child["default"] !== undefined) {
      const alone = {
        ...manifest,
        config: { type: "object", properties: { [name]: child }, $defs: manifest.config?.["$defs"] ?? {} },
      };
      const found = settleConfig(alone, { [name]: child["default"] }, { dataDir: "/", secretsMayMiss: true }).problems;
      for (const { where: inside, message } of found)
        problems.push({
          where: `${place}/default${inside
            .split("/")
            .slice(2)
            .map((part) => `/${part}`)
            .join("")}`,
          message,
        });
    }
    checkDefaults(child, name, place, manifest, problems);
  }
}

function resolves(root: Json, ref: string): boolean {
  let here: unknown = root;
  for (const part of ref.slice(2).split("/")) here = isObject(here) && Object.hasOwn(here, part) ? here[part] : undefined;
  return here !== undefined;
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function compiles(source: string): boolean {
  try {
    return new RegExp(source, "u") instanceof RegExp;
  } catch {
    return false;
  }
}
