import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { errorText, KIND_FOLDER } from "all-use-agent/sdk";

export interface PluginFolder {
  readonly folder: string;
  /** `<kind folder>/<name>` as the folders say, for those whose manifest cannot be read. */
  readonly name: string;
  readonly origin: "bundled" | "installed";
}

/** Folders below `<root>/<kind>/`, by name. A root or kind that is not there holds no plugins. */
export async function findPluginFolders(
  root: string,
  origin: PluginFolder["origin"],
  warn: (message: string) => void,
): Promise<PluginFolder[]> {
  const found: PluginFolder[] = [];
  for (const kind of Object.values(KIND_FOLDER)) {
    for (const name of await folderNames(join(root, kind), warn))
      found.push({ folder: join(root, kind, name), name: `${kind}/${name}`, origin });
  }
  return found;
}

async function folderNames(path: string, warn: (message: string) => void): Promise<string[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    // A symlink could lead outside; only real folders are plugins.
    return entries
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
      .map((entry) => entry.name)
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") warn(`${path} cannot be listed: ${errorText(error)}`);
    return [];
  }
}
