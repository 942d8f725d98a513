import { lstat, open, readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { AgentError, errorText } from "all-use-agent/sdk";
import { checkPackage, CONTENT_MAX_BYTES, FILES_MAX, type PackageEntry, type PluginPackage, refuse } from "./entries.ts";
import { PACKED_MAX_BYTES, unpackFile } from "./packed-file.ts";

const DEPTH_MAX = 16;

/** A plugin from its folder or its packed file. Nothing of it is run. Throws `package_refused`, `manifest_invalid`. */
export async function readPackage(path: string): Promise<PluginPackage> {
  let stats: Awaited<ReturnType<typeof lstat>>;
  try {
    stats = await lstat(path);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    throw refuse(missing ? `there is no ${path}` : `${path} cannot be read: ${errorText(error)}`, path);
  }
  if (stats.isDirectory()) return readPluginFolder(path);
  if (!stats.isFile()) throw refuse(`${path} is neither a folder nor a file; symlinks are not followed`, path);
  if (stats.size > PACKED_MAX_BYTES)
    throw refuse(`${path} has ${stats.size} bytes; a packed plugin has at most ${PACKED_MAX_BYTES}`);
  return unpackFile(await readFile(path), basename(path));
}

/** The files of a plugin's folder; hidden ones (`.git`, `.DS_Store`) are no part of it. */
export async function readPluginFolder(folder: string): Promise<PluginPackage> {
  const entries: PackageEntry[] = [];
  let sizeBytes = 0;

  async function walk(path: string, prefix: string, depth: number): Promise<void> {
    if (depth > DEPTH_MAX) throw refuse(`${path} lies deeper than ${DEPTH_MAX} folders`, path);
    for (const entry of await readdir(path, { withFileTypes: true })) {
      if (entry.name.startsWith(".")) continue;
      const full = join(path, entry.name);
      if (entry.isDirectory()) {
        await walk(full, `${prefix}${entry.name}/`, depth + 1);
        continue;
      }
      if (!entry.isFile())
        throw refuse(
          `${full} is ${entry.isSymbolicLink() ? "a symlink" : "no ordinary file"}; a plugin has only folders and files`,
          full,
        );
      if (entries.length === FILES_MAX)
        throw refuse(`${folder} has more than ${FILES_MAX} files; a plugin has at most ${FILES_MAX}`, full);
      const bytes = await readAtMost(full, CONTENT_MAX_BYTES - sizeBytes, folder);
      sizeBytes += bytes.length;
      entries.push({ path: `${prefix}${entry.name}`, bytes });
    }
  }

  try {
    await walk(folder, "", 0);
  } catch (error) {
    if (error instanceof AgentError) throw error;
    throw refuse(`${folder} cannot be read: ${errorText(error)}`, folder);
  }
  return checkPackage(entries, folder);
}

async function readAtMost(path: string, bytesLeft: number, folder: string): Promise<Buffer> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    if (size > bytesLeft) throw refuse(`${folder} holds more than ${CONTENT_MAX_BYTES} bytes; a plugin has at most that`, path);
    return await file.readFile();
  } finally {
    await file.close();
  }
}

/** SHA-256 of a folder's content as a package has it; null where it cannot be one. */
export async function contentHash(folder: string): Promise<string | null> {
  return readPluginFolder(folder).then(
    ({ sha256 }) => sha256,
    () => null,
  );
}
