import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { type AgentConfig, readConfig } from "./config-file.ts";
import { writeFileAtomic } from "./files.ts";

/**
 * Switches a plugin on or off in the configuration file, keeping everything else that is there. Returns whether that
 * changed anything. Throws `config_invalid`, then nothing was written.
 */
export async function switchPlugin(configPath: string, id: string, enabled: boolean): Promise<boolean> {
  const config = await readConfig(configPath, false);
  const { enabled: before = true, ...rest } = config.plugins?.[id] ?? {};
  if (before === enabled) return false;
  const plugins: Record<string, unknown> = { ...config.plugins };
  // On is how it is when nothing is said.
  if (!enabled) plugins[id] = { ...rest, enabled: false };
  else if (Object.keys(rest).length > 0) plugins[id] = rest;
  else delete plugins[id];
  const changed: Record<keyof AgentConfig, unknown> = { ...config, plugins } as Record<keyof AgentConfig, unknown>;
  await mkdir(dirname(configPath), { recursive: true, mode: 0o700 });
  await writeFileAtomic(configPath, `${JSON.stringify(changed, null, 2)}\n`);
  return true;
}
