import { mkdir, mkdtemp, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AgentError, errorText, KIND_FOLDER, type Manifest } from "all-use-agent/sdk";
import { findPluginFolders, type PluginFolder } from "../discover.ts";
import { readManifest } from "../manifest.ts";
import { nearest } from "../nearest.ts";
import { type PackageEntry, type PluginPackage } from "./entries.ts";

/** A plugin folder with its manifest, or without where that cannot be read. */
export interface KnownPlugin {
  readonly place: PluginFolder;
  readonly id: string;
  readonly manifest: Manifest | null;
}

export interface PluginRoots {
  /** Of the plugins that come with the agent. */
  readonly bundled: string;
  /** `plugins` in the data folder. */
  readonly installed: string;
}

/** Every plugin folder there is, running or not. */
export async function knownPlugins(roots: PluginRoots): Promise<KnownPlugin[]> {
  const known: KnownPlugin[] = [];
  for (const origin of ["bundled", "installed"] as const) {
    for (const place of await findPluginFolders(roots[origin], origin, () => {})) {
      const manifest = await readManifest(place.folder).catch(() => null);
      known.push({ place, id: manifest?.id ?? place.name, manifest });
    }
  }
  return known;
}

/** The plugin of an id. Throws `plugin_unknown`. */
export async function knownPlugin(roots: PluginRoots, id: string): Promise<KnownPlugin> {
  const known = await knownPlugins(roots);
  const found = known.findLast((plugin) => plugin.id === id);
  if (found) return found;
  const close = nearest(
    id,
    known.map((plugin) => plugin.id),
  );
  throw new AgentError(
    "plugin_unknown",
    `there is no plugin ${JSON.stringify(id)}${close === null ? "" : `; did you mean ${close}?`}`,
  );
}

/** The installed plugin that `manifest` would take the place of, or null. Throws `plugin_duplicate`. */
export async function predecessorOf(manifest: Manifest, roots: PluginRoots, replace: boolean): Promise<KnownPlugin | null> {
  const same = (await knownPlugins(roots)).filter(({ id }) => id === manifest.id);
  if (same.some(({ place }) => place.origin === "bundled"))
    throw new AgentError("plugin_duplicate", `${manifest.id} comes with the agent: give yours another id in its plugin.json`);
  const [found] = same;
  if (found === undefined) return null;
  if (!replace)
    throw new AgentError(
      "plugin_duplicate",
      `${manifest.id} is already there, in ${found.place.folder}: --replace puts this one in its place`,
    );
  return found;
}

/**
 * Puts a plugin's files where the agent finds them: complete or not at all. What was there before is gone only when the new
 * one is in place. Returns its folder.
 */
export async function install(plugin: PluginPackage, installedRoot: string, predecessor: KnownPlugin | null): Promise<string> {
  const target = predecessor?.place.folder ?? folderOf(plugin.manifest.id, installedRoot);
  await mkdir(dirname(target), { recursive: true, mode: 0o700 });
  // Hidden folders are not looked into: nobody finds it half written.
  const draft = await mkdtemp(join(dirname(target), ".new-"));
  try {
    await writeEntries(draft, plugin.entries);
    if (predecessor === null) await rename(draft, target);
    else await exchange(draft, target);
  } catch (error) {
    throw new AgentError("install_failed", `${plugin.manifest.id} cannot be put into ${target}: ${errorText(error)}`, {
      where: target,
      cause: error,
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return target;
}

/** Takes an installed plugin away. Its samples and its kept state stay. Throws `plugin_bundled`. */
export async function uninstall({ place, id }: KnownPlugin): Promise<void> {
  if (place.origin === "bundled")
    throw new AgentError(
      "plugin_bundled",
      `${id} comes with the agent and cannot be removed: alluse plugin disable ${id} switches it off`,
    );
  // First out of sight as a whole, then away file by file.
  const aside = await mkdtemp(join(dirname(place.folder), ".old-"));
  try {
    await rename(place.folder, join(aside, "plugin"));
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

/** `<root>/<kind folder>/<name>` of an id. */
export function folderOf(id: string, root: string): string {
  const [kind, name] = id.split("/");
  const known = Object.values(KIND_FOLDER).find((folder) => folder === kind);
  if (known === undefined || !/^[a-z][a-z0-9-]{0,62}$/.test(name ?? ""))
    throw new AgentError("plugin_id_invalid", `an id is <kind folder>/<name>, found ${JSON.stringify(id)}`);
  return join(root, known, name);
}

/** Writes files into an empty folder, each on the disk before this resolves. */
export async function writeEntries(folder: string, entries: readonly PackageEntry[]): Promise<void> {
  for (const { path, bytes } of entries) {
    const full = join(folder, ...path.split("/"));
    await mkdir(dirname(full), { recursive: true, mode: 0o700 });
    const file = await open(full, "wx", 0o600);
    try {
      await file.writeFile(bytes);
      await file.datasync();
    } finally {
      await file.close();
    }
  }
}

/** Renames cannot replace a folder that is not empty: the old one steps aside, and comes back if the new one cannot follow. */
async function exchange(draft: string, target: string): Promise<void> {
  const aside = await mkdtemp(join(dirname(target), ".old-"));
  const kept = join(aside, "plugin");
  try {
    await rename(target, kept);
    try {
      await rename(draft, target);
    } catch (error) {
      await rename(kept, target);
      throw error;
    }
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}
