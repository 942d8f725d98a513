import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { AgentError, errorText, type Manifest } from "all-use-agent/sdk";
import { writeEntries } from "../package/install.ts";
import { readPluginFolder } from "../package/read-package.ts";
import { type Confinement, confinement, runs, wrapping } from "../process/confinement.ts";
import { memoryBudgetBytes } from "../process/launcher.ts";
import type { InstanceStore } from "../private-store.ts";
import { programEnvironment } from "./environment.ts";
import { everybodyEnters, findProgram } from "./find-program.ts";

/** Waits for the program, so that it is not the first process of its namespace: that one would not hear SIGTERM. */
const INIT = ["/bin/sh", "-c", '"$@"; exit $?', "sh"];
const COPY_PREFIX = "alluse-exec-";
const COPY_NAME = "program-folder";

/** An exec plugin's program, ready to be started as often as needed. */
export interface Program {
  readonly command: readonly string[];
  readonly folder: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly budgetBytes: number;
  /** What this system does not keep it from, in sentences. */
  readonly limits: readonly string[];
  dispose(): Promise<void>;
}

let familyFlags: Promise<readonly string[] | null> | null = null;

/** Where the folder of a copy is kept, so that the next run finds it. */
type ProgramStore = Pick<InstanceStore, "read" | "write">;

/**
 * Finds the program, puts together what confines it here, and its environment. Where the agent is root the program is nobody, who
 * may not enter the data folder: it then runs in a copy of its folder.
 * Throws `program_missing`, `config_too_large`, `package_refused`, `folder_unreadable`.
 */
export async function prepareProgram(
  manifest: Manifest,
  pluginFolder: string,
  instance: string,
  config: Readonly<Record<string, unknown>>,
  store: ProgramStore,
): Promise<Program> {
  const environment = programEnvironment(manifest, instance, config);
  const [name, ...args] = manifest.exec!.command;
  const tools = await confinement();
  const copied = tools.root && tools.setpriv;
  findProgram(name, { folder: pluginFolder, asNobody: copied });
  if (copied) await forgetCopy(store);
  const folder = copied ? await copyFor(pluginFolder, store) : pluginFolder;
  const file = findProgram(name, { folder, asNobody: copied });
  const budgetBytes = memoryBudgetBytes(manifest);
  const network = (manifest.permissions ?? []).some((one) => one === "net" || one.startsWith("net:"));
  const { prefix, limits } = await confined(tools, wrapping(tools, { folder, network, memoryBytes: budgetBytes }));
  return {
    command: [...prefix, file, ...args],
    folder,
    environment,
    budgetBytes,
    limits: [
      `Files: it may read and write whatever ${copied ? "the user nobody" : "the agent's user"} may. Nothing keeps a program to its folder.`,
      ...limits,
    ],
    dispose: () => (copied ? forgetCopy(store) : Promise.resolve()),
  };
}

/** All it starts lives in a namespace that ends with it, and with the agent, where the system has that. */
async function confined(
  tools: Confinement,
  { prefix, limits }: { prefix: string[]; limits: string[] },
): Promise<{ prefix: string[]; limits: string[] }> {
  const flags = await (familyFlags ??= probeFamily(tools));
  if (flags === null) {
    const last = tools.setpriv ? [] : ["It is not ended when the agent is killed, unless it then prints."];
    const leaves =
      process.platform === "win32"
        ? "Programs that it starts are not ended with it."
        : "A program that it starts and that leaves its process group is not ended with it.";
    const cost = process.platform === "linux" ? [] : ["Its CPU time and memory are not known on this system."];
    return { prefix, limits: [...limits, leaves, ...last, ...cost] };
  }
  const joined =
    prefix[0] === "unshare" ? [prefix[0], ...flags, ...prefix.slice(1)] : ["unshare", ...flags, ...userOf(tools), ...prefix];
  return {
    prefix: [...(tools.setpriv ? ["setpriv", "--pdeathsig", "KILL"] : []), ...joined, ...INIT],
    // In a namespace of its own the agent and its user's other processes have no number that it could send a signal to.
    limits: limits.filter((limit) => !limit.includes("can send signals")),
  };
}

async function probeFamily(tools: Confinement): Promise<readonly string[] | null> {
  if (process.platform !== "linux") return null;
  const flags = ["--pid", "--fork", "--kill-child"];
  return (await runs("unshare", [...userOf(tools), ...flags, "true"])) ? flags : null;
}

/** Without root, a user namespace is what allows the others. */
function userOf({ root }: Confinement): string[] {
  return root ? [] : ["-r"];
}

/** A copy that everybody may read, and only the agent may change. */
async function copyFor(pluginFolder: string, store: ProgramStore): Promise<string> {
  const { entries } = await readPluginFolder(pluginFolder);
  const folder = await mkdtemp(join(tmpdir(), COPY_PREFIX));
  await store.write(COPY_NAME, Buffer.from(folder));
  await chmod(folder, 0o755);
  if (!everybodyEnters(folder))
    throw new AgentError(
      "folder_unreadable",
      `the agent is root and its programs are not, but ${tmpdir()} is closed to others: set TMPDIR to a folder that everybody may enter`,
    );
  await writeEntries(folder, entries);
  for (const { path } of entries) {
    const file = join(folder, ...path.split("/"));
    await chmod(file, 0o755);
    for (let parent = dirname(file); parent !== folder; parent = dirname(parent)) await chmod(parent, 0o755);
  }
  return folder;
}

/** Removes the copy of this run, or of one that was killed. */
async function forgetCopy(store: ProgramStore): Promise<void> {
  const bytes = await store.read(COPY_NAME);
  const folder = bytes === null ? "" : Buffer.from(bytes).toString("utf8");
  if (!folder.startsWith(join(tmpdir(), COPY_PREFIX)) || dirname(folder) !== tmpdir()) return;
  try {
    await rm(folder, { recursive: true, force: true });
    await store.write(COPY_NAME, new Uint8Array());
  } catch (error) {
    throw new AgentError("folder_unreadable", `${folder} cannot be removed: ${errorText(error)}`, { where: folder });
  }
}
