import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { conformanceChecks } from "all-use-agent/sdk/conformance";
import { describe, test } from "vitest";

const plugins = join(import.meta.dirname, "../../plugins");

/** Every plugin that comes with the agent, found by its folder. */
for (const file of globSync("*/*/plugin.json", { cwd: plugins }).sort()) {
  const manifest = JSON.parse(readFileSync(join(plugins, file), "utf8")) as { id: string; entry: string };
  const entry = join(plugins, dirname(file), manifest.entry);
  describe(manifest.id, () => {
    for (const { name, run } of conformanceChecks(manifest, () => import(entry) as Promise<unknown>)) test(name, run);
  });
}
