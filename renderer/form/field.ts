/** From a configuration's JSON Schema to the fields of a form. Pure. */
import { formatName, splitUnit } from "../format.ts";
import { pluginWords } from "../words-plugin.ts";
import { type Measure, measureOf } from "./measure.ts";
import { isObject, type Json, type JsonObject } from "./json.ts";

interface FieldBase {
  /** Name of the property; empty for the whole form and for a row of a list. */
  readonly name: string;
  readonly label: string;
  readonly help: string | null;
  readonly required: boolean;
  /** What holds when nothing is set; undefined when nothing does. */
  readonly fallback: Json | undefined;
}

export type TextFormat = "path" | "regex" | "text";

export interface TextField extends FieldBase {
  readonly kind: "text";
  readonly format: TextFormat;
}

/** A duration or a size: a text with a unit, or a plain number in the measure's. */
export interface QuantityField extends FieldBase {
  readonly kind: "quantity";
  readonly measure: Measure;
}

export interface NumberField extends FieldBase {
  readonly kind: "number";
  readonly integer: boolean;
  /** Of `formatQuantity`, or a word of the plugin's own; null without one. */
  readonly unit: string | null;
}

export interface SwitchField extends FieldBase {
  readonly kind: "switch";
}

export interface ChoiceField extends FieldBase {
  readonly kind: "choice";
  readonly options: readonly Json[];
}

/** Several of a few: a list of distinct enum values. */
export interface PickField extends FieldBase {
  readonly kind: "pick";
  readonly options: readonly Json[];
}

export interface SecretField extends FieldBase {
  readonly kind: "secret";
}

/** What no other field can draw is edited as JSON. */
export interface JsonField extends FieldBase {
  readonly kind: "json";
}

export interface ListField extends FieldBase {
  readonly kind: "list";
  readonly item: Field;
}

export interface GroupField extends FieldBase {
  readonly kind: "group";
  readonly fields: readonly Field[];
}

export type LeafField = TextField | QuantityField | NumberField | SwitchField | ChoiceField | PickField | JsonField;
export type Field = LeafField | SecretField | ListField | GroupField;

const MAX_DEPTH = 8;

/** The form of a whole configuration. `value` is what is set: names the schema does not know get a field too, to be seen and removed. */
export function formOf(schema: JsonObject, value: JsonObject): GroupField {
  return groupOf("", schema, { root: schema, value, inherited: undefined, required: true, depth: 0 });
}

interface Place {
  /** Where `$ref` leads. */
  readonly root: JsonObject;
  readonly value: Json | undefined;
  /** Its part of the default of the object around it. */
  readonly inherited: Json | undefined;
  readonly required: boolean;
  readonly depth: number;
  /** Of an item of a list the list's name: it says the unit. */
  readonly owner?: string;
}

function groupOf(name: string, schema: JsonObject, place: Place): GroupField {
  const base = baseOf(name, schema, place);
  const properties = isObject(schema["properties"]) ? schema["properties"] : {};
  const required = Array.isArray(schema["required"]) ? (schema["required"] as readonly Json[]) : [];
  const value = isObject(place.value) ? place.value : {};
  // The agent takes the default of an object as a whole, or not at all.
  const whole = place.value === undefined && isObject(base.fallback) ? base.fallback : {};
  const fields = Object.entries(properties).map(([child, childSchema]) =>
    fieldOf(child, childSchema, {
      root: place.root,
      value: value[child],
      inherited: whole[child],
      required: required.includes(child),
      depth: place.depth + 1,
    }),
  );
  const unknown = Object.keys(value)
    .filter((child) => !Object.hasOwn(properties, child))
    .map((child): JsonField => ({
      name: child,
      label: child,
      help: pluginWords.form.unknown,
      required: false,
      fallback: undefined,
      kind: "json",
    }));
  return { ...base, kind: "group", fields: [...fields, ...unknown] };
}

function baseOf(name: string, { title, description, default: own }: JsonObject, { required, inherited }: Place): FieldBase {
  return {
    name,
    label: typeof title === "string" ? title : formatName(name),
    help: typeof description === "string" ? description : null,
    required,
    fallback: inherited === undefined ? own : inherited,
  };
}

function fieldOf(name: string, given: Json, place: Place): Field {
  const schema = resolved(given, place.root);
  const base = baseOf(name, schema, place);
  const json: JsonField = { ...base, kind: "json" };
  if (isSecret(schema)) return { ...base, kind: "secret", fallback: undefined };
  const options = optionsOf(schema, place.root);
  if (options) return { ...base, kind: "choice", options };
  if (place.depth > MAX_DEPTH || BRANCHES.some((keyword) => keyword in schema)) return json;
  const types = [schema["type"]].flat();
  const format = typeof schema["format"] === "string" ? schema["format"] : "";
  if (format === "duration" || format === "bytes") {
    const { label, ...measure } = measureOf(name || (place.owner ?? ""), format);
    return { ...base, kind: "quantity", label: schema["title"] === undefined && name ? label : base.label, measure };
  }
  if (types.length > 1) return json;
  switch (types[0]) {
    case "boolean":
      return { ...base, kind: "switch" };
    case "integer":
    case "number":
      return numberOf(base, schema);
    case "string":
      return { ...base, kind: "text", format: textFormat(format) };
    case "array":
      return listOf(base, schema, place) ?? json;
    case "object":
      // A schema for any name, or none at all, has no fields of its own.
      return isObject(schema["properties"]) && !isObject(schema["additionalProperties"]) ? groupOf(name, schema, place) : json;
    default:
      return json;
  }
}

/** What makes the value's shape depend on the value. */
const BRANCHES = ["oneOf", "anyOf", "allOf", "not", "if", "const", "patternProperties", "prefixItems", "$ref"];

/** Follows a `$ref` into the same schema; what else stands beside it (a description, a default) wins. */
function resolved(given: Json, root: JsonObject): JsonObject {
  let schema: JsonObject = isObject(given) ? given : {};
  for (let i = 0; i < MAX_DEPTH && typeof schema["$ref"] === "string" && schema["$ref"].startsWith("#/"); i++) {
    const { $ref, ...beside } = schema as JsonObject & { $ref: string };
    let target: Json | undefined = root;
    for (const part of $ref.slice(2).split("/")) target = isObject(target) ? target[part] : undefined;
    if (!isObject(target)) break;
    schema = { ...target, ...beside };
  }
  return schema;
}

function isSecret(schema: JsonObject): boolean {
  return (
    schema["secret"] === true || schema["writeOnly"] === true || schema["format"] === "secret" || schema["format"] === "password"
  );
}

/** The values to choose from: an enum, or a union of constants. */
function optionsOf(schema: JsonObject, root: JsonObject): readonly Json[] | null {
  const listed = schema["enum"];
  if (Array.isArray(listed)) return listed as readonly Json[];
  const union = schema["oneOf"] ?? schema["anyOf"];
  if (!Array.isArray(union)) return null;
  const constants = (union as readonly Json[]).map((one) => resolved(one, root)["const"]);
  return constants.every((one) => one !== undefined) ? constants : null;
}

const UNIT_OF_SYMBOL: Readonly<Record<string, string>> = {
  ms: "milliseconds",
  s: "seconds",
  B: "bytes",
  "%": "percent",
  "°C": "celsius",
};

/** The unit is annotated, or ends the name as everywhere in the agent's data; then the label goes without it. */
function numberOf(base: FieldBase, schema: JsonObject): NumberField {
  const annotated = schema["unit"];
  const { stem, unit } = splitUnit(base.name);
  const symbol = typeof annotated === "string" ? annotated : null;
  const measured = unit !== null && unit !== "moment" && unit !== "moment_seconds" && unit !== "count";
  const label = measured && stem && schema["title"] === undefined ? formatName(stem) : base.label;
  return {
    ...base,
    label,
    kind: "number",
    integer: schema["type"] === "integer",
    unit: symbol ? (UNIT_OF_SYMBOL[symbol] ?? symbol) : measured ? unit : null,
  };
}

function textFormat(format: string): TextFormat {
  if (format === "regex") return format;
  return format === "path" || format === "data-path" ? "path" : "text";
}

function listOf(base: FieldBase, schema: JsonObject, place: Place): ListField | PickField | null {
  if (!isObject(schema["items"])) return null;
  // One field for all rows: it has to know the names of each.
  const rows = Array.isArray(place.value) ? (place.value as readonly Json[]).filter(isObject) : [];
  const value = rows.length > 0 ? (Object.assign({}, ...rows) as JsonObject) : undefined;
  const item = fieldOf("", schema["items"], {
    root: place.root,
    value,
    inherited: undefined,
    required: true,
    depth: place.depth + 1,
    owner: base.name,
  });
  if (item.kind === "choice" && schema["uniqueItems"] === true) return { ...base, kind: "pick", options: item.options };
  // A list of lists has no names to speak of.
  if (item.kind === "list" || item.kind === "json" || item.kind === "pick") return null;
  return { ...base, kind: "list", item };
}

/** The configuration of the plugin as a whole stands under that of its named instances: its values are their defaults. */
export function inherit(schema: JsonObject, shared: JsonObject): JsonObject {
  const properties = isObject(schema["properties"]) ? schema["properties"] : {};
  const required = Array.isArray(schema["required"]) ? (schema["required"] as readonly Json[]) : [];
  const names = Object.keys(shared).filter((name) => isObject(properties[name]));
  if (names.length === 0) return schema;
  const changed = names.map((name) => [name, { ...(properties[name] as JsonObject), default: shared[name] }] as const);
  return {
    ...schema,
    properties: { ...properties, ...Object.fromEntries(changed) },
    required: required.filter((name) => typeof name !== "string" || !names.includes(name)),
  };
}

/** A secret is somewhere in it. */
export function holdsSecret(field: Field): boolean {
  if (field.kind === "group") return field.fields.some(holdsSecret);
  return field.kind === "list" ? holdsSecret(field.item) : field.kind === "secret";
}
