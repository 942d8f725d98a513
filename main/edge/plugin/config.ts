import { join } from "node:path";
import {
  AgentError,
  type ConfigChange,
  type ConfigProblem,
  type Manifest,
  type PluginDetail,
  quantityOf,
  strategySchema,
  walkConfig,
} from "all-use-agent/sdk";
import { editPlugin, readConfig } from "../../host/config-file.ts";
import { DEFAULT_INSTANCE, instanceKey, splitKey } from "../../host/config/instance-name.ts";
import { migrationDue } from "../../host/config/migration-due.ts";
import { SecretStore } from "../../host/config/secrets.ts";
import { type PluginSettings, withStrategy } from "../../host/config/settings.ts";
import { knownPlugin } from "../../host/package/install.ts";
import { configInvalid, secretAt, secretName, secretPointers, settleConfig, withoutSecrets } from "../../host/plugin-config.ts";
import { strategyLayers } from "../../host/plans.ts";
import { settleStrategy } from "../../host/strategy/settle.ts";
import { type AgentClient, connect } from "../client.ts";
import { dataDirOf } from "../data-dir.ts";
import { table } from "../table.ts";
import { DATA_DIR_OPTION, DONE, expectPositionals, JSON_OPTION, parseCommand, UsageError } from "../usage.ts";
import { keyParts, parseValue, schemaAt, setValue } from "./config-values.ts";
import { readHidden } from "./hidden-input.ts";
import { agentRuns, rootsOf } from "./place.ts";

type Json = Record<string, unknown>;

/** A plugin's configuration, wherever it comes from: the running agent, or the files where none runs. */
interface Target {
  readonly id: string;
  readonly instance: string;
  readonly manifest: Pick<Manifest, "id" | "config">;
  /** What is set for the plugin as a whole, and for the instance itself. */
  readonly shared: Json;
  readonly own: Json;
  readonly secrets: readonly string[];
  readonly problems: readonly ConfigProblem[];
  /** When a collector is read, by layers; null of what is no collector. */
  readonly strategy: { readonly manifest: Json; readonly shared: Json; readonly own: Json } | null;
  /** Sets it whole; returns when it counts, in a sentence. */
  change(change: ConfigChange): Promise<string>;
}

/** `alluse plugin config ID [KEY=VALUE…] [--secret KEY] [--forget KEY] [--instance I]` */
export async function config(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseCommand(args, {
    ...DATA_DIR_OPTION,
    ...JSON_OPTION,
    instance: { type: "string" },
    secret: { type: "string" },
    forget: { type: "string" },
  });
  const [named, ...words] = positionals;
  expectPositionals(named === undefined ? [] : [named], ["The plugin's id"]);
  const { id, instance } = splitKey(named);
  const target = await targetOf(dataDirOf(values["data-dir"]), id, values.instance ?? instance);
  const own = structuredClone(target.own);
  const strategy = structuredClone(target.strategy?.own ?? {});
  const said = words.map((word) => assign(target, own, strategy, word));
  const secrets: Record<string, string | null> = {};
  for (const key of [values.secret, values.forget]) if (key !== undefined) secretPointer(target, key);
  if (values.forget !== undefined) {
    secrets[secretPointer(target, values.forget)] = null;
    said.push(`${values.forget} is forgotten`);
  }
  if (values.secret !== undefined) {
    secrets[secretPointer(target, values.secret)] = await readHidden(
      `${values.secret} of ${instanceKey(id, target.instance)} (not shown): `,
    );
    said.push(`${values.secret} is set`);
  }
  if (said.length === 0) {
    process.stdout.write(values.json ? `${JSON.stringify(asJson(target), null, 2)}\n` : asText(target));
    return DONE;
  }
  const counts = await target.change({
    instance: target.instance,
    config: own,
    ...(JSON.stringify(strategy) !== JSON.stringify(target.strategy?.own ?? {}) && { strategy }),
    ...(Object.keys(secrets).length > 0 && { secrets }),
  });
  if (values.json) process.stdout.write(`${JSON.stringify({ id, instance: target.instance, config: own }, null, 2)}\n`);
  else process.stdout.write(`${instanceKey(id, target.instance)}: ${said.join(", ")}. ${counts}\n`);
  return DONE;
}

/** `interval_ms=250` → what was done, in words. */
function assign(target: Target, own: Json, strategy: Json, word: string): string {
  const at = word.indexOf("=");
  if (at < 1) throw new UsageError(`${JSON.stringify(word)} is not KEY=VALUE.`);
  const key = word.slice(0, at);
  const parts = keyParts(key);
  const ofStrategy = isOfStrategy(target, parts);
  const schema = ofStrategy ? schemaAt(strategySchema, parts.slice(1)) : schemaAt(target.manifest.config ?? {}, parts);
  if (schema?.["format"] === "secret")
    throw new UsageError(
      `${key} is a secret: --secret ${key} reads it from the terminal or a pipe, so that no history keeps it.`,
    );
  const text = word.slice(at + 1);
  const value = text === "" ? undefined : parseValue(text, schema, parts.at(-1)!);
  if (ofStrategy) setValue(strategy, parts.slice(1), value);
  else setValue(own, parts, value);
  return value === undefined ? `${key} is as by default` : `${key} is ${JSON.stringify(value)}`;
}

/** `strategy.mode`, unless the plugin's own configuration has a part of that name. */
function isOfStrategy({ strategy, manifest }: Target, parts: readonly string[]): boolean {
  if (strategy === null || parts[0] !== "strategy" || parts.length < 2) return false;
  return !Object.hasOwn(manifest.config?.["properties"] ?? {}, "strategy");
}

function secretPointer({ manifest, id }: Target, key: string): string {
  const pointer = `/${keyParts(key).join("/")}`;
  if (secretAt(manifest.config ?? {}, pointer)) return pointer;
  const names = secretPointers(manifest as Manifest, {}).map(secretName);
  throw new AgentError(
    "secret_unknown",
    `${id} has no secret ${JSON.stringify(key)}${names.length === 0 ? "" : `; it has ${names.join(", ")}`}`,
  );
}

async function targetOf(dataDir: string, id: string, instance: string): Promise<Target> {
  const target = (await agentRuns(dataDir))
    ? await runningTarget(await connect(dataDir), id, instance)
    : await fileTarget(dataDir, id, instance);
  return target;
}

async function runningTarget(agent: AgentClient, id: string, instance: string): Promise<Target> {
  const path = pluginPath(id);
  const detail = await agent.get<PluginDetail>(path);
  const found = detail.instances.find((one) => one.instance === instance);
  if (!found && instance !== DEFAULT_INSTANCE)
    throw unknownInstance(
      id,
      instance,
      detail.instances.map((one) => one.instance),
    );
  return {
    id,
    instance,
    manifest: { id, config: detail.configSchema },
    shared: detail.sharedConfig,
    own: { ...(found?.config ?? detail.sharedConfig) },
    secrets: found?.secrets ?? [],
    problems: found?.problems ?? [],
    strategy: detail.manifestStrategy
      ? {
          manifest: detail.manifestStrategy,
          shared: detail.sharedStrategy ?? {},
          own: found?.strategy ?? detail.sharedStrategy ?? {},
        }
      : null,
    async change(change) {
      const after = await agent.postJson<PluginDetail>(`${path}/config`, change);
      const pending = after.instances.find((one) => one.instance === instance)?.pending;
      return pending ?? "The running agent works with it.";
    },
  };
}

async function fileTarget(dataDir: string, id: string, instance: string): Promise<Target> {
  const path = join(dataDir, "config.json");
  const { manifest } = await knownPlugin(rootsOf(dataDir), id);
  if (!manifest)
    throw new AgentError("manifest_invalid", `the plugin.json of ${id} cannot be used: alluse plugin info ${id} says why`);
  const settings: PluginSettings = (await readConfig(path, false)).plugins?.[id] ?? {};
  const named = settings.instances?.[instance];
  if (instance !== DEFAULT_INSTANCE && !named) throw unknownInstance(id, instance, Object.keys(settings.instances ?? {}));
  const key = instanceKey(id, instance);
  const store = await SecretStore.open(
    join(dataDir, "secrets.json"),
    null,
    (message) => void process.stderr.write(`${message}\n`),
  );
  // One that stands in the file in clear is shown to nobody, and gone when the file is written.
  const shared = withoutSecrets(manifest, settings.config ?? {});
  const set = (instance === DEFAULT_INSTANCE ? settings.config : named?.config) ?? {};
  // Those under a seal cannot be opened here; that they are there is enough.
  const names = [...Object.keys(store.of(key)), ...store.unreadable(key)].map(secretName);
  const strategySet = (instance === DEFAULT_INSTANCE ? settings.strategy : named?.strategy) ?? {};
  const check = (config: Json, strategy: Json = strategySet): readonly ConfigProblem[] => {
    const given = instance === DEFAULT_INSTANCE ? config : { ...shared, ...config };
    const settled = settleConfig(manifest, given, { dataDir, key, secretsMayMiss: true });
    const after = withStrategy(settings, instance, strategy);
    const layers = strategyLayers(manifest, after, instance);
    return [...settled.problems, ...settleStrategy(manifest, layers, settled.config["interval_ms"]).problems];
  };
  return {
    id,
    instance,
    manifest,
    shared,
    own: withoutSecrets(manifest, set),
    secrets: names,
    problems: check(set),
    strategy:
      manifest.kind === "collector"
        ? { manifest: manifest.strategy ?? {}, shared: settings.strategy ?? {}, own: strategySet }
        : null,
    async change({ config: changed, secrets, strategy = strategySet }) {
      if (migrationDue(manifest, settings))
        throw new AgentError(
          "migration_due",
          `what is set for ${id} is of an earlier version of it: start the agent once, which translates it`,
        );
      const error = configInvalid(key, check(changed, strategy));
      if (error) throw error;
      if (secrets) await store.set(key, secrets);
      await editPlugin(path, id, (before) =>
        withStrategy(withConfig(before, instance, changed, manifest.configVersion ?? 1), instance, strategy),
      );
      return "It counts when the agent starts.";
    },
  };
}

function withConfig(before: PluginSettings, instance: string, config: Readonly<Json>, version: number): PluginSettings {
  const stamped = version > 1 ? { config_version: version } : {};
  if (instance === DEFAULT_INSTANCE) {
    const { config: _old, ...rest } = before;
    return Object.keys(config).length > 0 ? { ...rest, config, ...stamped } : rest;
  }
  return { ...before, ...stamped, instances: { ...before.instances, [instance]: { ...before.instances?.[instance], config } } };
}

/** The door's address of a plugin. */
export function pluginPath(id: string): string {
  return `/api/agent/plugins/${id.split("/").map(encodeURIComponent).join("/")}`;
}

function unknownInstance(id: string, instance: string, names: readonly string[]): AgentError {
  const there = names.filter((name) => name !== DEFAULT_INSTANCE);
  return new AgentError(
    "instance_unknown",
    `${id} has no instance ${JSON.stringify(instance)}; ${there.length === 0 ? "none is named" : `there are ${there.join(", ")}`}`,
  );
}

interface Row {
  readonly key: string;
  readonly value: unknown;
  readonly from: "set" | "shared" | "default" | "plugin.json";
  readonly unit: string | null;
}

/** Every property that has a value, in the words of the configuration file. */
function rowsOf({ manifest, shared, own, instance, strategy }: Target): Row[] {
  const named = instance !== DEFAULT_INSTANCE;
  const given = named ? { ...shared, ...own } : own;
  const { written } = settleConfig(manifest as Manifest, given, { dataDir: "/", secretsMayMiss: true });
  const rows: Row[] = [];
  walkConfig(manifest.config ?? {}, written, ({ pointer, name, schema, value }) => {
    if (value === undefined || (isBranch(schema) && typeof value === "object")) return;
    const parts = keyParts(pointer);
    const from = has(own, parts) ? "set" : named && has(shared, parts) ? "shared" : "default";
    const unit = quantityOf(name, schema["format"])?.unit ?? (schema["unit"] as string | undefined) ?? null;
    rows.push({ key: secretName(pointer), value, from, unit: typeof value === "number" ? unit : null });
  });
  return [...rows, ...strategyRows(strategy, named)];
}

/** What anybody said of when it is read. */
function strategyRows(strategy: Target["strategy"], named: boolean): Row[] {
  if (strategy === null) return [];
  const { manifest, shared, own } = strategy;
  const merged: Json = { ...manifest, ...(named && shared), ...own };
  return Object.entries(merged).map(([name, value]) => {
    const from = Object.hasOwn(own, name) ? "set" : named && Object.hasOwn(shared, name) ? "shared" : "plugin.json";
    return { key: `strategy.${name}`, value, from, unit: null };
  });
}

/** Whether what is inside is told by itself. */
function isBranch(schema: Readonly<Json>): boolean {
  return schema["properties"] !== undefined;
}

function has(config: unknown, parts: readonly string[]): boolean {
  let here: unknown = config;
  for (const part of parts) {
    if (typeof here !== "object" || here === null || !Object.hasOwn(here, part)) return false;
    here = (here as Json)[part];
  }
  return true;
}

function asText(target: Target): string {
  const rows = rowsOf(target);
  const pointers = secretPointers(target.manifest as Manifest, target.own).map(secretName);
  const lines = [
    ...rows.map(({ key, value, from, unit }) => [key, `${JSON.stringify(value)}${unit === null ? "" : ` ${unit}`}`, from]),
    ...pointers.map((name) => [name, "(secret)", target.secrets.includes(name) ? "set" : "not set"]),
  ];
  const head = lines.length === 0 ? "It has no configuration.\n" : table(["KEY", "VALUE", "FROM"], lines);
  return head + target.problems.map(({ where, message }) => `problem at ${where}: ${message}\n`).join("");
}

function asJson(target: Target): unknown {
  return {
    id: target.id,
    instance: target.instance,
    effective: Object.fromEntries(rowsOf(target).map(({ key, value, from }) => [key, { value, from }])),
    set: target.own,
    ...(target.strategy && { strategy: target.strategy.own }),
    secrets: target.secrets,
    problems: target.problems,
  };
}
