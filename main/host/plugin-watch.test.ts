import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { sleep, until } from "../../test/support/wait.ts";
import { type PluginWatch, watchPlugins } from "./plugin-watch.ts";

let root: string;
let watch: PluginWatch;
let seen: string[][];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "alluse-watch-"));
  seen = [];
});
afterEach(async () => {
  watch.dispose();
  await rm(root, { recursive: true });
});

async function begin(rescanIntervalMs: number): Promise<void> {
  watch = await watchPlugins(root, {
    changed: (folders) => Promise.resolve(void seen.push([...folders].map((folder) => folder.slice(root.length + 1)))),
    warn: (message) => void seen.push([message]),
    rescanIntervalMs,
  });
  watch.begin();
}

async function toldOf(expected: string): Promise<void> {
  await until(`word of ${expected}`, 5000, () => seen.flat().includes(expected), 20);
  seen.length = 0;
}

it("tells of new, changed and removed plugins by events alone", async () => {
  await mkdir(join(root, "collectors/known"), { recursive: true });
  await begin(1e9);
  await mkdir(join(root, "collectors/a"));
  await toldOf("collectors/a");
  await writeFile(join(root, "collectors/a/index.mjs"), "1");
  await toldOf("collectors/a");
  // Saved as editors save: written beside, renamed over.
  await writeFile(join(root, "collectors/a/.index.mjs.tmp"), "2");
  await rename(join(root, "collectors/a/.index.mjs.tmp"), join(root, "collectors/a/index.mjs"));
  await toldOf("collectors/a");
  // Replaced as a whole, as `alluse plugin add --replace` does; then the new one changes.
  await mkdir(join(root, "collectors/.new"));
  await rename(join(root, "collectors/a"), join(root, "collectors/.old"));
  await rename(join(root, "collectors/.new"), join(root, "collectors/a"));
  await toldOf("collectors/a");
  await rm(join(root, "collectors/.old"), { recursive: true });
  await writeFile(join(root, "collectors/a/index.mjs"), "3");
  await toldOf("collectors/a");
  await rm(join(root, "collectors/a"), { recursive: true });
  await toldOf("collectors/a");
});

it("finds by looking again what no event tells of", async () => {
  await mkdir(join(root, "models/a/lib/deep"), { recursive: true });
  await writeFile(join(root, "models/a/lib/deep/x.mjs"), "1");
  await begin(50);
  await writeFile(join(root, "models/a/lib/deep/x.mjs"), "22");
  await toldOf("models/a");
});

it("tells of nothing when nothing changed, and of what is no plugin", async () => {
  await mkdir(join(root, "collectors/a"), { recursive: true });
  await begin(20);
  await mkdir(join(root, "node_modules/x"), { recursive: true });
  await mkdir(join(root, "collectors/.new-abc"));
  await writeFile(join(root, "collectors/a/.swp"), "");
  await sleep(500);
  expect(seen).toEqual([]);
});

it("tells first of what changed between being made and beginning", async () => {
  watch = await watchPlugins(root, { changed: (folders) => Promise.resolve(void seen.push([...folders])), warn: () => {} });
  await mkdir(join(root, "collectors/a"), { recursive: true });
  watch.begin();
  await toldOf(join(root, "collectors/a"));
});
