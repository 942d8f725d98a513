import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import {
  AgentError,
  type ConfigProblem,
  fillDefaults,
  type Manifest,
  plainQuantity,
  pointerParts,
  type Quantity,
  quantityOf,
  readQuantity,
  walkConfig,
} from "all-use-agent/sdk";
import { schemaProblems } from "./schema.ts";

type Json = Record<string, unknown>;

export interface ConfigSurroundings {
  readonly dataDir: string;
  /** By JSON pointer. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Asks for no secrets: whoever checks does not have them. */
  readonly secretsMayMiss?: boolean;
  /** Under which the operator knows the instance: `collectors/ping#lan`. */
  readonly key?: string;
}

export interface SettledConfig {
  /** As the plugin gets it, when nothing is wrong. */
  readonly config: Json;
  /** As the operator would write it: what is set, and the defaults. Without secrets. */
  readonly written: Json;
  readonly problems: readonly ConfigProblem[];
}

/**
 * A plugin's configuration: the operator's values over the schema's defaults, durations in milliseconds, sizes in bytes,
 * secrets put in, relative `data-path`s below the data folder; and everything that is wrong with it. Problems never quote a
 * secret.
 */
export function settleConfig(manifest: Manifest, given: Readonly<Json>, surroundings: ConfigSurroundings): SettledConfig {
  const schema: Json = { additionalProperties: false, ...manifest.config };
  const written = structuredClone({ ...given });
  const problems = takeOutSecrets(schema, written, surroundings.key ?? manifest.id);
  fillDefaults(schema, written);
  const config = structuredClone(written);
  putInSecrets(schema, config, surroundings.secrets ?? {});
  const bad = new Set(problems.map(({ where }) => where));
  const quantities = toNumbers(schema, config, (problem) => {
    problems.push(problem);
    bad.add(problem.where);
  });
  for (const problem of schemaProblems(checkable(schema), config, written)) {
    if (bad.has(problem.where)) continue;
    if (secretAt(schema, problem.where) && problem.message.endsWith("is missing")) {
      if (!surroundings.secretsMayMiss)
        problems.push({ where: problem.where, message: missing(surroundings, manifest, problem.where) });
    } else problems.push(problem);
  }
  for (const { quantity, value, set } of quantities) set(plainQuantity(quantity, value));
  walkConfig(schema, config, ({ schema: { format }, value, set, pointer }) => {
    if (typeof value !== "string") return;
    if (format === "data-path") set(isAbsolute(value) ? value : join(surroundings.dataDir, value));
    else if (format === "path") {
      const path = value.startsWith("~/") ? join(homedir(), value.slice(2)) : value;
      if (isAbsolute(path)) set(path);
      else problems.push({ where: pointer, message: `expected a path that begins with / or ~/, found ${JSON.stringify(value)}` });
    }
  });
  return { config, written, problems };
}

/** The configuration that `settleConfig` settles. Throws `plugin_config_invalid` with the first problem. */
export function resolveConfig(manifest: Manifest, given: Json, surroundings: ConfigSurroundings | string): Json {
  const around = typeof surroundings === "string" ? { dataDir: surroundings } : surroundings;
  const { config, problems } = settleConfig(manifest, given, around);
  const error = configInvalid(around.key ?? manifest.id, problems);
  if (error) throw error;
  return config;
}

/** The problems of a configuration as one error; null when there are none. */
export function configInvalid(key: string, problems: readonly ConfigProblem[]): AgentError | null {
  if (problems.length === 0) return null;
  const { where, message } = problems[0];
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : "";
  return new AgentError("plugin_config_invalid", `the configuration of ${key} is not valid at ${where}: ${message}${more}`, {
    where,
  });
}

/** The pointers of all secrets that a configuration could have: its schema's, and for every entry that is there. */
export function secretPointers(manifest: Manifest, given: Readonly<Json>): string[] {
  const schema = manifest.config ?? {};
  const config = structuredClone({ ...given });
  fillDefaults(schema, config);
  const found: string[] = [];
  const visit = (pointer: string, inner: Json): void => {
    if (inner["format"] === "secret") found.push(pointer);
    // An object that is not there may still get a secret.
    for (const [name, child] of Object.entries((inner["properties"] ?? {}) as Record<string, Json>))
      visit(`${pointer}/${name}`, child);
  };
  walkConfig(schema, config, ({ pointer, schema: inner, value }) => {
    if (inner["format"] === "secret" || value === undefined) visit(pointer, inner);
  });
  return found;
}

/** Whether the schema has a secret at a pointer. */
export function secretAt(schema: Readonly<Json>, pointer: string): boolean {
  let here: unknown = schema;
  for (const part of pointerParts(pointer)) {
    const node = (here ?? {}) as { properties?: Json; additionalProperties?: unknown; items?: unknown };
    if (node.properties && Object.hasOwn(node.properties, part)) here = node.properties[part];
    else here = /^\d+$/.test(part) && node.items ? node.items : node.additionalProperties;
  }
  return (here as { format?: unknown } | null | undefined)?.format === "secret";
}

/** `auth.password` of `/auth/password`: how people name a secret. */
export function secretName(pointer: string): string {
  return pointerParts(pointer).join(".");
}

/** What the operator set, without secrets that stand in it in clear. */
export function withoutSecrets(manifest: Manifest, given: Readonly<Json>): Json {
  const config = structuredClone({ ...given });
  takeOutSecrets(manifest.config ?? {}, config, manifest.id);
  return config;
}

function takeOutSecrets(schema: Json, config: Json, key: string): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  walkConfig(schema, config, ({ schema: { format }, value, pointer, remove }) => {
    if (format !== "secret" || value === undefined) return;
    remove();
    const message = `a secret does not belong into config.json: take it out there and set it with \`${command(key)} --secret ${secretName(pointer)}\``;
    problems.push({ where: pointer, message });
  });
  return problems;
}

function command(key: string): string {
  const [id, instance] = key.split("#");
  return `alluse plugin config ${id}${instance === undefined ? "" : ` --instance ${instance}`}`;
}

function missing({ key }: ConfigSurroundings, manifest: Manifest, pointer: string): string {
  return `this secret has no value yet: \`${command(key ?? manifest.id)} --secret ${secretName(pointer)}\` sets it`;
}

/** Objects of the schema on the way are made; an entry of a list that is not there has no secret. */
function putInSecrets(schema: Json, config: Json, secrets: Readonly<Record<string, string>>): void {
  for (const [pointer, value] of Object.entries(secrets)) {
    if (!secretAt(schema, pointer)) continue;
    const parts = pointerParts(pointer);
    const last = parts.pop()!;
    let described: Json | undefined = schema;
    let here: unknown = config;
    for (const part of parts) {
      described = (described?.["properties"] as Record<string, Json> | undefined)?.[part];
      const next: unknown = isObject(here) || Array.isArray(here) ? (here as Json)[part] : undefined;
      here = next === undefined && isObject(here) && described?.["properties"] ? (here[part] = {}) : next;
    }
    if (isObject(here)) here[last] = value;
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

interface FoundQuantity {
  readonly quantity: Quantity;
  readonly value: number;
  readonly set: (value: unknown) => void;
}

/** Durations and sizes as numbers in the unit of their property, in which the schema's limits are. */
function toNumbers(schema: Json, config: Json, wrong: (problem: ConfigProblem) => void): FoundQuantity[] {
  const found: FoundQuantity[] = [];
  walkConfig(schema, config, ({ name, schema: inner, value, pointer, set }) => {
    const quantity = quantityOf(name, inner["format"]);
    if (!quantity || value === undefined) return;
    const number = readQuantity(quantity, value);
    if (number === null) {
      const example =
        quantity.format === "duration" ? 'a duration such as "5m", "1h30m" or "250ms"' : 'a size such as "512 MiB" or "2GB"';
      wrong({ where: pointer, message: `expected ${example}, or a number of ${quantity.unit}, found ${JSON.stringify(value)}` });
      return;
    }
    set(number);
    found.push({ quantity, value: number, set });
  });
  return found;
}

/** The schema as it checks what `toNumbers` left, for the validator, which has its own idea of durations. */
function checkable(schema: Json, name = ""): Json {
  const quantity = quantityOf(name, schema["format"]);
  const result: Json = { ...schema };
  if (quantity) {
    delete result["format"];
    const types = [schema["type"] ?? []].flat();
    result["type"] = types.includes("integer") ? "integer" : "number";
    result["unit"] = quantity.unit;
    if (Array.isArray(schema["enum"])) result["enum"] = schema["enum"].map((one: unknown) => readQuantity(quantity, one) ?? one);
  }
  if (schema["properties"])
    result["properties"] = Object.fromEntries(
      Object.entries(schema["properties"] as Record<string, Json>).map(([key, child]) => [key, checkable(child, key)]),
    );
  for (const keyword of ["items", "additionalProperties"]) {
    const child = schema[keyword];
    if (typeof child === "object" && child !== null) result[keyword] = checkable(child as Json, name);
  }
  return result;
}
