import { AgentError, errorText } from "all-use-agent/sdk";
import { readFileOrNull } from "./files.ts";
import type { PluginSettings } from "./host.ts";
import type { LogLevel } from "./log.ts";
import { schemaProblems } from "./schema.ts";

/** JSON Schema of `config.json` in the data folder. */
export const configSchema = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  additionalProperties: false,
  properties: {
    $schema: { type: "string" },
    log_level: { enum: ["debug", "info", "warn", "error"] },
    plugins: {
      type: "object",
      additionalProperties: {
        type: "object",
        additionalProperties: false,
        properties: { enabled: { type: "boolean" }, inside: { type: "boolean" }, config: { type: "object" } },
      },
    },
  },
} as const;

export interface AgentConfig {
  readonly log_level?: LogLevel;
  readonly plugins?: Readonly<Record<string, PluginSettings>>;
}

/** The operator's configuration; empty where there is no file, unless it was asked for by name. Throws `config_invalid`. */
export async function readConfig(path: string, mustExist: boolean): Promise<AgentConfig> {
  const fail = (message: string, where?: string): AgentError =>
    new AgentError("config_invalid", `the configuration ${path} ${message}: mend the file or move it away`, {
      where: where ?? path,
    });
  let bytes: Buffer | null;
  try {
    bytes = await readFileOrNull(path);
  } catch (error) {
    throw fail(`cannot be read (${errorText(error)})`);
  }
  if (bytes === null) {
    if (mustExist) throw fail("does not exist");
    return {};
  }
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString("utf8"));
  } catch (error) {
    throw fail(`is not JSON (${errorText(error)})`);
  }
  const problems = schemaProblems(configSchema, value);
  if (problems.length > 0) throw fail(`is not valid at ${problems[0].where}: ${problems[0].message}`, problems[0].where);
  return value as AgentConfig;
}
