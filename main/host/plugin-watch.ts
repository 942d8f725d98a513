import { type FSWatcher, watch } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { errorText, KIND_FOLDER } from "all-use-agent/sdk";
import { findPluginFolders } from "./discover.ts";

/** Saving a file is several events; a folder that is being copied gives many. This long none has to come. */
const SAVED_MS = 40;
const COPIED_MS = 150;
/** What no event tells of (network drives, folders below a plugin's, too many watches) is found by looking. */
const RESCAN_INTERVAL_MS = 5000;
/** At most two folders a second are looked through: fifty plugins would cost 0.2 % of a core otherwise. */
const RESCAN_PER_FOLDER_MS = 500;
/** A plugin has at most 1,000 files; of more, these tell enough. */
const FILES_MAX = 1000;
const DEPTH_MAX = 4;

export interface PluginWatchOptions {
  /** Plugin folders that are new, gone, or of other content than before. Not called again before it has ended. */
  readonly changed: (folders: ReadonlySet<string>) => Promise<void>;
  readonly warn: (message: string) => void;
  readonly rescanIntervalMs?: number;
}

export interface PluginWatch {
  /** From now on changes are told, those since the watch was made first. */
  begin(): void;
  /** Looks now; resolves when what changed was taken up. */
  refresh(): Promise<void>;
  dispose(): void;
}

/** Takes note of what is in a root of installed plugins, to tell later what has changed. */
export async function watchPlugins(root: string, options: PluginWatchOptions): Promise<PluginWatch> {
  const watchers = new Map<string, FSWatcher>();
  let known = await fingerprints(root);
  let timer: NodeJS.Timeout | undefined;
  let looking = false;
  /** Something happened while it was looked: once more, soon. */
  let again = false;
  let disposed = false;

  const schedule = (ms: number): void => {
    if (disposed) return;
    if (looking) {
      again = true;
      return;
    }
    clearTimeout(timer);
    timer = setTimeout(() => void look(), ms);
    timer.unref();
  };
  let lastLook: Promise<void> = Promise.resolve();
  const look = (): Promise<void> => (lastLook = lastLook.then(lookOnce));
  const lookOnce = async (): Promise<void> => {
    looking = true;
    again = false;
    try {
      const now = await fingerprints(root);
      const changed = new Set([...known.keys(), ...now.keys()].filter((folder) => known.get(folder) !== now.get(folder)));
      if (disposed) return;
      known = now;
      // A folder that was replaced has the old name and needs a new watch.
      for (const folder of changed) unwatch(folder);
      watchFolders([root, ...Object.values(KIND_FOLDER).map((kind) => join(root, kind)), ...now.keys()]);
      if (changed.size > 0) await options.changed(changed);
    } catch (error) {
      options.warn(`the plugins folder ${root} could not be looked through: ${errorText(error)}`);
    } finally {
      looking = false;
    }
    const restMs = options.rescanIntervalMs ?? Math.max(RESCAN_INTERVAL_MS, known.size * RESCAN_PER_FOLDER_MS);
    schedule(again ? COPIED_MS : restMs);
  };
  const unwatch = (folder: string): void => {
    watchers.get(folder)?.close();
    watchers.delete(folder);
  };
  // Each folder by itself: a recursive watch misses files that are saved by a rename.
  const watchFolders = (folders: readonly string[]): void => {
    for (const folder of watchers.keys()) if (!folders.includes(folder)) unwatch(folder);
    for (const folder of folders) {
      if (watchers.has(folder)) continue;
      try {
        const watcher = watch(folder, { persistent: false }, () => schedule(known.has(folder) ? SAVED_MS : COPIED_MS));
        // A folder that goes away, or no more watches to be had: the rescan goes on.
        watcher.on("error", () => unwatch(folder));
        watchers.set(folder, watcher);
        // What happened in it before its watch began is seen by one more look.
        again = true;
      } catch {
        // Not there yet, or not to be watched: found by the rescan.
      }
    }
  };

  return {
    begin: () => void look(),
    refresh: () => {
      clearTimeout(timer);
      return look();
    },
    dispose: () => {
      disposed = true;
      clearTimeout(timer);
      for (const watcher of watchers.values()) watcher.close();
      watchers.clear();
    },
  };
}

/** Plugin folder → what changes when any of its files does. */
async function fingerprints(root: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const { folder } of await findPluginFolders(root, "installed", () => {})) {
    const lines: string[] = [];
    await addFiles(folder, "", 0, lines);
    found.set(folder, lines.sort().join("\n"));
  }
  return found;
}

async function addFiles(folder: string, prefix: string, depth: number, lines: string[]): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    if (entry.name.startsWith(".") || lines.length >= FILES_MAX) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (depth < DEPTH_MAX) await addFiles(path, `${prefix}${entry.name}/`, depth + 1, lines);
      continue;
    }
    // Editors leave the size alone, and some the time; a renamed file has another number.
    const { size, mtimeMs, ino } = await stat(path).catch(() => ({ size: 0, mtimeMs: 0, ino: 0 }));
    lines.push(`${prefix}${entry.name} ${size} ${mtimeMs} ${ino}`);
  }
}
