import { editPlugin } from "./config-file.ts";
import { DEFAULT_INSTANCE } from "./config/instance-name.ts";
import { isEnabled, type InstanceSettings, type PluginSettings } from "./config/settings.ts";

/**
 * Switches a plugin, or one of its instances, on or off in the configuration file, keeping everything else that is there.
 * Returns whether that changed anything. Throws `config_invalid`, then nothing was written.
 */
export async function switchPlugin(
  configPath: string,
  id: string,
  enabled: boolean,
  instance: string = DEFAULT_INSTANCE,
): Promise<boolean> {
  let changed = false;
  await editPlugin(configPath, id, (settings) => {
    const after = switched(settings, enabled, instance);
    changed = JSON.stringify(after) !== JSON.stringify(settings);
    return after;
  });
  return changed;
}

/** The settings with an instance, or with `default` the plugin, on or off. */
export function switched(settings: PluginSettings, enabled: boolean, instance: string): PluginSettings {
  const named = settings.instances?.[instance];
  // Said even where it need not be: an optional plugin is off when nothing is said.
  if (!named || !settings.instances) return { ...settings, enabled };
  if (isEnabled(settings, instance) === enabled) return settings;
  // The plugin as a whole was off: the others stay so.
  const others = settings.enabled === false ? allOff(settings.instances) : settings.instances;
  return { ...settings, enabled: true, instances: { ...others, [instance]: withFlag(named, enabled) } };
}

function withFlag<T extends InstanceSettings>(settings: T, enabled: boolean): T {
  const { enabled: _before, ...rest } = settings;
  return (enabled ? rest : { ...rest, enabled: false }) as T;
}

function allOff(instances: Readonly<Record<string, InstanceSettings>>): Record<string, InstanceSettings> {
  return Object.fromEntries(Object.entries(instances).map(([name, one]) => [name, withFlag(one, false)]));
}
