import { write, writeSync } from "node:fs";
import { type FileHandle, open, rename } from "node:fs/promises";
import { dirname } from "node:path";

/** Writes all bytes at a position of its own, so that repeating a failed write leaves no hole and no double. */
export async function writeAt(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let at = 0;
  while (at < bytes.length) {
    const written = await writeSome(handle.fd, at === 0 ? bytes : bytes.subarray(at), position + at);
    if (written === 0) throw new Error("the disk took no bytes");
    at += written;
  }
}

/** The same at once, on this thread. */
export function writeAtSync(handle: FileHandle, bytes: Uint8Array, position: number): void {
  for (let at = 0; at < bytes.length;) {
    const written = writeSync(handle.fd, bytes, at, bytes.length - at, position + at);
    if (written === 0) throw new Error("the disk took no bytes");
    at += written;
  }
}

/** FileHandle.write with half its cost; the log does it for each flush. */
function writeSome(fd: number, bytes: Uint8Array, position: number): Promise<number> {
  return new Promise((resolve, reject) =>
    write(fd, bytes, 0, bytes.length, position, (error, written) => (error === null ? resolve(written) : reject(error))),
  );
}

/** Makes names in a folder survive a power cut. Windows has no such call and needs none. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(path, "w", 0o600);
  try {
    await writeAt(handle, bytes, 0);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The file is there whole or not at all, also after a power cut. */
export async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  await writeSynced(`${path}.tmp`, bytes);
  await rename(`${path}.tmp`, path);
  await syncFolder(dirname(path));
}
