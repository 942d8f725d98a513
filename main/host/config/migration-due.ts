import { AgentError, type Manifest } from "all-use-agent/sdk";
import type { PluginSettings } from "./settings.ts";

/** Whether what is set was written for another version of the configuration. Throws `config_version_newer`. */
export function migrationDue(manifest: Manifest, settings: PluginSettings): boolean {
  const from = settings.config_version ?? 1;
  const to = manifest.configVersion ?? 1;
  if (from > to)
    throw new AgentError(
      "config_version_newer",
      `config.json holds configuration version ${from} of ${manifest.id}, and this one (${manifest.version}) knows up to ${to}: put the newer plugin back, or take its entry under "plugins" away`,
    );
  return from < to && (hasAny(settings.config) || Object.values(settings.instances ?? {}).some(({ config }) => hasAny(config)));
}

/** Whether anything is set. */
export function hasAny(config: Readonly<Record<string, unknown>> | undefined): boolean {
  return config !== undefined && Object.keys(config).length > 0;
}
