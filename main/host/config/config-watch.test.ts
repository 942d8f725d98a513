import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Disposable } from "all-use-agent/sdk";
import { afterEach, beforeEach, expect, it } from "vitest";
import { sleep, until } from "../../../test/support/wait.ts";
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
  // What it was like before is known once it has looked; nobody is told when: until then, the change is made again.
  let before = 0;
  for (const change of [
    () => writeFile(path, "1"),
    () => writeFile(path, "22"),
    async () => {
      await writeFile(`${path}.tmp`, "333");
      await rename(`${path}.tmp`, path);
    },
    () => rm(path, { force: true }),
  ]) {
    before = changes;
    await until("word of the change", 8000, async () => {
      await change();
      await sleep(200);
      return changes > before;
    });
    expect(changes).toBeGreaterThan(before);
    // Word of the change before may come once more: it is not to be taken for the next.
    await sleep(100);
  }
});
