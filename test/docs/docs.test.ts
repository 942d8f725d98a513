import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as sdk from "all-use-agent/sdk";
import { PLUGIN_KINDS } from "all-use-agent/sdk";
import { conformanceChecks } from "all-use-agent/sdk/conformance";
import { describe, expect, onTestFinished, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const script = join(root, "scripts/docs.mjs");
const guide = readFileSync(join(root, "docs/plugins.md"), "utf8");

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

describe("the guide's example of a", () => {
  const examples = [...guide.matchAll(/^```json\n(.*?)^```\n\n`index\.mjs`\n\n```js\n(.*?)^```$/gms)];

  test("plugin stands there for every kind", () => {
    expect(examples.map(([, json]) => (JSON.parse(json) as { kind: string }).kind)).toEqual([...PLUGIN_KINDS]);
  });

  test.each(examples.map(([, json, code]) => [(JSON.parse(json) as { kind: string }).kind, json, code]))(
    "%s is a plugin that passes the conformance kit",
    async (_kind, json, code) => {
      const folder = mkdtempSync(join(tmpdir(), "alluse-guide-"));
      onTestFinished(() => rmSync(folder, { recursive: true }));
      writeFileSync(join(folder, "index.mjs"), code);
      for (const { name, run } of conformanceChecks(JSON.parse(json), () => import(join(folder, "index.mjs")), { ticks: 300 })) {
        await expect(run(), name).resolves.toBe(undefined);
      }
    },
  );
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
