import { isAbsolute, join } from "node:path";
import { AgentError, type Manifest } from "all-use-agent/sdk";
import { schemaProblems } from "./schema.ts";

type Json = Record<string, unknown>;

/**
 * A plugin's configuration: the operator's values over the schema's defaults, checked. Texts of format `data-path` become
 * absolute, relative ones below the data folder. Throws `plugin_config_invalid`.
 */
export function resolveConfig(manifest: Manifest, given: Json, dataDir: string): Json {
  const schema = manifest.config ?? { type: "object" };
  const config = withDefaults(schema, given);
  const problems = schemaProblems({ additionalProperties: false, ...schema }, config);
  if (problems.length > 0) {
    const { where, message } = problems[0];
    throw new AgentError("plugin_config_invalid", `the configuration of ${manifest.id} is not valid at ${where}: ${message}`, {
      where,
    });
  }
  for (const [name, property] of Object.entries((schema.properties ?? {}) as Record<string, Json>)) {
    const value = config[name];
    if (property.format === "data-path" && typeof value === "string")
      config[name] = isAbsolute(value) ? value : join(dataDir, value);
  }
  return config;
}

function withDefaults(schema: Json, given: Json): Json {
  const config: Json = { ...given };
  for (const [name, property] of Object.entries((schema.properties ?? {}) as Record<string, Json>)) {
    if (config[name] === undefined && property.default !== undefined) config[name] = structuredClone(property.default);
  }
  return config;
}
