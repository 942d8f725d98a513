import { join } from "node:path";
import { AgentError, type Manifest, type PluginContext, type PluginFactory, type PluginLifecycle } from "all-use-agent/sdk";
import { freshImport } from "./fresh-import.ts";

/** The methods without which a kind is none. */
const REQUIRED_METHODS: Record<Manifest["kind"], readonly string[]> = {
  collector: [],
  processor: ["process"],
  storage: [],
  analytics: ["observe"],
  model: ["fit"],
  recommender: ["advise"],
  exporter: [],
};

/** Loads a plugin's code and makes its instance. Throws `entry_invalid`, and whatever the plugin's code throws. */
export async function makePlugin(
  folder: string,
  manifest: Manifest,
  context: () => PluginContext,
  config: Record<string, unknown>,
): Promise<PluginLifecycle> {
  // Only an exec plugin has none, and no module to load.
  const entry = manifest.entry!;
  const module = (await freshImport(folder, join(folder, entry))) as { default?: unknown };
  if (typeof module.default !== "function") {
    throw new AgentError(
      "entry_invalid",
      `${entry} of ${manifest.id} must export its factory as default: export default (ctx, config) => ({ … })`,
    );
  }
  const plugin: unknown = (module.default as PluginFactory)(context(), config);
  if (typeof plugin !== "object" || plugin === null) {
    throw new AgentError(
      "entry_invalid",
      `the factory of ${manifest.id} must return an object with the methods of a ${manifest.kind}`,
    );
  }
  for (const method of REQUIRED_METHODS[manifest.kind]) {
    if (typeof (plugin as Record<string, unknown>)[method] === "function") continue;
    throw new AgentError(
      "entry_invalid",
      `the factory of ${manifest.id} returned no method ${method}(), which a ${manifest.kind} must have`,
    );
  }
  return plugin;
}
