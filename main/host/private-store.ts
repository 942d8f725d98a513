import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { AgentError, type PrivateStore } from "all-use-agent/sdk";
import { readFileOrNull, writeFileAtomic } from "./files.ts";

const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;
/** Below the instance's folder: what the plugin keeps. Beside it lies what the agent keeps of the plugin. */
const OWN_FOLDER = "store";
/** Every name under which the agent keeps something of an instance. A plugin's file of the same name lies in its own folder. */
const HOST_NAMES = ["snapshot", "crash.json", "crashes.json", "program-folder", "javascript.json"] as const;
export type HostName = (typeof HOST_NAMES)[number];
/** What one instance may keep: small private state, no database. */
const OWN_MAX_BYTES = 16 * 1024 * 1024;
const OWN_MAX_FILES = 256;

/** What the agent keeps of an instance, and apart from it what the instance keeps itself. */
export interface InstanceStore {
  /** What the plugin knows as `ctx.store`: names of its own, at most 256 of them, at most 16 MB together. */
  readonly own: PrivateStore;
  read(name: HostName): Promise<Uint8Array | null>;
  write(name: HostName, bytes: Uint8Array): Promise<void>;
  remove(name: HostName): Promise<void>;
}

/** The files of one instance in `folder`, which lies below `state/` of the data folder. */
export function privateStore(folder: string): InstanceStore {
  const files = folderStore(folder);
  return {
    ...files,
    remove: (name) => rm(join(folder, name), { force: true }),
    own: ownStore(folder),
  };
}

function folderStore(folder: string): PrivateStore {
  return {
    read: async (name) => readFileOrNull(pathIn(folder, name)),
    write: async (name, bytes) => {
      const path = pathIn(folder, name);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeFileAtomic(path, bytes);
    },
  };
}

/** The plugin's files, one write at a time: two of the same name would meet in one temporary file. */
function ownStore(folder: string): PrivateStore {
  const ownFolder = join(folder, OWN_FOLDER);
  const files = folderStore(ownFolder);
  let sizes: Promise<Map<string, number>> | null = null;
  let last: Promise<unknown> = Promise.resolve();
  const known = (): Promise<Map<string, number>> => {
    sizes ??= moveFromBefore(folder, ownFolder).then(() => sizesIn(ownFolder));
    sizes.catch(() => (sizes = null));
    return sizes;
  };
  const write = async (name: string, bytes: Uint8Array): Promise<void> => {
    const all = await known();
    refuseTooMuch(all, name, bytes.length);
    await files.write(name, bytes);
    all.set(name, bytes.length);
  };
  return {
    read: async (name) => {
      pathIn(ownFolder, name);
      await known();
      return files.read(name);
    },
    write: async (name, bytes) => {
      pathIn(ownFolder, name);
      // Until its turn comes the caller may change them.
      const own = bytes.slice();
      const written = last.then(() => write(name, own));
      last = written.catch(() => {});
      return written;
    },
  };
}

/** Throws `store_full`. */
function refuseTooMuch(sizes: ReadonlyMap<string, number>, name: string, bytes: number): void {
  if (!sizes.has(name) && sizes.size >= OWN_MAX_FILES)
    throw new AgentError(
      "store_full",
      `the store of a plugin holds at most ${OWN_MAX_FILES} names, and ${name} would be one more: write under names that are there`,
      { where: name },
    );
  let total = bytes;
  for (const [other, size] of sizes) if (other !== name) total += size;
  if (total > OWN_MAX_BYTES)
    throw new AgentError(
      "store_full",
      `the store of a plugin holds at most ${OWN_MAX_BYTES} bytes, and with ${bytes} bytes of ${name} it would hold ${total}: keep less, or shorten what is there`,
      { where: name },
    );
}

function pathIn(folder: string, name: string): string {
  if (!NAME.test(name) || name.endsWith(".tmp"))
    throw new AgentError(
      "store_name_invalid",
      `a name in the store is lower-case letters, digits, dots and dashes, not ending in .tmp, found ${JSON.stringify(name)}`,
    );
  return join(folder, name);
}

async function sizesIn(folder: string): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  for (const name of await namesIn(folder)) sizes.set(name, (await stat(join(folder, name))).size);
  return sizes;
}

/** Before plugins had a folder of their own their files lay beside the agent's. */
async function moveFromBefore(folder: string, ownFolder: string): Promise<void> {
  const kept: readonly string[] = HOST_NAMES;
  for (const name of await namesIn(folder)) {
    if (kept.includes(name)) continue;
    await mkdir(ownFolder, { recursive: true, mode: 0o700 });
    await rename(join(folder, name), join(ownFolder, name));
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isFile() && !entry.name.endsWith(".tmp")).map(({ name }) => name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
