import { AgentError, type Manifest } from "all-use-agent/sdk";
import { cleanEnvironment } from "../process/launcher.ts";

/** Linux takes at most 128 KB in one variable. */
const CONFIG_MAX_BYTES = 100_000;

/**
 * What an exec plugin's program finds in its environment: nothing of the agent's but PATH, language and time zone, and its
 * configuration, whole as JSON in ALLUSE_CONFIG and each simple value by itself. Throws `config_too_large`.
 */
export function programEnvironment(
  manifest: Manifest,
  instance: string,
  config: Readonly<Record<string, unknown>>,
): NodeJS.ProcessEnv {
  const { ELECTRON_RUN_AS_NODE: _ours, ...env } = cleanEnvironment();
  const json = JSON.stringify(config);
  if (Buffer.byteLength(json) > CONFIG_MAX_BYTES)
    throw new AgentError(
      "config_too_large",
      `the configuration of ${manifest.id} has more than ${CONFIG_MAX_BYTES} bytes, which cannot be handed to a program: shorten it`,
    );
  env["ALLUSE_PLUGIN"] = manifest.id;
  env["ALLUSE_INSTANCE"] = instance;
  env["ALLUSE_CONFIG"] = json;
  for (const [name, value] of Object.entries(config)) {
    if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") continue;
    if (typeof value === "string" && value.includes("\u0000")) continue;
    env[`ALLUSE_CONFIG_${name.toUpperCase().replace(/[^A-Z0-9]/g, "_")}`] = String(value);
  }
  // A Python that prints into a pipe keeps it back otherwise, and leaves files in the folder, which would restart it.
  return { ...env, PYTHONUNBUFFERED: "1", PYTHONDONTWRITEBYTECODE: "1" };
}
