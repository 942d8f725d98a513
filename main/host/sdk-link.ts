import { chmod, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** What a plugin and its tests may import of us by name, and the built file beside `sdk.js` that it is. */
const ENTRIES = {
  sdk: { file: "sdk.js", types: "index.ts" },
  "sdk/testing": { file: "sdk-testing.js", types: "testing.ts" },
  "sdk/conformance": { file: "sdk-conformance.js", types: "conformance.ts" },
} as const;

/** Import names → addresses of the agent's own copies. */
export function sdkModules(sdkUrl: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(ENTRIES).map(([name, { file }]) => [`all-use-agent/${name}`, new URL(file, sdkUrl).href]),
  );
}

/**
 * Makes `import "all-use-agent/sdk"` in an installed plugin find the agent's own copy: a package of a few lines in the
 * node_modules that Node looks into from every folder below `pluginsDir`.
 */
export async function linkSdk(pluginsDir: string, sdkUrl: string): Promise<void> {
  const folder = join(pluginsDir, "node_modules", "all-use-agent");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  // A plugin's process may run as nobody, who reads this where the folders above let everybody in.
  for (const path of [dirname(folder), folder]) await chmod(path, 0o755);
  const exports: Record<string, { types: string; default: string }> = {};
  for (const [name, { file, types }] of Object.entries(ENTRIES)) {
    const declaration = file.replace(/\.js$/, ".d.ts");
    exports[`./${name}`] = { types: `./${declaration}`, default: `./${file}` };
    await publish(join(folder, file), `export * from ${JSON.stringify(new URL(file, sdkUrl).href)};\n`);
    // The sources are published beside the build: editors read them.
    const source = fileURLToPath(new URL(`../../sdk/${types}`, sdkUrl)).replace(/\.ts$/, ".js");
    await publish(join(folder, declaration), `export * from ${JSON.stringify(source)};\n`);
  }
  // Ends the search for the enclosing package: below a checkout of this project the name would mean that one.
  await publish(join(pluginsDir, "package.json"), `{ "private": true }\n`);
  await publish(join(folder, "package.json"), JSON.stringify({ name: "all-use-agent", type: "module", exports }));
}

async function publish(path: string, text: string): Promise<void> {
  await writeFile(path, text);
  await chmod(path, 0o644);
}
