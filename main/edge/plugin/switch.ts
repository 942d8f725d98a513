import { join } from "node:path";
import { knownPlugin } from "../../host/package/install.ts";
import { switchPlugin } from "../../host/plugin-switch.ts";
import { forgive } from "../../host/safe-mode/forgive.ts";
import { dataDirOf } from "../data-dir.ts";
import { DATA_DIR_OPTION, DONE, expectPositionals, parseCommand } from "../usage.ts";
import { agentRuns, rootsOf, whenConfigCounts } from "./place.ts";

/** `alluse plugin enable ID` */
export function enable(args: readonly string[]): Promise<number> {
  return turn(args, true);
}

/** `alluse plugin disable ID` */
export function disable(args: readonly string[]): Promise<number> {
  return turn(args, false);
}

async function turn(args: readonly string[], enabled: boolean): Promise<number> {
  const { values, positionals } = parseCommand(args, DATA_DIR_OPTION);
  expectPositionals(positionals, ["The plugin's id"]);
  const dataDir = dataDirOf(values["data-dir"]);
  const { id } = await knownPlugin(rootsOf(dataDir), positionals[0]);
  const changed = await switchPlugin(join(dataDir, "config.json"), id, enabled);
  const state = enabled ? "enabled" : "disabled";
  const forgiven = enabled && (await forgive(dataDir, id, await agentRuns(dataDir)));
  const what = `${id} is ${state}${forgiven ? ", and what it did is forgiven" : ""}.`;
  process.stdout.write(changed || forgiven ? `${what} ${await whenConfigCounts(dataDir)}\n` : `${id} was ${state} already.\n`);
  return DONE;
}
