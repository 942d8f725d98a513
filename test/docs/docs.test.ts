import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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

test("every file that the guide links to is there", () => {
  for (const [, path] of guide.matchAll(/\]\(([^)#:]+)\)/g))
    expect(() => readFileSync(join(root, "docs", path)), path).not.toThrow();
});
