/** What config.json says about one plugin. */
export interface PluginSettings {
  readonly enabled?: boolean;
  /** The operator trusts an installed plugin with the agent's own rights: it runs in the agent, where it can do anything. */
  readonly inside?: boolean;
  readonly config?: Readonly<Record<string, unknown>>;
  /** The manifest's `configVersion` that `config` was written for; absent: 1. */
  readonly config_version?: number;
  /** By name. With them exactly these run, each with `config` under its own. */
  readonly instances?: Readonly<Record<string, InstanceSettings>>;
}

export interface InstanceSettings {
  readonly enabled?: boolean;
  readonly config?: Readonly<Record<string, unknown>>;
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
