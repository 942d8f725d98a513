import { AgentError } from "./errors.ts";
import { plainQuantity, quantityOf, readQuantity } from "./quantity.ts";

type Json = Record<string, unknown>;

/** Formats that the agent itself gives a meaning; those of JSON Schema are only checked. */
export const OWN_FORMATS = ["duration", "bytes", "path", "data-path", "secret"] as const;

/** A value of a configuration with the part of the schema that describes it. */
export interface ConfigPlace {
  /** JSON pointer: `/targets/0/port`. */
  readonly pointer: string;
  /** The property's name; of an item of a list or an entry that the operator names, the list's or the object's. */
  readonly name: string;
  readonly schema: Readonly<Json>;
  /** undefined where nothing is given. */
  readonly value: unknown;
  readonly set: (value: unknown) => void;
  readonly remove: () => void;
}

/**
 * Visits every place of a configuration that its schema names, given or not, outer ones first: properties, those that
 * `additionalProperties` describes, and items. What a visit sets is visited next.
 */
export function walkConfig(schema: Readonly<Json>, config: Json, visit: (place: ConfigPlace) => void): void {
  walkObject(schema, config, "", "", visit);
}

function walkObject(
  schema: Readonly<Json>,
  holder: Json,
  own: string,
  pointer: string,
  visit: (place: ConfigPlace) => void,
): void {
  const properties = asObject(schema["properties"]) ?? {};
  const others = asObject(schema["additionalProperties"]);
  const names = new Set([...Object.keys(properties), ...(others ? Object.keys(holder) : [])]);
  for (const key of names) {
    const named = Object.hasOwn(properties, key);
    const inner = named ? asObject(properties[key]) : others;
    if (inner) walkValue(inner, holder, key, named ? key : own, `${pointer}/${escapePointer(key)}`, visit);
  }
}

function walkValue(
  schema: Readonly<Json>,
  holder: Json,
  key: string,
  name: string,
  pointer: string,
  visit: (place: ConfigPlace) => void,
): void {
  visit({
    pointer,
    name,
    schema,
    value: Object.hasOwn(holder, key) ? holder[key] : undefined,
    // Never the prototype, whatever the name.
    set: (value) => Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true }),
    remove: () => void delete holder[key],
  });
  const value = Object.hasOwn(holder, key) ? holder[key] : undefined;
  const items = asObject(schema["items"]);
  if (Array.isArray(value)) {
    if (!items) return;
    for (let i = 0; i < value.length; i++) walkValue(items, value as unknown as Json, String(i), name, `${pointer}/${i}`, visit);
  } else if (asObject(value)) walkObject(schema, value as Json, name, pointer, visit);
}

/** Sets every default that is not given otherwise, in objects that are not given at all too. */
export function fillDefaults(schema: Readonly<Json>, config: Json): void {
  walkConfig(schema, config, ({ schema: inner, value, set }) => {
    if (value !== undefined) return;
    if (inner["default"] !== undefined) return set(structuredClone(inner["default"]));
    if (!asObject(inner["properties"])) return;
    const made: Json = {};
    fillDefaults(inner, made);
    // An object that needs more than its defaults is the operator's to begin.
    const needed = Array.isArray(inner["required"]) ? (inner["required"] as string[]) : [];
    if (Object.keys(made).length > 0 && needed.every((name) => Object.hasOwn(made, name))) set(made);
  });
}

/**
 * A configuration as the plugin gets it, where nothing needs to be checked: defaults filled in, durations in milliseconds,
 * sizes in bytes. Throws `plugin_config_invalid` for what is no duration or size.
 */
export function fillConfig(schema: Readonly<Json>, given: Readonly<Json>): Json {
  const config = structuredClone({ ...given });
  fillDefaults(schema, config);
  walkConfig(schema, config, ({ name, schema: inner, value, set, pointer }) => {
    const quantity = quantityOf(name, inner["format"]);
    if (!quantity || value === undefined) return;
    const read = readQuantity(quantity, value);
    if (read === null)
      throw new AgentError("plugin_config_invalid", `${pointer} is no ${quantity.format}: ${JSON.stringify(value)}`);
    set(plainQuantity(quantity, read));
  });
  return config;
}

/** A name as a part of a JSON pointer (RFC 6901). */
export function escapePointer(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}

/** The parts of a JSON pointer. */
export function pointerParts(pointer: string): string[] {
  return pointer
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function asObject(value: unknown): Json | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : null;
}
