import { execFile } from "node:child_process";
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import * as sdk from "all-use-agent/sdk";
import { PLUGIN_KINDS } from "all-use-agent/sdk";
import { conformanceChecks } from "all-use-agent/sdk/conformance";
import { describe, expect, onTestFinished, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const script = join(root, "scripts/docs.mjs");
const BUILT_SDK = join(root, "out/main/sdk.js");

test("the generated documents are up to date: node scripts/docs.mjs writes them", async () => {
  const { documents } = (await import(script)) as { documents(): Map<string, string> };
  for (const [path, text] of documents()) expect(readFileSync(join(root, path), "utf8"), path).toBe(text);
});

test("the reference has everything that the SDK's entries export", async () => {
  const index = readFileSync(join(root, "docs/reference/sdk.md"), "utf8");
  for (const entry of [sdk, await import("all-use-agent/sdk/testing"), await import("all-use-agent/sdk/conformance")])
    for (const name of Object.keys(entry)) expect(index).toContain(`[${name}](`);
});

test("every error code of the sources has its meaning in sdk/error-codes.ts, and no other has", async () => {
  const { errorCodeFaults } = (await import(script)) as { errorCodeFaults(): string[] };
  expect(errorCodeFaults().join("\n")).toBe("");
});

test("the guide's own metric is a plugin that passes the conformance kit", async () => {
  const guide = readFileSync(join(root, "docs/plugins.md"), "utf8");
  const [, json] = /^```json\n(\{\n  "id": .*?)^```$/ms.exec(guide)!;
  const [, code] = /^```js\n(import \{ freemem .*?)^```$/ms.exec(guide)!;
  const folder = mkdtempSync(join(tmpdir(), "alluse-guide-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "index.mjs"), code);
  for (const { name, run } of conformanceChecks(JSON.parse(json), () => import(join(folder, "index.mjs")), { ticks: 300 }))
    await expect(run(), name).resolves.toBe(undefined);
});

describe.each(PLUGIN_KINDS)("the example of docs/plugins-%s.md", (kind) => {
  const page = readFileSync(join(root, `docs/plugins-${kind}.md`), "utf8");
  const files = new Map(
    [...page.matchAll(/^`([\w.]+)`\n\n```\w+\n(.*?)^```$/gms)].map(([, name, text]) => [name, text] as const),
  );

  function written(): string {
    const folder = mkdtempSync(join(tmpdir(), "alluse-guide-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    for (const [name, text] of files) writeFileSync(join(folder, name), text);
    return folder;
  }

  test("is a whole plugin that passes the conformance kit", async () => {
    const manifest = JSON.parse(files.get("plugin.json")!) as { kind: string; entry: string };
    expect(manifest.kind).toBe(kind);
    const folder = written();
    for (const { name, run } of conformanceChecks(manifest, () => import(join(folder, manifest.entry)), { ticks: 300 })) {
      await expect(run(), name).resolves.toBe(undefined);
    }
  });

  test("has tests that pass, by the built agent's SDK (needs npm run build)", { skip: !existsSync(BUILT_SDK) }, async () => {
    const folder = written();
    // As the agent's plugins folder has it.
    mkdirSync(join(folder, "node_modules"));
    symlinkSync(root, join(folder, "node_modules/all-use-agent"), "junction");
    const { NODE_OPTIONS: _options, NODE_TEST_CONTEXT: _context, ...env } = process.env;
    const run = promisify(execFile)(process.execPath, ["--test", join(folder, "index.test.mjs")], { cwd: folder, env });
    await expect(run.catch((error: { stdout: string }) => Promise.reject(new Error(error.stdout)))).resolves.toBeDefined();
  });
});

/** As GitHub makes them of headings. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
    title
      .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
      .toLowerCase()
      .replace(/[^\w\- ]/g, "")
      .replaceAll(" ", "-"),
  );
}

test.each(globSync("docs/**/*.md", { cwd: root }).sort())("every place that %s links to is there", (page) => {
  for (const [, path, anchor] of readFileSync(join(root, page), "utf8").matchAll(/\]\(([^)#:\s]*)(?:#([\w-]+))?\)/g)) {
    const file = path === "" ? join(root, page) : join(root, page, "..", path);
    expect(existsSync(file), path).toBe(true);
    if (anchor !== undefined) expect(anchorsOf(readFileSync(file, "utf8")), `${path}#${anchor}`).toContain(anchor);
  }
});
