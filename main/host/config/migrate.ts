import { AgentError, errorText, type Logger, type Manifest } from "all-use-agent/sdk";
import type { PluginFolder } from "../discover.ts";
import { settleConfig } from "../plugin-config.ts";
import { instanceKey } from "./instance-name.ts";
import { hasAny } from "./migration-due.ts";
import { runMigration } from "./run-migration.ts";
import type { InstanceSettings, PluginSettings } from "./settings.ts";

type Json = Record<string, unknown>;

const DEADLINE_MS = 10_000;

export interface MigrationParts {
  readonly place: PluginFolder;
  readonly manifest: Manifest;
  readonly settings: PluginSettings;
  readonly dataDir: string;
  readonly log: Logger;
}

/**
 * What is set, in the words of the manifest's `configVersion`: the plugin's own `migrate` translates it, in the agent for
 * those that run there and in a process of its own for all others. Checked before it is returned. Throws `migration_failed`.
 */
export async function migrateSettings(parts: MigrationParts): Promise<PluginSettings> {
  const { manifest, settings } = parts;
  const from = settings.config_version ?? 1;
  const names = Object.keys(settings.instances ?? {}).filter((name) => hasAny(settings.instances?.[name].config));
  const before = [settings.config ?? {}, ...names.map((name) => settings.instances?.[name].config ?? {})];
  const after = await translate(parts, before, from).catch((error: unknown) => {
    throw failed(manifest, from, errorText(error));
  });
  if (after === null) parts.log.warn(`it has no migrate(): its configuration of version ${from} is taken as it is`);
  const [config, ...others] = after ?? before;
  const instances: Record<string, InstanceSettings> = { ...settings.instances };
  names.forEach((name, i) => (instances[name] = { ...instances[name], config: others[i] }));
  const migrated: PluginSettings = {
    ...settings,
    ...(hasAny(config) && { config }),
    ...(settings.instances && { instances }),
    ...(manifest.configVersion !== undefined && { config_version: manifest.configVersion }),
  };
  check(parts, migrated, from);
  return migrated;
}

async function translate(parts: MigrationParts, configs: readonly Json[], from: number): Promise<Json[] | null> {
  const { place, manifest, settings, log } = parts;
  // A program has no migrate(), whatever language it is written in.
  if (manifest.isolation === "exec") return null;
  let result: unknown;
  if (place.origin === "bundled" || settings.inside === true) result = await runMigration(place.folder, manifest, configs, from);
  else {
    const { migrateInProcess } = await import("../process/migrate-process.ts");
    result = await migrateInProcess(place.folder, manifest, log, configs, from, DEADLINE_MS);
  }
  if (result === null) return null;
  if (!Array.isArray(result) || result.length !== configs.length || !result.every(isObject))
    throw new AgentError("migration_failed", "migrate() must return an object");
  // As config.json will hold it.
  return JSON.parse(JSON.stringify(result)) as Json[];
}

function check({ manifest, dataDir }: MigrationParts, settings: PluginSettings, from: number): void {
  const all: [string, Json][] = settings.instances
    ? Object.entries(settings.instances).map(([name, own]) => [name, { ...settings.config, ...own.config }])
    : [["default", { ...settings.config }]];
  for (const [name, given] of all) {
    const key = instanceKey(manifest.id, name);
    const [problem] = settleConfig(manifest, given, { dataDir, key, secretsMayMiss: true }).problems;
    if (problem)
      throw failed(manifest, from, `it gives ${key} a configuration that is not valid at ${problem.where}: ${problem.message}`);
  }
}

function failed(manifest: Manifest, from: number, reason: string): AgentError {
  return new AgentError(
    "migration_failed",
    `the configuration of ${manifest.id} could not be brought from version ${from} to ${manifest.configVersion ?? 1}: ${reason}`,
  );
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
