import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { isEnabled } from "./config/settings.ts";
import { switchPlugin } from "./plugin-switch.ts";

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "alluse-switch-"));
  file = join(folder, "config.json");
});
afterEach(() => rm(folder, { recursive: true }));

const content = async (): Promise<unknown> => JSON.parse(await readFile(file, "utf8"));

it("keeps everything else that the file says", async () => {
  const before = { log_level: "warn", plugins: { "collectors/a": { config: { x: 1 } }, "collectors/b": { enabled: false } } };
  await writeFile(file, JSON.stringify(before));
  expect(await switchPlugin(file, "collectors/a", false)).toBe(true);
  expect(await content()).toEqual({
    log_level: "warn",
    plugins: { "collectors/a": { config: { x: 1 }, enabled: false }, "collectors/b": { enabled: false } },
  });
  expect(await switchPlugin(file, "collectors/a", true)).toBe(true);
  expect(await content()).toEqual({
    log_level: "warn",
    plugins: { "collectors/a": { config: { x: 1 }, enabled: true }, "collectors/b": { enabled: false } },
  });
});

it("writes nothing when nothing changes", async () => {
  expect(await switchPlugin(file, "collectors/a", true)).toBe(true);
  const { mtimeMs } = await stat(file);
  expect(await switchPlugin(file, "collectors/a", true)).toBe(false);
  expect((await stat(file)).mtimeMs).toBe(mtimeMs);
});

it("knows that an optional plugin is off until somebody says otherwise, or names instances of it", () => {
  expect(isEnabled({}, "default")).toBe(true);
  expect(isEnabled({}, "default", true)).toBe(false);
  expect(isEnabled({ enabled: true }, "default", true)).toBe(true);
  expect(isEnabled({ instances: { lan: {}, wan: { enabled: false } } }, "lan", true)).toBe(true);
  expect(isEnabled({ instances: { lan: {}, wan: { enabled: false } } }, "wan", true)).toBe(false);
});

it("leaves a file alone that it cannot understand", async () => {
  await writeFile(file, "{");
  await expect(switchPlugin(file, "collectors/a", false)).rejects.toMatchObject({ code: "config_invalid" });
  expect(await readFile(file, "utf8")).toBe("{");
});
