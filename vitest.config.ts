import { join } from "node:path";
import { defineConfig } from "vitest/config";

const root = import.meta.dirname;

const alias = [
  { find: /^all-use-agent\/sdk$/, replacement: join(root, "sdk/index.ts") },
  { find: /^all-use-agent\/sdk\/testing$/, replacement: join(root, "sdk/testing.ts") },
  { find: /^all-use-agent\/sdk\/conformance$/, replacement: join(root, "sdk/conformance.ts") },
  // The desktop shell is tested against a typed stand-in: the real package tries to download Electron when imported.
  { find: /^electron$/, replacement: join(root, "test/desktop/fake-electron.ts") },
];

export default defineConfig({
  root,
  resolve: { alias },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  test: {
    // A process a file: a test may change signals, environment or memory without its neighbours noticing.
    pool: "forks",
    // All cores: much of the time a test waits, and by itself vitest would leave one of two to nobody.
    maxWorkers: "100%",
    // CI's machine is shared: what a neighbour's burst broke is tried again, and reported as such.
    retry: process.env["CI"] ? 2 : 0,
    // All time limits here and below are for what hangs: a test on a machine that is slow or held up is only slow.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    teardownTimeout: 60_000,
    expect: { poll: { timeout: 60_000 } },
    passWithNoTests: true,
    benchmark: { include: [] },
    coverage: {
      provider: "v8",
      include: ["{sdk,main,plugins}/**/*.ts", "renderer/**/*.{ts,tsx}"],
      exclude: ["**/*.test.{ts,tsx}", "**/*.d.ts", "**/testdata/**"],
      reporter: ["text-summary", "json-summary"],
      reportsDirectory: join(root, "coverage"),
    },
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["{sdk,main,plugins,renderer}/**/*.test.{ts,tsx}", "test/{rooms,support,conformance,docs}/**/*.test.ts"],
          // `npm run bench`: figures of single parts. A plugin's stand in its folder.
          benchmark: { include: ["{test/bench,sdk,main,plugins}/**/*.bench.ts"] },
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: "desktop",
          include: ["test/desktop/**/*.test.{ts,tsx}"],
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: "sources",
          // Beside each other: real senders and sources of the built agent, which wait most of the time.
          include: ["test/sources/**/*.test.ts"],
          sequence: { groupOrder: 3 },
        },
      },
      {
        extends: true,
        test: {
          name: "integration",
          include: ["test/integration/**/*.test.ts"],
          // One after another: they measure the machine and load it.
          fileParallelism: false,
          sequence: { groupOrder: 4 },
        },
      },
      {
        extends: true,
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          sequence: { groupOrder: 5 },
        },
      },
    ],
  },
});
