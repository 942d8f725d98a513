import { API_VERSION, KIND_FOLDER, type Manifest, type PluginKind } from "all-use-agent/sdk";
import { KIND_TEMPLATES, namedParts } from "./kinds.ts";
import { type Language, nameForms, typeWriter } from "./shape.ts";

/** All files of a new plugin: name → text. It runs, and passes the conformance kit, as it is. */
export function pluginFiles(kind: PluginKind, name: string, language: Language): Record<string, string> {
  const template = KIND_TEMPLATES[kind];
  const forms = nameForms(name);
  const extension = language === "ts" ? "ts" : "mjs";
  const manifest: Manifest = {
    id: `${KIND_FOLDER[kind]}/${name}`,
    version: "0.1.0",
    api: API_VERSION,
    kind,
    entry: `index.${extension}`,
    title: forms.title,
    description: `It ${template.does}.`,
    stability: "development",
    budget: { cpu_ms_per_s: 10, memory_mb: 16 },
    ...template.manifest,
    ...namedParts(kind, forms),
  };
  return {
    "plugin.json": `${JSON.stringify(manifest, null, 2)}\n`,
    [`index.${extension}`]: template.code(forms, typeWriter(language)),
    [`index.test.${extension}`]: testOf(kind, forms.title, template.test(forms), extension, template.does),
    "README.md": readmeOf(manifest, template.does, extension),
  };
}

function testOf(kind: PluginKind, title: string, body: string, extension: string, does: string): string {
  const batches = body.includes("createBatch");
  return `${extension === "ts" ? "// @ts-nocheck: what it imports is found in the agent's plugins folder only\n" : ""}import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
${batches ? 'import { createBatch } from "all-use-agent/sdk";\n' : ""}import { conformanceChecks } from "all-use-agent/sdk/conformance";
import { TestContext } from "all-use-agent/sdk/testing";
import factory from "./index.${extension}";

const manifest = JSON.parse(readFileSync(new URL("plugin.json", import.meta.url), "utf8"));

// What every ${kind} must do.
for (const { name, run } of conformanceChecks(manifest, () => factory)) test(name, run);

// What only this one does.
test(${JSON.stringify(`${title} ${does}`)}, async () => {
  const ctx = new TestContext(manifest);
  const config = Object.fromEntries(
    Object.entries(manifest.config?.properties ?? {}).map(([name, property]) => [name, property.default]),
  );
  const plugin = factory(ctx, config);
  await plugin.start?.(ctx.signal);
${body}  await ctx.dispose();
});
`;
}

function readmeOf(manifest: Manifest, does: string, extension: string): string {
  const properties = Object.entries(
    (manifest.config?.properties ?? {}) as Record<string, { default?: unknown; description?: string }>,
  );
  const metrics = Object.entries(manifest.metrics ?? {});
  const routes = manifest.routes ?? [];
  return `# ${manifest.title}

## What it does

It ${does}.
${routes.map(({ method, path }) => `\n\`${method} ${path}\` answers.\n`).join("")}
## Configuration

${properties.map(([name, { default: value, description }]) => `- \`${name}\` (default \`${JSON.stringify(value)}\`): ${description ?? ""}`).join("\n") || "None."}

## Metrics

${metrics.map(([name, { type, unit, help }]) => `- \`${name}\`, ${type}${unit === undefined ? "" : ` in ${unit}`}: ${help}`).join("\n") || "None."}

## What it costs

Run \`alluse plugin info ${manifest.id}\` and write down what it says.

## Limits

Say here what it does not do.

## Tests

\`alluse plugin test .\` runs the conformance kit; \`node --test index.test.${extension}\` runs all tests, in the agent's plugins folder.
`;
}
