import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { setPriority } from "node:os";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { AgentError, type Manifest } from "all-use-agent/sdk";
import { granted } from "../permission.ts";
import { confinement, wrapping } from "./confinement.ts";

const DEFAULT_MEMORY_MB = 64;
/** A plugin folder is a few files; more than this is a checkout put there by mistake. */
const ENTRIES_MAX = 10_000;
/** Below the agent: a plugin that spins takes its time from others who can wait. */
const NICE = 5;
const fromSource = import.meta.url.endsWith(".ts");

/** The descriptors of a plugin's process. */
export const DATA_FD = 3;
export const CONTROL_FD = 4;

export interface Launched {
  readonly child: ChildProcess;
  /** What cannot be enforced here, in sentences. */
  readonly limits: readonly string[];
}

/** What a manifest may use before it is over its budget. */
export function memoryBudgetBytes(manifest: Manifest): number {
  return (manifest.budget?.memory_mb ?? DEFAULT_MEMORY_MB) * 1024 * 1024;
}

/** Whether it may read any samples of others. */
function readsMetrics(manifest: Manifest): boolean {
  return granted(manifest, "metrics:read").length > 0;
}

/**
 * Starts the process of an installed plugin: Node, or Electron's binary as Node, under the permission model, in a cleaned
 * environment, and under what else the system can enforce. Standard output and error are pipes, descriptor 3 brings data, 4 is
 * control in both directions, and 5 answers `ctx.latest()`; there is no IPC channel, because nothing bounds what a child makes it hold.
 */
export async function launch(folder: string, manifest: Manifest): Promise<Launched> {
  await refuseSymlinks(folder);
  const memoryBytes = memoryBudgetBytes(manifest);
  const network = (manifest.permissions ?? []).some((one) => one === "net" || one.startsWith("net:"));
  const { prefix, limits } = wrapping(await confinement(), { folder, network, memoryBytes });
  const node = permissionFlags(folder, manifest);
  const command = [
    ...prefix,
    process.execPath,
    ...node.flags,
    `--max-old-space-size=${Math.ceil(memoryBytes / 1024 / 1024)}`,
    "--max-semi-space-size=1",
    "--no-warnings",
    "--no-addons",
    "--expose-gc",
    ...(fromSource ? ["--conditions=types"] : []),
    runtimeFile(),
  ];
  const child = spawn(command[0], command.slice(1), {
    cwd: folder,
    env: cleanEnvironment(),
    stdio: ["ignore", "pipe", "pipe", "pipe", "pipe", ...(readsMetrics(manifest) ? (["pipe"] as const) : [])],
    windowsHide: true,
  });
  // Whoever watches it hears of it, too; without a listener it would be an error of the agent.
  child.on("error", () => {});
  try {
    if (child.pid !== undefined) setPriority(child.pid, NICE);
  } catch {
    // It ended already, or the system does not allow it: a courtesy to the agent's own ticks, no more.
  }
  return { child, limits: [...limits, ...node.limits] };
}

/** A link could name a file outside the folder, and Node's permission model follows it. Throws `symlink_found`. */
async function refuseSymlinks(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  if (entries.length > ENTRIES_MAX)
    throw new AgentError("folder_too_large", `${folder} holds ${entries.length} files; a plugin has at most ${ENTRIES_MAX}`);
  const link = entries.find((entry) => entry.isSymbolicLink());
  if (link)
    throw new AgentError(
      "symlink_found",
      `${join(link.parentPath, link.name)} is a symbolic link, which a plugin may not contain`,
    );
}

function permissionFlags(folder: string, manifest: Manifest): { flags: string[]; limits: string[] } {
  const limits: string[] = [];
  const flags = [permissionFlag()];
  for (const path of readablePaths(folder, manifest)) {
    if (path.replace(/\/\*$/, "").includes("*") || path.includes(","))
      throw new AgentError("path_not_grantable", `${path} holds a star or a comma, which Node's permission model cannot express`);
    flags.push(`--allow-fs-read=${path}`);
  }
  // node:sqlite opens any file past the permission model. Where Node does not know the flag it has no node:sqlite.
  if (knows("--no-experimental-sqlite")) flags.push("--no-experimental-sqlite");
  if (knows("--disable-sigusr1")) flags.push("--disable-sigusr1");
  if (granted(manifest, "exec").length > 0)
    limits.push("Programs that it starts through ctx.exec run with the agent's rights: what they do is not limited.");
  return { flags, limits };
}

/** What the permission model lets the process read, each path once: Node 20 does not survive one given twice. */
function readablePaths(folder: string, manifest: Manifest): Set<string> {
  const paths = new Set<string>();
  const add = (path: string): void => void paths.add(isFile(path) ? path : join(path, "*"));
  for (const path of [...runtimeFolders(), folder, ...grantedPaths(manifest)]) add(path);
  // Looking for the SDK, Node asks every node_modules on its way up to the one where linkSdk put it, and every package.json.
  for (const path of ["../node_modules", "../../node_modules"]) add(join(folder, path, "all-use-agent"));
  for (const start of [dirname(folder), dirname(runtimeFile())]) {
    for (let path = start; ; path = dirname(path)) {
      paths.add(join(path, "package.json"));
      if (path === dirname(path)) break;
    }
  }
  return paths;
}

/** Those of this system: a manifest may name paths of others, too. */
function grantedPaths(manifest: Manifest): string[] {
  return granted(manifest, "read")
    .filter((path) => isAbsolute(path))
    .map((path) => resolve(path));
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

export function permissionFlag(): string {
  return knows("--permission") ? "--permission" : "--experimental-permission";
}

/** An unknown flag would end the child before its first line. */
function knows(flag: string): boolean {
  return process.allowedNodeEnvironmentFlags.has(flag);
}

/**
 * Nothing of the agent's environment, which may hold secrets, but what time and text look like. One heap of glibc's for all threads,
 * given back early: 0.6 MB less a process.
 */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {
    ELECTRON_RUN_AS_NODE: "1",
    MALLOC_ARENA_MAX: "1",
    MALLOC_TRIM_THRESHOLD_: "16384",
    MALLOC_TOP_PAD_: "0",
  };
  for (const name of ["PATH", "TZ", "LANG", "LC_ALL", "SystemRoot", "TEMP"]) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  return env;
}

function runtimeFile(): string {
  return workerFile("plugin-runtime-worker");
}

/** The first of these, seen from this module, that exists: it runs from out/main/chunks, out/main or main/host/process. */
export function workerFile(module: string): string {
  const name = `${module}.${fromSource ? "ts" : "js"}`;
  const places = fromSource ? ["./"] : ["../host/process/", "./host/process/", "./"];
  const found = places.map((place) => fileURLToPath(new URL(place + name, import.meta.url))).find((path) => existsSync(path));
  if (found === undefined) throw new AgentError("runtime_missing", `${name} was not built: run \`npm run build\``);
  return found;
}

/** What the runtime itself is made of. */
function runtimeFolders(): string[] {
  const house = join(runtimeFile(), "../../..");
  return fromSource ? [house, join(house, "../sdk"), join(house, "../package.json")] : [house];
}
