import {
  AgentError,
  type ConfigProblem,
  errorText,
  type PluginDetail,
  type PluginInstanceReport,
  type PluginReport,
} from "all-use-agent/sdk";
import { DEFAULT_INSTANCE } from "../host/config/instance-name.ts";
import { migrationDue } from "../host/config/migration-due.ts";
import type { PluginSettings } from "../host/config/settings.ts";
import { nearest } from "../host/nearest.ts";
import { type PlannedInstance, planInstances } from "../host/plans.ts";
import { secretName, withoutSecrets } from "../host/plugin-config.ts";
import type { KnownPlugin } from "../host/reconfigure.ts";
import type { LiveConfig } from "./live-config.ts";
import type { PackageDesk } from "./package-desk.ts";

export interface DetailParts {
  readonly live: LiveConfig;
  readonly packages: PackageDesk;
  readonly dataDir: string;
  readonly bare: boolean;
}

/** A plugin that can run here. Throws `plugin_unknown`. */
export function knownPluginOf({ live }: DetailParts, id: string): KnownPlugin {
  const { host } = live.parts;
  const known = host.find(id);
  if (known) return known;
  const close = nearest(id, host.ids());
  throw new AgentError(
    "plugin_unknown",
    `There is no plugin ${JSON.stringify(id)} whose plugin.json is right${close === null ? "" : `; did you mean ${close}?`}`,
    { where: "id" },
  );
}

/** The instances that settings would make, with what is wrong with each. */
export function plannedOf(
  parts: DetailParts,
  { place, manifest }: KnownPlugin,
  settings: PluginSettings,
  secrets: (key: string) => Readonly<Record<string, string>> = (key) => parts.live.parts.secrets.of(key),
): PlannedInstance[] {
  return planInstances(place, manifest, settings, { dataDir: parts.dataDir, bare: parts.bare, secrets });
}

/** All about one plugin. No secret is in it. */
export async function pluginDetail(parts: DetailParts, known: KnownPlugin): Promise<PluginDetail> {
  const { place, manifest } = known;
  const { host } = parts.live.parts;
  const settings = parts.live.settings[manifest.id] ?? {};
  const reports = new Map(host.reports().map((report) => [report.id, report]));
  const instances = plannedOf(parts, known, settings).map((planned) => instanceReport(parts, known, settings, planned, reports));
  const isolation = instances.find(({ report }) => report?.isolation)?.report?.isolation;
  const inside = place.origin === "bundled" || settings.inside === true;
  return {
    id: manifest.id,
    title: manifest.title,
    description: manifest.description ?? null,
    kind: manifest.kind,
    version: manifest.version,
    stability: manifest.stability,
    origin: place.origin,
    folder: place.folder,
    isolation: inside ? "core" : (isolation?.level ?? "process"),
    configSchema: manifest.config ?? { type: "object", additionalProperties: false, properties: {} },
    sharedConfig: withoutSecrets(manifest, settings.config ?? {}),
    ...(manifest.kind === "collector" && {
      sharedStrategy: settings.strategy ?? {},
      manifestStrategy: manifest.strategy ?? {},
    }),
    instances,
    limits: isolation?.limits ?? [],
    budget: { cpuMsPerSecond: manifest.budget?.cpu_ms_per_s ?? null, memoryMb: manifest.budget?.memory_mb ?? null },
    ...(await parts.packages.detail(manifest.id)),
  };
}

function instanceReport(
  parts: DetailParts,
  { manifest }: KnownPlugin,
  settings: PluginSettings,
  planned: PlannedInstance,
  reports: ReadonlyMap<string, PluginReport>,
): PluginInstanceReport {
  const { host, secrets } = parts.live.parts;
  const { key, instance, enabled } = planned;
  const { config: own, strategy } = (instance === DEFAULT_INSTANCE ? settings : settings.instances?.[instance]) ?? {};
  const later = manifest.kind === "storage" && planned.error === null && !host.isCurrent(planned);
  return {
    instance,
    enabled,
    config: withoutSecrets(manifest, own ?? {}),
    ...(manifest.kind === "collector" && { strategy: strategy ?? {} }),
    secrets: Object.keys(secrets.of(key)).map(secretName),
    problems: problemsOf(parts, manifest, settings, planned),
    pending: later ? "It keeps the samples of all others, so what was changed counts at the next start of the agent." : null,
    report: reports.get(key) ?? null,
  };
}

function problemsOf(
  { live }: DetailParts,
  manifest: KnownPlugin["manifest"],
  settings: PluginSettings,
  { key, problems, error }: PlannedInstance,
): ConfigProblem[] {
  const { host, secrets } = live.parts;
  const found: ConfigProblem[] = secrets.unreadable(key).map((where) => ({
    where,
    message: "this secret was sealed by another system or user and cannot be opened here: set it again",
  }));
  try {
    if (migrationDue(manifest, settings)) found.push({ where: "/", message: "it is of an earlier version of the plugin" });
    else found.push(...problems);
  } catch (newer) {
    found.push({ where: "/", message: errorText(newer) });
  }
  if (error && problems.length === 0) found.push({ where: "/", message: errorText(error) });
  const kept = host.keptBack.get(key);
  if (kept && kept.fingerprint !== null)
    found.push({ where: "/", message: `it does not start with this and runs on as it was: ${errorText(kept.error)}` });
  return found;
}
