import { join } from "node:path";
import { bundledPlugins } from "../../agent/paths.ts";
import type { PluginRoots } from "../../host/package/install.ts";
import { isAlive, readAgentFile } from "../agent-file.ts";

export function rootsOf(dataDir: string): PluginRoots {
  return { bundled: bundledPlugins(), installed: join(dataDir, "plugins") };
}

/** When a change of a folder becomes true, for the operator: whether an agent runs on the data folder is looked up. */
export async function whenItCounts(dataDir: string): Promise<string> {
  return (await agentRuns(dataDir)) ? "The running agent takes it up within seconds." : "It counts when the agent starts.";
}

/** The same for a change of the configuration, which is read at the start alone. */
export async function whenConfigCounts(dataDir: string): Promise<string> {
  return (await agentRuns(dataDir)) ? "The running agent takes it up at its next start." : "It counts when the agent starts.";
}

export async function agentRuns(dataDir: string): Promise<boolean> {
  const file = await readAgentFile(dataDir).catch(() => null);
  return file !== null && isAlive(file.pid);
}
