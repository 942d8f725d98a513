import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Disposable } from "all-use-agent/sdk";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { watchFiles } from "./config-watch.ts";

let folder: string;
let watch: Disposable | null;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "alluse-config-watch-"));
  watch = null;
});
afterEach(async () => {
  await watch?.dispose();
  await rm(folder, { recursive: true });
});

it.each([
  ["by events", 60_000],
  ["by looking", 30],
])("notices %s a file that appears, is written, replaced and taken away", async (_how, intervalMs) => {
  const path = join(folder, "config.json");
  let changes = 0;
  watch = watchFiles([path], () => Promise.resolve(void changes++), intervalMs);
  // What it was like before is known once it has looked.
  await new Promise((resolve) => setTimeout(resolve, 50));
  let expected = 0;
  const noticed = (): Promise<unknown> =>
    vi.waitFor(() => expect(changes).toBeGreaterThan(expected), { timeout: 8000, interval: 10 });
  for (const change of [
    () => writeFile(path, "1"),
    () => writeFile(path, "22"),
    async () => {
      await writeFile(`${path}.tmp`, "333");
      await rename(`${path}.tmp`, path);
    },
    () => rm(path),
  ]) {
    expected = changes;
    await change();
    await noticed();
  }
});
