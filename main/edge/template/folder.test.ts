import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { PLUGIN_KINDS } from "all-use-agent/sdk";
import { conformanceChecks } from "all-use-agent/sdk/conformance";
import { describe, expect, it } from "vitest";
import { checkManifest } from "../../host/manifest.ts";
import { pluginFiles } from "./folder.ts";

const root = join(import.meta.dirname, "../../..");

/** A folder inside the project, where vitest and tsc know the SDK by name. */
async function written<T>(files: Record<string, string>, use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "alluse-template-"));
  try {
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe.each(PLUGIN_KINDS)("a new %s", (kind) => {
  it.each(["js", "ts"] as const)("in %s has a manifest that the host takes and passes the conformance kit", async (language) => {
    const files = pluginFiles(kind, "sea-level", language);
    const manifest = checkManifest(JSON.parse(files["plugin.json"]), "plugin.json");
    expect(Object.keys(files).sort()).toEqual(
      ["README.md", manifest.entry!, `index.test.${language === "ts" ? "ts" : "mjs"}`, "plugin.json"].sort(),
    );
    await written(files, async (folder) => {
      const load = (): Promise<unknown> => import(join(folder, manifest.entry!));
      for (const { name, run } of conformanceChecks(manifest, load, { ticks: 500 }))
        await expect(run(), name).resolves.toBe(undefined);
    });
  });
});

it("every kind's code is right by the SDK's types, as TypeScript and as checked JavaScript", async () => {
  const files: Record<string, string> = {
    "tsconfig.json": JSON.stringify({
      extends: join(root, "tsconfig.json"),
      compilerOptions: {
        types: ["node"],
        typeRoots: [join(root, "node_modules/@types")],
        allowJs: true,
        checkJs: true,
        paths: { "all-use-agent/sdk": [join(root, "sdk/index.ts")] },
      },
      include: ["*.ts", "*.mjs"],
    }),
  };
  for (const kind of PLUGIN_KINDS) {
    files[`${kind}-typed.ts`] = pluginFiles(kind, "sea-level", "ts")["index.ts"];
    // Generic methods cannot be said in comments.
    if (kind !== "storage") files[`${kind}-plain.mjs`] = pluginFiles(kind, "sea-level", "js")["index.mjs"];
  }
  await written(files, async (folder) => {
    await mkdir(join(folder, "node_modules"));
    await symlink(join(root, "node_modules/json-schema-to-ts"), join(folder, "node_modules/json-schema-to-ts"));
    const tsc = promisify(execFile)(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", folder]);
    await expect(tsc.catch((error: { stdout: string }) => Promise.reject(new Error(error.stdout)))).resolves.toBeDefined();
  });
});
