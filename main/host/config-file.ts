import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { AgentError, errorText } from "all-use-agent/sdk";
import { readFileOrNull, writeFileAtomic } from "./files.ts";
import { type FlowConfig, flowSchema, readFlow } from "./config/flow.ts";
import { checkInstanceName } from "./config/instance-name.ts";
import type { PluginSettings } from "./config/settings.ts";
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
    flow: flowSchema,
    plugins: {
      type: "object",
      additionalProperties: {
        type: "object",
        additionalProperties: false,
        properties: {
          enabled: { type: "boolean" },
          inside: { type: "boolean" },
          config: { type: "object" },
          strategy: { type: "object" },
          config_version: { type: "integer", minimum: 1 },
          instances: {
            type: "object",
            additionalProperties: {
              type: "object",
              additionalProperties: false,
              properties: { enabled: { type: "boolean" }, config: { type: "object" }, strategy: { type: "object" } },
            },
          },
        },
      },
    },
  },
} as const;

export interface AgentConfig {
  readonly log_level?: LogLevel;
  /** How samples pass from emitters to stages. */
  readonly flow?: FlowConfig;
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
    // Node's sentence may quote the file, and somebody may have put a password there.
    const place = /at position \d+(?: \(line \d+ column \d+\))?/.exec(errorText(error))?.[0];
    throw fail(`is not JSON${place === undefined ? "" : ` (${place})`}`);
  }
  const problems = schemaProblems(configSchema, value);
  if (problems.length > 0) throw fail(`is not valid at ${problems[0].where}: ${problems[0].message}`, problems[0].where);
  const config = value as AgentConfig;
  try {
    readFlow(config.flow ?? {});
  } catch (error) {
    throw fail(`is not valid: ${errorText(error)}`, (error as AgentError).where);
  }
  for (const [id, { instances = {} }] of Object.entries(config.plugins ?? {}))
    for (const name of Object.keys(instances)) {
      try {
        checkInstanceName(name);
      } catch (error) {
        throw fail(`is not valid at /plugins/${id}/instances: ${errorText(error)}`, `/plugins/${id}/instances`);
      }
    }
  return config;
}

/**
 * Changes what the file says about one plugin, keeping everything else in it; undefined takes the entry away. Returns what it
 * said before. Durable when it resolves. Throws `config_invalid`, then nothing was written.
 */
export async function editPlugin(
  path: string,
  id: string,
  change: (settings: PluginSettings) => PluginSettings | undefined,
): Promise<PluginSettings> {
  const config = await readConfig(path, false);
  const before = config.plugins && Object.hasOwn(config.plugins, id) ? config.plugins[id] : {};
  const after = change(before);
  if (JSON.stringify(after ?? {}) === JSON.stringify(before)) return before;
  const plugins: Record<string, PluginSettings> = { ...config.plugins };
  if (after === undefined || Object.keys(after).length === 0) delete plugins[id];
  else plugins[id] = after;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFileAtomic(path, `${JSON.stringify({ ...config, plugins }, null, 2)}\n`);
  return before;
}
