import { chmodSync, existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { defineConfig } from "electron-vite";
import type { Plugin } from "vite";

const root = import.meta.dirname;

const alias = [
  { find: /^all-use-agent\/sdk$/, replacement: join(root, "sdk/index.ts") },
  { find: /^all-use-agent\/sdk\/testing$/, replacement: join(root, "sdk/testing.ts") },
  { find: /^all-use-agent\/sdk\/conformance$/, replacement: join(root, "sdk/conformance.ts") },
];

/** Loaded from node_modules when first needed: native, large, or given by Electron. Everything else is bundled. */
const external = [/^electron(\/.*)?$/, /^systeminformation(\/.*)?$/, /^brain\.js(\/.*)?$/];

/** Name below out/main → source. A shell or a plugin whose folder is not there is left out of the build. */
const FIXED_ENTRIES = {
  desktop: "main/desktop/main.ts",
  alluse: "main/edge/alluse.ts",
  start: "main/start.ts",
  sdk: "sdk/index.ts",
  "sdk-testing": "sdk/testing.ts",
  "sdk-conformance": "sdk/conformance.ts",
};

function sources(pattern: string): string[] {
  return globSync(pattern, { cwd: root })
    .map((file) => file.replaceAll("\\", "/"))
    .sort();
}

/**
 * Where a module that is found by its file (a plugin, a worker) goes: the same place below out/main, without `main/`. A worker
 * stands beside the index.js that starts it.
 */
function outputOf(source: string): string {
  return source.replace(/^main\//, "").replace(/\.ts$/, "");
}

function mainEntries(): Record<string, string> {
  const entries: Record<string, string> = {};
  for (const [name, source] of Object.entries(FIXED_ENTRIES)) {
    if (existsSync(join(root, source))) entries[name] = join(root, source);
  }
  for (const source of sources("{plugins/*/*/index.ts,plugins/*/*/*-worker.ts,main/**/*-worker.ts}")) {
    entries[outputOf(source)] = join(root, source);
  }
  return entries;
}

/** A manifest for the built plugin: its entry is `index.js`. What is not a manifest is handed on for the host to refuse. */
function builtManifest(file: string): string {
  const text = readFileSync(join(root, file), "utf8");
  if (!existsSync(join(root, dirname(file), "index.ts"))) return text;
  try {
    const manifest = JSON.parse(text) as { entry?: unknown };
    if (manifest.entry !== "index.ts") return text;
    return `${JSON.stringify({ ...manifest, entry: "index.js" }, null, 2)}\n`;
  } catch {
    return text;
  }
}

const pluginManifests: Plugin = {
  name: "alluse:plugin-manifests",
  generateBundle() {
    for (const file of sources("plugins/*/*/plugin.json")) {
      this.emitFile({ type: "asset", fileName: file, source: builtManifest(file) });
    }
  },
};

/** One character beyond Latin-1 makes V8 keep the whole module in two bytes a character; escaped, it costs six bytes. */
const oneByteSources: Plugin = {
  name: "alluse:one-byte-sources",
  generateBundle(_options, bundle) {
    for (const file of Object.values(bundle)) {
      if (file.type !== "chunk") continue;
      file.code = file.code.replace(/[\u0100-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
    }
  },
};

/** The command line is started by its file name. */
const executable: Plugin = {
  name: "alluse:executable",
  renderChunk(code, chunk) {
    if (!chunk.isEntry || chunk.name !== "alluse" || code.startsWith("#!")) return null;
    return { code: `#!/usr/bin/env node\n${code}`, map: null };
  },
  writeBundle(options) {
    const file = join(options.dir ?? "", "alluse.js");
    if (existsSync(file)) chmodSync(file, 0o755);
  },
};

export default defineConfig({
  main: {
    resolve: { alias },
    plugins: [pluginManifests, oneByteSources, executable],
    build: {
      target: "node20",
      externalizeDeps: false,
      rolldownOptions: {
        input: mainEntries(),
        external,
        output: {
          entryFileNames: "[name].js",
          chunkFileNames: "chunks/[name]-[hash].js",
          // Sources stay in memory: without white space and comments they are half the size. Names stay for stack traces.
          minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } },
        },
      },
    },
  },
  ...(existsSync(join(root, "main/desktop/preload.ts")) && {
    preload: {
      build: {
        target: "node20",
        externalizeDeps: false,
        rolldownOptions: {
          input: { preload: join(root, "main/desktop/preload.ts") },
          // A sandboxed preload script cannot be a module.
          output: { format: "cjs", entryFileNames: "[name].cjs" },
        },
      },
    },
  }),
  ...(existsSync(join(root, "renderer/index.html")) && {
    renderer: {
      root: join(root, "renderer"),
      oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
      build: {
        // The page is also opened in the operator's own browser; the style sheet needs light-dark().
        target: "es2023",
        cssTarget: ["chrome123", "firefox121", "safari17.5"],
        minify: true,
        assetsInlineLimit: 0,
        emptyOutDir: true,
        rolldownOptions: { input: join(root, "renderer/index.html") },
      },
    },
  }),
});
