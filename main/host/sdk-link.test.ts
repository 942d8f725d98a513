import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
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
