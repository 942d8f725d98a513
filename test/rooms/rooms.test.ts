import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const project = join(import.meta.dirname, "../..");

/** File → its one import. The linter is run once over a tree of these, as it is over ours. */
const FORBIDDEN: Readonly<Record<string, string>> = {
  "plugins/collectors/host/a.ts": `import "../../../main/flow/index.ts";`,
  "plugins/collectors/host/b.ts": `import { x } from "../../storage/series/index.ts";`,
  "plugins/collectors/host/c.ts": `import { x } from "../../../sdk/index.ts";`,
  "plugins/collectors/host/d.ts": `import { TestContext } from "all-use-agent/sdk/testing";`,
  "plugins/collectors/host/f.ts": `import { conformanceChecks } from "all-use-agent/sdk/conformance";`,
  "main/host/g.ts": `const kit = await import("all-use-agent/sdk/conformance");`,
  "plugins/collectors/host/e.ts": `import { app } from "electron";`,
  "main/host/a.ts": `import { x } from "../flow/index.ts";`,
  "main/flow/a.ts": `export { x } from "../query/index.ts";`,
  "main/query/a.ts": `const x = await import("../learning/index.ts");`,
  "main/learning/a.ts": `export * from "../api/index.ts";`,
  "main/learning/b.ts": `let x: import("../host/index.ts").Host;`,
  "main/api/a.ts": `import { x } from "../edge/index.ts";`,
  "main/api/b.ts": `import { x } from "../agent.ts";`,
  "main/edge/a.ts": `import type { Flow } from "../flow/index.ts";`,
  "main/edge/b.ts": `import { x } from "../desktop/index.ts";`,
  "main/edge/c.ts": `import { app } from "electron/main";`,
  "main/desktop/a.ts": `import { x } from "../query/index.ts";`,
  "main/agent.ts": `import { x } from "./edge/index.ts";`,
  "main/start.ts": `import { x } from "./agent.ts";`,
  "main/attic/a.ts": `import { x } from "../host/index.ts";`,
  "main/host/b.ts": `import { x } from "../../plugins/collectors/host/index.ts";`,
  "main/host/c.ts": `import { x } from "./c.test.ts";`,
  "main/host/d.ts": `import { x } from "../../test/support/agent.ts";`,
  "main/host/e.ts": `import { expect } from "vitest";`,
  "main/host/f.ts": `import { x } from "../../sdk/index.ts";`,
  "main/flow/b.test.ts": `import { x } from "../../plugins/storage/series/index.ts";`,
  "renderer/a.tsx": `import { AgentError } from "all-use-agent/sdk";`,
  "renderer/b.tsx": `import type { AgentView } from "../main/api/view.ts";`,
  "renderer/c.ts": `import { readFile } from "node:fs";`,
  "sdk/a.ts": `import { x } from "../main/host/index.ts";`,
  "sdk/b.ts": `import { x } from "all-use-agent/sdk";`,
  "test/integration/a.ts": `import { x } from "../../plugins/storage/series/index.ts";`,
};

const ALLOWED: Readonly<Record<string, string>> = {
  "plugins/collectors/host/ok.ts": `import { x } from "./read/proc.ts"; import { y } from "all-use-agent/sdk"; import fs from "node:fs"; import { z } from "simple-statistics";`,
  "plugins/collectors/host/ok.test.ts": `import { TestContext } from "all-use-agent/sdk/testing"; import { test } from "vitest"; import { x } from "./testdata/stat.ts";`,
  "main/host/ok.ts": `import { x } from "./manifest.ts"; import { y } from "all-use-agent/sdk";`,
  "main/api/ok.ts": `import { a } from "../flow/index.ts"; import { b } from "../query/index.ts"; import { c } from "../learning/index.ts"; import { d } from "../host/index.ts";`,
  "main/edge/ok.ts": `import { a } from "../api/index.ts"; import { b } from "../host/index.ts"; import { c } from "../agent.ts";`,
  "main/edge/test-plugin.ts": `const kit = await import("all-use-agent/sdk/conformance");`,
  "main/desktop/ok.ts": `import { app } from "electron"; import { c } from "../agent.ts";`,
  "main/ok.test.ts": `import { x } from "../test/support/agent.ts";`,
  "renderer/ok.tsx": `import type { Finding } from "all-use-agent/sdk"; import { type Labels } from "all-use-agent/sdk"; import { h } from "preact"; import css from "./style.css?inline";`,
  "sdk/ok.ts": `import { x } from "./series.ts"; import type { JSONSchema } from "json-schema-to-ts";`,
  "test/integration/ok.ts": `import { x } from "../../main/agent.ts"; import { y } from "../support/agent.ts";`,
  "scripts/ok.mjs": `import { x } from "../test/support/agent.ts";`,
};

let tree: string;
const faults = new Map<string, string[]>();

beforeAll(() => {
  tree = mkdtempSync(join(tmpdir(), "alluse-rooms-"));
  for (const [file, code] of [...Object.entries(FORBIDDEN), ...Object.entries(ALLOWED)]) {
    mkdirSync(dirname(join(tree, file)), { recursive: true });
    writeFileSync(join(tree, file), `${code}\n`);
  }
  const config = {
    jsPlugins: [join(project, "scripts/lint/rooms.mjs")],
    categories: { correctness: "off" },
    rules: { "rooms/imports": "error" },
  };
  writeFileSync(join(tree, ".oxlintrc.json"), JSON.stringify(config));
  let output: string;
  try {
    output = execFileSync(process.execPath, [join(project, "node_modules/oxlint/bin/oxlint"), "--format", "json"], {
      cwd: tree,
      encoding: "utf8",
    });
  } catch (error) {
    output = (error as { stdout: string }).stdout;
  }
  const report = JSON.parse(output) as { diagnostics: { filename: string; message: string; code: string }[] };
  for (const { filename, message, code } of report.diagnostics) {
    expect(code).toBe("rooms(imports)");
    faults.set(filename, [...(faults.get(filename) ?? []), message]);
  }
});

afterAll(() => rmSync(tree, { recursive: true, force: true }));

describe("the walls between rooms", () => {
  test.each(Object.entries(FORBIDDEN))("%s may not: %s", (file) => {
    expect(faults.get(file)).toHaveLength(1);
  });

  test.each(Object.entries(ALLOWED))("%s may: %s", (file) => {
    expect(faults.get(file)).toBeUndefined();
  });

  test("the message says who may see whom", () => {
    expect(faults.get("main/api/a.ts")).toEqual(["main/api sees host, flow, query, learning and the SDK, not main/edge."]);
  });
});
