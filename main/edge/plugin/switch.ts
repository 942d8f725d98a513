import { join } from "node:path";
import { AgentError, type PluginDetail } from "all-use-agent/sdk";
import { noteOfCommand } from "../../agent/audit-note.ts";
import { readConfig } from "../../host/config-file.ts";
import { DEFAULT_INSTANCE, instanceKey, splitKey } from "../../host/config/instance-name.ts";
import { isEnabled } from "../../host/config/settings.ts";
import { knownPlugin } from "../../host/package/install.ts";
import { switchPlugin } from "../../host/plugin-switch.ts";
import { forgive } from "../../host/safe-mode/forgive.ts";
import { connect } from "../client.ts";
import { dataDirOf } from "../data-dir.ts";
import { DATA_DIR_OPTION, DONE, expectPositionals, parseCommand } from "../usage.ts";
import { pluginPath } from "./config.ts";
import { agentRuns, rootsOf } from "./place.ts";

/** `alluse plugin enable ID[#INSTANCE]` */
export function enable(args: readonly string[]): Promise<number> {
  return turn(args, true);
}

/** `alluse plugin disable ID[#INSTANCE]` */
export function disable(args: readonly string[]): Promise<number> {
  return turn(args, false);
}

async function turn(args: readonly string[], enabled: boolean): Promise<number> {
  const { values, positionals } = parseCommand(args, DATA_DIR_OPTION);
  expectPositionals(positionals, ["The plugin's id"]);
  const dataDir = dataDirOf(values["data-dir"]);
  const { id: asked, instance } = splitKey(positionals[0]);
  const { id, manifest } = await knownPlugin(rootsOf(dataDir), asked);
  const forgiven = enabled && (await forgive(dataDir, id, await agentRuns(dataDir)));
  // A plugin whose manifest is wrong is unknown to the running agent; it can be switched off all the same.
  const counts =
    manifest && (await agentRuns(dataDir))
      ? await turnRunning(dataDir, id, instance, enabled)
      : await turnFile(dataDir, id, instance, enabled);
  const state = enabled ? "enabled" : "disabled";
  const what = `${positionals[0]} is ${state}${forgiven ? ", and what it did is forgiven" : ""}.`;
  process.stdout.write(
    counts === null && !forgiven
      ? `${positionals[0]} was ${state} already.\n`
      : `${what} ${counts ?? "It counts when the agent starts."}\n`,
  );
  return DONE;
}

/** When it counts, in a sentence; null when nothing changed. */
async function turnRunning(dataDir: string, id: string, instance: string, enabled: boolean): Promise<string | null> {
  const agent = await connect(dataDir);
  const path = pluginPath(id);
  const stateOf = ({ instances }: PluginDetail): boolean =>
    instances.filter((one) => instance === DEFAULT_INSTANCE || one.instance === instance).every((one) => one.enabled === enabled);
  const before = await agent.get<PluginDetail>(path);
  const failed = before.instances.some(({ report }) => report?.state === "failed");
  if (stateOf(before) && instance === DEFAULT_INSTANCE && !(enabled && failed)) return null;
  const after = await agent.postJson<PluginDetail>(`${path}/action`, {
    action: enabled ? "enable" : "disable",
    ...(instance !== DEFAULT_INSTANCE && { instance }),
  });
  return after.instances.find(({ pending }) => pending !== null)?.pending ?? "The running agent has taken it up.";
}

async function turnFile(dataDir: string, id: string, instance: string, enabled: boolean): Promise<string | null> {
  const path = join(dataDir, "config.json");
  const settings = (await readConfig(path, false)).plugins?.[id] ?? {};
  if (instance !== DEFAULT_INSTANCE && !(settings.instances && Object.hasOwn(settings.instances, instance)))
    throw new AgentError("instance_unknown", `${id} has no instance ${JSON.stringify(instance)}`);
  if (instance !== DEFAULT_INSTANCE && isEnabled(settings, instance) === enabled) return null;
  if (!(await switchPlugin(path, id, enabled, instance))) return null;
  const action = enabled ? "plugin.enabled" : "plugin.disabled";
  await noteOfCommand(dataDir, [{ action, target: instanceKey(id, instance), details: {} }]);
  return "It counts when the agent starts.";
}
