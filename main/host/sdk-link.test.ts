import { mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import { linkSdk } from "./sdk-link.ts";

it("plugins get the SDK by name, also below a folder that bears the SDK's name", async () => {
  const root = await mkdtemp(join(tmpdir(), "alluse-link-"));
  onTestFinished(() => rm(root, { recursive: true }));
  await writeFile(join(root, "package.json"), '{ "name": "all-use-agent", "exports": {} }');
  const plugins = join(root, "plugins");
  await linkSdk(plugins, pathToFileURL(join(root, "out/main/sdk.js")).href);
  await mkdir(join(plugins, "collectors/a"), { recursive: true });
  const { resolve } = createRequire(join(plugins, "collectors/a/index.mjs"));
  for (const name of ["sdk", "sdk/testing", "sdk/conformance"]) {
    expect(resolve(`all-use-agent/${name}`)).toBe(join(plugins, "node_modules/all-use-agent", `${name.replace("/", "-")}.js`));
  }
});

it("everybody may read it: below an open data folder a plugin's process is nobody", async ({ skip }) => {
  skip(process.platform === "win32", "file modes are not Windows' way");
  const plugins = await mkdtemp(join(tmpdir(), "alluse-link-"));
  onTestFinished(() => rm(plugins, { recursive: true }));
  const before = process.umask(0o077);
  onTestFinished(() => void process.umask(before));
  await linkSdk(plugins, pathToFileURL(join(plugins, "out/main/sdk.js")).href);
  const modeOf = async (path: string): Promise<number> => (await stat(join(plugins, path))).mode & 0o777;
  for (const path of ["node_modules", "node_modules/all-use-agent"]) expect(await modeOf(path)).toBe(0o755);
  for (const path of ["package.json", "node_modules/all-use-agent/package.json", "node_modules/all-use-agent/sdk.js"])
    expect(await modeOf(path)).toBe(0o644);
});
