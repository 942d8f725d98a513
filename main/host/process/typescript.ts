import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import module from "node:module";
import type { Socket } from "node:net";
import { join, relative, sep } from "node:path";
import { createInterface } from "node:readline";
import type { PrivateStore } from "all-use-agent/sdk";
import { cleanEnvironment, permissionFlag, workerFile } from "./launcher.ts";

const STRIP_WITHIN_MS = 5000;
/** Of a plugin's TypeScript. What is more, its own process strips. */
const SOURCES_MAX_BYTES = 512 * 1024;
const CACHE_NAME = "javascript.json";
const MODULE_SYNTAX = /^\s*(import|export)\b/m;

/** Path below the plugin's folder, with `/` → JavaScript. */
export type Stripped = Record<string, string>;
type Cache = Record<string, { readonly hash: string; readonly code: string }>;

/**
 * A plugin's TypeScript modules as JavaScript, so that its process need not load a compiler: 12 MB and 90 ms less. Kept by content in
 * the plugin's store. Files that are left out, for whatever reason, Node strips in the plugin's process. Never throws.
 */
export async function strippedSources(folder: string, store: PrivateStore): Promise<Stripped> {
  if (typeof module.stripTypeScriptTypes !== "function" || typeof module.registerHooks !== "function") return {};
  try {
    const sources = await readSources(folder);
    if (Object.keys(sources).length === 0) return {};
    const cache = await readCache(store);
    const hashes = new Map(Object.entries(sources).map(([path, source]) => [path, hashOf(source)]));
    const missing = Object.entries(sources).filter(([path]) => cache[path]?.hash !== hashes.get(path));
    if (missing.length > 0) {
      const fresh = await strip(Object.fromEntries(missing));
      for (const [path, code] of Object.entries(fresh)) cache[path] = { hash: hashes.get(path)!, code };
      for (const path of Object.keys(cache)) if (cache[path].hash !== hashes.get(path)) delete cache[path];
      await store.write(CACHE_NAME, Buffer.from(JSON.stringify(cache)));
    }
    return Object.fromEntries(Object.entries(cache).flatMap(([path, { code }]) => (hashes.has(path) ? [[path, code]] : [])));
  } catch {
    return {};
  }
}

async function readSources(folder: string): Promise<Stripped> {
  const sources: Stripped = {};
  let bytes = 0;
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || !/(?<!\.d|\.test)\.m?ts$/.test(entry.name) || path.includes(`${sep}node_modules${sep}`)) continue;
    const source = await readFile(path, "utf8");
    bytes += source.length;
    if (bytes > SOURCES_MAX_BYTES) return {};
    // Without a word of modules Node may take it for CommonJS: that is Node's to find out.
    if (MODULE_SYNTAX.test(source)) sources[relative(folder, path).replaceAll(sep, "/")] = source;
  }
  return sources;
}

async function readCache(store: PrivateStore): Promise<Cache> {
  try {
    return JSON.parse(Buffer.from((await store.read(CACHE_NAME)) ?? "{}").toString()) as Cache;
  } catch {
    return {};
  }
}

/** Another Node's compiler may read the same source differently. */
function hashOf(source: string): string {
  return createHash("sha256").update(process.version).update("\n").update(source).digest("base64");
}

let worker: ChildProcess | null = null;
let last: Promise<unknown> = Promise.resolve();

/** One request after the other. Rejects when the compiler's process does not answer. */
function strip(sources: Stripped): Promise<Stripped> {
  const answer = last.then(() => ask(sources));
  last = answer.catch(() => {});
  return answer;
}

function ask(sources: Stripped): Promise<Stripped> {
  const child = (worker ??= startWorker());
  return new Promise((resolve, reject) => {
    const lines = createInterface({ input: child.stdout! });
    const end = (): void => reject(new Error("the compiler's process ended"));
    const late = setTimeout(() => child.kill("SIGKILL"), STRIP_WITHIN_MS);
    child.once("exit", end);
    lines.once("line", (line) => {
      clearTimeout(late);
      child.off("exit", end);
      lines.close();
      resolve(JSON.parse(line) as Stripped);
    });
    child.stdin!.write(`${JSON.stringify(sources)}\n`);
  });
}

function startWorker(): ChildProcess {
  const file = workerFile("strip-worker");
  const child = spawn(
    process.execPath,
    [permissionFlag(), `--allow-fs-read=${file}`, "--no-warnings", "--max-semi-space-size=1", file],
    { env: cleanEnvironment(), stdio: ["pipe", "pipe", "ignore"], windowsHide: true },
  );
  child.once("exit", () => (worker = null));
  child.on("error", () => (worker = null));
  child.stdin.on("error", () => {});
  // The agent does not wait for it; it ends when the agent is gone.
  for (const handle of [child, child.stdin as unknown as Socket, child.stdout as unknown as Socket]) handle.unref();
  return child;
}
