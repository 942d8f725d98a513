/**
 * The house's walls as a lint rule: who may import whom. Rooms are told by folder below the linter's working directory,
 * which is the project's root. Imports are resolved to files, so no spelling of a path gets around the rule.
 */
import { dirname, relative, resolve, sep } from "node:path";

const SDK = "all-use-agent/sdk";
const SDK_CONFORMANCE = "all-use-agent/sdk/conformance";
/** Entries of the SDK that only tests need; `alluse plugin test` is one. */
const SDK_FOR_TESTS = ["all-use-agent/sdk/testing", SDK_CONFORMANCE];

/** Of main's rooms, what each may see besides itself and the SDK. `agent` is main/agent.ts, `start` main/start.ts. */
const MAIN_MAY_SEE = {
  host: [],
  flow: [],
  query: [],
  learning: [],
  api: ["host", "flow", "query", "learning"],
  edge: ["api", "host", "agent"],
  desktop: ["api", "host", "agent"],
  agent: ["host", "flow", "query", "learning", "api"],
  start: ["edge"],
};

/** What only tests need; the rest of a room must not ship it. */
const TEST_PACKAGES = ["vitest", "fast-check", "playwright-core", "axe-core"];

/**
 * @typedef {{ room: string, name: string, isTest: boolean }} Place `room` is sdk, main, plugins, renderer, test, scripts or
 * `outside`; `name` the room within main, or a plugin's folder `collectors/host`.
 */

/** @returns {Place} */
function placeOf(root, file) {
  const path = relative(root, file).split(sep);
  const room = path[0];
  const isTest = /\.(test|bench)\.tsx?$/.test(file) || path.includes("testdata") || room === "test";
  if (room === "main") {
    const name = path.length === 2 ? path[1].replace(/\.ts$/, "") : path[1];
    return { room, name, isTest };
  }
  if (room === "plugins") return { room, name: path.slice(1, 3).join("/"), isTest };
  if (["sdk", "renderer", "test", "scripts"].includes(room)) return { room, name: room, isTest };
  return { room: "outside", name: room, isTest };
}

/** Why `from` may not import the package `name`, or null when it may. */
function packageFault(from, name, isTypeOnly) {
  const packageName = name.startsWith("@") ? name.split("/").slice(0, 2).join("/") : name.split("/")[0];
  if (packageName === "all-use-agent") {
    if (name === SDK_CONFORMANCE && from.room === "main" && from.name === "edge") return null;
    if (SDK_FOR_TESTS.includes(name)) return from.isTest ? null : `${name} is for tests`;
    if (name !== SDK) return `the SDK's entries are ${SDK}, ${SDK_FOR_TESTS.join(" and ")}`;
    if (from.room === "sdk" && !from.isTest) return "the SDK imports nothing of ours by name; inside it, paths are relative";
    if (from.room === "renderer" && !isTypeOnly) return "the page takes only types from the SDK: write `import type`";
    return null;
  }
  if (from.isTest || from.room === "scripts" || from.room === "outside") return null;
  if (packageName === "electron" && !(from.room === "main" && from.name === "desktop"))
    return "only main/desktop imports electron";
  if (from.room === "renderer" && name.startsWith("node:")) return "the page has no Node.js below it";
  if (TEST_PACKAGES.includes(packageName)) return `${packageName} is for tests`;
  return null;
}

/** Why `from` may not import the file of ours at `to`, or null when it may. */
function pathFault(from, to) {
  if (to.room === "plugins" && !(from.room === "plugins" && from.name === to.name)) {
    return from.room === "plugins"
      ? "a plugin sees the SDK, not its neighbours"
      : "nobody imports a plugin: the host finds it by its folder";
  }
  if (from.room === "scripts" || from.room === "outside" || from.room === "test") return null;
  if (from.isTest && to.room === "test") return null;
  if (to.room === "test" || to.isTest) return from.isTest && from.name === to.name ? null : "tests are not imported";
  if (to.room === "sdk" && from.room !== "sdk") return `the SDK is imported as ${SDK}`;
  switch (from.room) {
    case "sdk":
      return to.room === "sdk" ? null : "the SDK imports nothing of ours";
    case "plugins":
      return to.room === "plugins" ? null : "a plugin sees only the SDK";
    case "renderer":
      return to.room === "renderer" ? null : "the page takes only types from the SDK, and nothing else of ours";
    case "main":
      // Its version.
      if (to.room === "outside" && to.name === "package.json") return null;
      return to.room === "main" ? mainFault(from.name, to.name) : "main sees the SDK and its own rooms";
    default:
      return null;
  }
}

function mainFault(from, to) {
  if (from === to) return null;
  const mayBeSeen = MAIN_MAY_SEE[from];
  if (!mayBeSeen) return `main/${from} is not a room: see MAIN_MAY_SEE in scripts/lint/rooms.mjs`;
  if (mayBeSeen.includes(to)) return null;
  const list = mayBeSeen.length > 0 ? `${mayBeSeen.join(", ")} and the SDK` : "the SDK";
  return `main/${from} sees ${list}, not main/${to}`;
}

/** Every specifier is a type's: `import type`, or each name is marked `type`. */
function isTypeOnly(node) {
  if (node.importKind === "type" || node.exportKind === "type") return true;
  const specifiers = node.specifiers ?? [];
  return specifiers.length > 0 && specifiers.every((one) => one.importKind === "type" || one.exportKind === "type");
}

const importsRule = {
  meta: { type: "problem", docs: { description: "who may import whom (docs: CONTRIBUTING.md, Rooms)" }, schema: [] },
  create(context) {
    const file = context.filename;
    const root = context.cwd;
    const from = placeOf(root, file);

    function check(source, typeOnly) {
      const name = source?.value;
      if (typeof name !== "string") return;
      // A query is Vite's (`./tokens.css?inline`), not part of the path.
      const fault = /^[./]/.test(name)
        ? pathFault(from, placeOf(root, resolve(dirname(file), name.replace(/\?.*$/, ""))))
        : packageFault(from, name, typeOnly);
      if (fault) context.report({ node: source, message: `${fault}.` });
    }

    return {
      ImportDeclaration: (node) => check(node.source, isTypeOnly(node)),
      ExportNamedDeclaration: (node) => check(node.source, isTypeOnly(node)),
      ExportAllDeclaration: (node) => check(node.source, isTypeOnly(node)),
      ImportExpression: (node) => check(node.source, false),
      TSImportType: (node) => check(node.source ?? node.argument?.literal ?? node.argument, true),
    };
  },
};

export default { meta: { name: "rooms" }, rules: { imports: importsRule } };
