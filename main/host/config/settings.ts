import { DEFAULT_INSTANCE } from "./instance-name.ts";

/** What config.json says about one plugin. */
export interface PluginSettings {
  readonly enabled?: boolean;
  /** The operator trusts an installed plugin with the agent's own rights: it runs in the agent, where it can do anything. */
  readonly inside?: boolean;
  readonly config?: Readonly<Record<string, unknown>>;
  /** How a collector is read: docs/strategies.md. */
  readonly strategy?: Readonly<Record<string, unknown>>;
  /** The manifest's `configVersion` that `config` was written for; absent: 1. */
  readonly config_version?: number;
  /** By name. With them exactly these run, each with `config` under its own. */
  readonly instances?: Readonly<Record<string, InstanceSettings>>;
}

export interface InstanceSettings {
  readonly enabled?: boolean;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly strategy?: Readonly<Record<string, unknown>>;
}

/** By plugin id. */
export type AllSettings = Readonly<Record<string, PluginSettings>>;

/** Whether an instance is to run. An optional plugin does when the operator says so, or names instances of it. */
export function isEnabled(settings: PluginSettings, instance: string, optional = false): boolean {
  const { enabled = !optional || settings.instances !== undefined } = settings;
  return enabled && settings.instances?.[instance]?.enabled !== false;
}

/** What is set for an instance: its own over the plugin's, by property. */
export function givenConfig(settings: PluginSettings, instance: string): Record<string, unknown> {
  return { ...settings.config, ...settings.instances?.[instance]?.config };
}

/** The settings with another strategy of the plugin or an instance; undefined leaves it as it is, an empty one takes it away. */
export function withStrategy(
  settings: PluginSettings,
  instance: string,
  strategy: InstanceSettings["strategy"] | undefined,
): PluginSettings {
  if (strategy === undefined) return settings;
  const set = <T extends InstanceSettings>({ strategy: _before, ...rest }: T): Omit<T, "strategy"> =>
    Object.keys(strategy).length > 0 ? { ...rest, strategy } : rest;
  if (instance === DEFAULT_INSTANCE) return set(settings);
  return { ...settings, instances: { ...settings.instances, [instance]: set(settings.instances?.[instance] ?? {}) } };
}
