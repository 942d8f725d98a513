import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * Makes `import "all-use-agent/sdk"` in an installed plugin find the agent's own copy: a package of two lines in the
 * node_modules that Node looks into from every folder below `pluginsDir`.
 */
export async function linkSdk(pluginsDir: string, sdkUrl: string): Promise<void> {
  const folder = join(pluginsDir, "node_modules", "all-use-agent");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(
    join(folder, "package.json"),
    JSON.stringify({ name: "all-use-agent", type: "module", exports: { "./sdk": "./sdk.js" } }),
  );
  // Ends the search for the package that a plugin belongs to: a package.json above the data folder is none of its business.
  await writeFile(join(pluginsDir, "package.json"), JSON.stringify({ private: true }));
  await writeFile(join(folder, "sdk.js"), `export * from ${JSON.stringify(sdkUrl)};\n`);
}
