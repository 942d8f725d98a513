import { AgentError, type ConfigProblem, type Manifest } from "all-use-agent/sdk";
import { DEFAULT_INSTANCE, instanceKey } from "./config/instance-name.ts";
import { givenConfig, isEnabled, type PluginSettings } from "./config/settings.ts";
import type { PluginFolder } from "./discover.ts";
import { configInvalid, settleConfig } from "./plugin-config.ts";
import { settleStrategy, type StrategyLayers } from "./strategy/settle.ts";
import type { Strategy } from "./strategy/strategy.ts";

type Json = Record<string, unknown>;

/** What one instance of a plugin is to be: checked, and on its way to run. */
export interface Plan {
  /** `collectors/ping`, or `collectors/ping#lan`. */
  readonly key: string;
  readonly instance: string;
  readonly place: PluginFolder;
  readonly manifest: Manifest;
  /** As the plugin gets it, secrets and all. */
  readonly config: Json;
  readonly secrets: readonly string[];
  /** null of what is no collector. */
  readonly strategy: Strategy | null;
  readonly inside: boolean;
  /** The same for plans that need no other instance. */
  readonly fingerprint: string;
}

/** One instance that the operator wants, or switched off. */
export interface PlannedInstance {
  readonly key: string;
  readonly instance: string;
  readonly enabled: boolean;
  readonly problems: readonly ConfigProblem[];
  /** null when it is switched off or something is wrong. */
  readonly plan: Plan | null;
  readonly error: AgentError | null;
}

export interface PlanSurroundings {
  readonly dataDir: string;
  readonly bare: boolean;
  /** Opened secrets by JSON pointer. */
  secrets(key: string): Readonly<Record<string, string>>;
}

/** The instances that settings make of a plugin: one called `default`, or exactly those that they name. */
export function planInstances(
  place: PluginFolder,
  manifest: Manifest,
  settings: PluginSettings,
  around: PlanSurroundings,
): PlannedInstance[] {
  const names = settings.instances ? Object.keys(settings.instances) : [DEFAULT_INSTANCE];
  let served = false;
  return names.map((instance) => {
    const key = instanceKey(manifest.id, instance);
    const enabled = isEnabled(settings, instance, manifest.optional);
    const secrets = secretsOf(manifest.id, instance, around);
    const given = { ...givenConfig(settings, instance), ...(around.bare ? manifest.bare : {}) };
    const settled = settleConfig(manifest, given, { dataDir: around.dataDir, secrets, key });
    const { config } = settled;
    const { strategy, problems: wrong } = settleStrategy(
      manifest,
      strategyLayers(manifest, settings, instance),
      config["interval_ms"],
    );
    const problems = [...settled.problems, ...wrong];
    const inside = settings.inside === true;
    const fingerprint = JSON.stringify([
      place.folder,
      manifest.version,
      inside,
      config,
      strategy && { ...strategy, ofManifest: [...strategy.ofManifest] },
    ]);
    const error = second(manifest, key, enabled && served) ?? configInvalid(key, problems);
    served ||= enabled;
    const plan =
      enabled && !error
        ? { key, instance, place, manifest, config, secrets: Object.values(secrets), strategy, inside, fingerprint }
        : null;
    return { key, instance, enabled, problems, plan, error };
  });
}

/** What is said of when an instance is read, and by whom. */
export function strategyLayers(manifest: Manifest, settings: PluginSettings, instance: string): StrategyLayers {
  return { manifest: manifest.strategy, plugin: settings.strategy, instance: settings.instances?.[instance]?.strategy };
}

/** An instance's own secrets over the plugin's. */
export function secretsOf(id: string, instance: string, around: Pick<PlanSurroundings, "secrets">): Record<string, string> {
  const own = instance === DEFAULT_INSTANCE ? {} : around.secrets(instanceKey(id, instance));
  return { ...around.secrets(id), ...own };
}

function second(manifest: Manifest, key: string, another: boolean): AgentError | null {
  if (!another || manifest.kind !== "storage") return null;
  const what = manifest.provides?.join(" and ") ?? "samples";
  return new AgentError(
    "instance_duplicate",
    `${key} cannot run beside another instance of ${manifest.id}: one store of ${what} serves at a time, keep one of them`,
  );
}
