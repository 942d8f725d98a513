import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The first of these, seen from this module, that exists: it runs from out/main, out/main/chunks or main/agent. */
function firstExisting(...candidates: string[]): string | null {
  return candidates.map((path) => fileURLToPath(new URL(path, import.meta.url))).find((path) => existsSync(path)) ?? null;
}

/** The folder of the plugins that come with the agent. */
export function bundledPlugins(): string {
  return firstExisting("./plugins", "../plugins", "../../out/main/plugins") ?? "plugins";
}

/** The built SDK, which installed plugins get by name. */
export function builtSdk(): string {
  return firstExisting("./sdk.js", "../sdk.js", "../../out/main/sdk.js") ?? "sdk.js";
}

/** The built page, or null in a checkout that was not built. */
export function builtPage(): string | null {
  const index = firstExisting("../renderer/index.html", "../../renderer/index.html", "../../out/renderer/index.html");
  return index && join(index, "..");
}
