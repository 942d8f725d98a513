import { copyFile, mkdir, open, readdir, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** Unreadable copies kept of one collection; the oldest beyond these are removed so that trouble cannot fill the disk. */
const CORRUPT_COPIES_MAX = 3;
const CHUNK_BYTES = 65536;
const NEWLINE = 10;

/** A collection's file name: everything but lower-case letters, digits, `-` and `_` becomes %XX, so that no name leaves the folder. */
export function fileNameOf(collection: string): string {
  const encoded = Array.from(new TextEncoder().encode(collection), (byte) => {
    const char = String.fromCharCode(byte);
    return /[a-z0-9_-]/.test(char) ? char : `%${byte.toString(16).padStart(2, "0")}`;
  });
  return `${encoded.join("")}.db`;
}

/**
 * Cuts off an unfinished last line: a write that was under way when the process died, and was therefore never
 * acknowledged. Without this the next document would be written onto the same line and lost with it. Returns whether
 * something was cut.
 */
export async function cutTornTail(path: string): Promise<boolean> {
  let file;
  try {
    file = await open(path, "r+");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
  try {
    const { size } = await file.stat();
    if (size === 0) return false;
    const chunk = new Uint8Array(CHUNK_BYTES);
    for (let end = size; end > 0; end -= CHUNK_BYTES) {
      const start = Math.max(0, end - CHUNK_BYTES);
      const { bytesRead } = await file.read(chunk, 0, end - start, start);
      const newline = chunk.subarray(0, bytesRead).lastIndexOf(NEWLINE);
      if (newline < 0) continue;
      const keep = start + newline + 1;
      if (keep === size) return false;
      await file.truncate(keep);
      return true;
    }
    // Not one whole line: either the first write was torn, or this is no file of ours and is to be kept aside.
    await file.read(chunk, 0, 1, 0);
    if (chunk[0] !== 0x7b) return false;
    await file.truncate(0);
    return true;
  } finally {
    await file.close();
  }
}

export async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
}

/** Copies a file with unreadable lines to `<file>.corrupt-<time>` and returns that path. */
export async function keepAside(path: string, nowMs: number): Promise<string> {
  const stamp = new Date(nowMs).toISOString().replace(/[:.]/g, "-");
  const aside = `${path}.corrupt-${stamp}`;
  await copyFile(path, aside);
  const folder = dirname(path);
  const prefix = `${basename(path)}.corrupt-`;
  const copies = (await readdir(folder)).filter((name) => name.startsWith(prefix)).sort();
  for (const name of copies.slice(0, -CORRUPT_COPIES_MAX)) await rm(join(folder, name), { force: true });
  return aside;
}
