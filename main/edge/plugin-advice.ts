import type { PluginReport } from "all-use-agent/sdk";

/** What to do about a plugin that is not well, by the code of its trouble. `ID` and `FOLDER` stand for the plugin's. */
const ADVICE: Readonly<Record<string, string>> = {
  crashed: "alluse plugin log ID shows what it said last; mended, alluse plugin enable ID forgives it",
  silent: "its code does not return: alluse plugin log ID shows what it said last",
  memory_exceeded: "give it more under budget.memory_mb in FOLDER/plugin.json, or mend what grows",
  budget_exceeded: "give it more under budget.cpu_ms_per_s in FOLDER/plugin.json, or a longer interval in its configuration",
  collect_failed: "alluse plugin log ID counts its errors; it is asked again and again",
  faults_repeated: "alluse plugin log ID counts its errors; it starts again with the agent",
  start_failed: "alluse plugin log ID shows what it said; mend it, and it is started as soon as a file in FOLDER changes",
  start_timeout: "alluse plugin log ID shows what it said; it starts again with the agent",
  condition_failed: 'mend "when" of its strategy in config.json; alluse query tells what is wrong with it',
  plugin_config_invalid: 'mend its configuration under "plugins" in config.json',
  requirement_missing: "alluse plugin list shows whether what it needs has failed; enable or add it",
  plugin_duplicate: "remove one of the two",
  manifest_invalid: "mend FOLDER/plugin.json; docs/plugin-manifest.md describes it",
  manifest_unreadable: "mend FOLDER/plugin.json",
  manifest_missing: "remove FOLDER, or put its plugin.json back",
  entry_invalid: "alluse plugin test FOLDER says what is missing",
  symlink_found: "put the file itself in the link's place",
  message_flood: "it does what no plugin may: alluse plugin test FOLDER, and tell its author",
  frame_invalid: "it does what no plugin may: disable it with alluse plugin disable ID, and tell its author",
  metric_undeclared: "declare the metric in FOLDER/plugin.json",
};

/** Codes whose reason says what to do already. */
const SAID = new Set([
  "offline",
  "yielding",
  "safe_mode",
  "api_too_new",
  "api_too_old",
  "kind_not_isolated",
  "permission_denied",
]);

/** What is wrong with a plugin and what to do about it; null when it is well, or stopped as it should be. */
export function pluginTrouble({ id, state, reason, code, folder }: PluginReport): string | null {
  const troubled = state === "failed" || state === "degraded" || (state === "stopped" && code !== null);
  if (!troubled) return null;
  const what = reason ?? state;
  if (code === null || SAID.has(code)) return state === "degraded" ? what : `${what} (${folder})`;
  const advice = ADVICE[code] ?? "alluse plugin log ID shows what it said last";
  return `${what.replace(/\.$/, "")}. ${advice.replaceAll("ID", id).replaceAll("FOLDER", folder)}.`;
}
