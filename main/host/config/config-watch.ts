import { watch } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Disposable } from "all-use-agent/sdk";

/** An editor's save is several events. */
const SETTLE_MS = 100;
/** What no event tells of is found by looking. */
const LOOK_INTERVAL_MS = 5000;

/**
 * Tells when one of the files is another than before, replaced ones too. Their folder is watched, since a watched file that is
 * replaced is watched no more. `changed` is not called again before it has ended.
 */
export function watchFiles(paths: readonly string[], changed: () => Promise<void>, intervalMs = LOOK_INTERVAL_MS): Disposable {
  let known: string | null = null;
  let timer: NodeJS.Timeout | undefined;
  let looking = false;
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
  const look = async (): Promise<void> => {
    looking = true;
    again = false;
    try {
      const now = (await Promise.all(paths.map(fingerprint))).join("\n");
      const before = known;
      known = now;
      if (before !== null && before !== now && !disposed) await changed();
    } finally {
      looking = false;
    }
    schedule(again ? SETTLE_MS : intervalMs);
  };

  const watchers = [...new Set(paths.map(dirname))].flatMap((folder) => {
    try {
      const watcher = watch(folder, { persistent: false }, (_event, name) => {
        if (name === null || paths.some((path) => join(folder, basename(path)) === path && basename(path) === name))
          schedule(SETTLE_MS);
      });
      // No more watches to be had: looking goes on.
      watcher.on("error", () => watcher.close());
      return [watcher];
    } catch {
      return [];
    }
  });
  void look();
  return {
    dispose: () => {
      disposed = true;
      clearTimeout(timer);
      for (const watcher of watchers) watcher.close();
    },
  };
}

async function fingerprint(path: string): Promise<string> {
  const found = await stat(path).catch(() => null);
  return found === null ? "none" : `${found.size} ${found.mtimeMs} ${found.ino}`;
}
