import { AgentError, pointerParts, quantityOf } from "all-use-agent/sdk";

type Json = Record<string, unknown>;

/** The parts of a key: by dots, or a JSON pointer where a name holds dots. Throws `key_invalid`. */
export function keyParts(key: string): string[] {
  const parts = key.startsWith("/") ? pointerParts(key) : key.split(".");
  if (parts.includes("") || parts.includes("__proto__"))
    throw new AgentError("key_invalid", `${JSON.stringify(key)} is no name of a property: names are parted by single dots`);
  return parts;
}

/** The schema at a key; null where it says nothing. */
export function schemaAt(schema: Readonly<Json>, parts: readonly string[]): Readonly<Json> | null {
  let here: unknown = schema;
  for (const part of parts) {
    const node = (here ?? {}) as { properties?: Json; items?: unknown; additionalProperties?: unknown };
    if (node.properties && Object.hasOwn(node.properties, part)) here = node.properties[part];
    else here = /^\d+$/.test(part) && node.items ? node.items : node.additionalProperties;
  }
  return typeof here === "object" && here !== null ? (here as Json) : null;
}

/** A word of the command line as the schema wants it. What does not fit stays text, for the check to say why. */
export function parseValue(text: string, schema: Readonly<Json> | null, name: string): unknown {
  const types = [schema?.["type"] ?? []].flat();
  const allowed = schema?.["enum"];
  if (Array.isArray(allowed) && allowed.includes(text)) return text;
  const numeric = /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text);
  if (quantityOf(name, schema?.["format"])) return numeric ? Number(text) : text;
  if (types.includes("string")) return text;
  if ((types.includes("number") || types.includes("integer")) && numeric) return Number(text);
  if (types.includes("array") && !text.trimStart().startsWith("[")) {
    const items = (schema?.["items"] ?? null) as Json | null;
    return text.split(",").map((one) => parseValue(one.trim(), items, name));
  }
  if (schema === null) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** Sets a value deep inside, undefined takes it away, with what is empty then. Lists and objects on the way are made. */
export function setValue(config: Json, parts: readonly string[], value: unknown): void {
  const [part, ...rest] = parts;
  if (rest.length === 0) {
    if (value !== undefined) config[part] = value;
    else if (Array.isArray(config)) config.splice(Number(part), 1);
    else delete config[part];
    return;
  }
  const inner = config[part];
  if (typeof inner !== "object" || inner === null) {
    if (value === undefined) return;
    config[part] = /^\d+$/.test(rest[0]) ? [] : {};
  }
  setValue(config[part] as Json, rest, value);
  if (value === undefined && Object.keys(config[part] as Json).length === 0) delete config[part];
}
