import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { errorText } from "all-use-agent/sdk";
import {
  checkPackage,
  CONTENT_MAX_BYTES,
  encodeEntries,
  FILES_MAX,
  type PackageEntry,
  type PluginPackage,
  refuse,
} from "./entries.ts";

const MAGIC = Buffer.from("ALLUSEPK", "latin1");
const VERSION = 1;
const HEAD_BYTES = 44;
const ENTRY_HEAD_BYTES = 6;
/** Heads and paths come on top of the contents. */
const PAYLOAD_MAX_BYTES = CONTENT_MAX_BYTES + FILES_MAX * 256;
/** Nothing that unpacks to the limit is larger than this: deflate adds 5 bytes to 16 KB that cannot be compressed. */
export const PACKED_MAX_BYTES = PAYLOAD_MAX_BYTES + 2 ** 20;

/** A plugin as one file, the same bytes for the same content. Layout: docs/format/plugin-package.md. */
export async function packFile({ entries }: PluginPackage): Promise<Buffer> {
  const payload = encodeEntries(entries);
  const packed = await promisify(gzip)(payload, { level: 9 });
  // The header names the operating system that packed; this says "unknown" for all of them.
  packed[9] = 255;
  const head = Buffer.alloc(HEAD_BYTES);
  MAGIC.copy(head, 0);
  head.writeUInt8(VERSION, 8);
  head.writeUInt8(0, 9);
  head.writeUInt16LE(entries.length, 10);
  createHash("sha256").update(payload).digest().copy(head, 12);
  return Buffer.concat([head, packed]);
}

/** Reads a packed file of anybody's making. Throws `package_refused` and what `checkPackage` throws. */
export async function unpackFile(bytes: Buffer, source: string): Promise<PluginPackage> {
  if (bytes.length < HEAD_BYTES || !bytes.subarray(0, 8).equals(MAGIC))
    throw refuse(`${source} is not a packed plugin: alluse plugin pack makes one of a folder`);
  if (bytes[8] !== VERSION)
    throw refuse(`${source} is packed in version ${bytes[8]} of the format; this agent reads version ${VERSION}`);
  let payload: Buffer;
  try {
    payload = await promisify(gunzip)(bytes.subarray(HEAD_BYTES), { maxOutputLength: PAYLOAD_MAX_BYTES });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE")
      throw refuse(`${source} unpacks to more than ${PAYLOAD_MAX_BYTES} bytes; a plugin has at most ${CONTENT_MAX_BYTES}`);
    throw refuse(`${source} is damaged: ${errorText(error)}`);
  }
  if (!createHash("sha256").update(payload).digest().equals(bytes.subarray(12, HEAD_BYTES)))
    throw refuse(`${source} is damaged: its SHA-256 is not the one it carries`);
  return checkPackage(decodeEntries(payload, bytes.readUInt16LE(10), source), source);
}

function decodeEntries(payload: Buffer, count: number, source: string): PackageEntry[] {
  const entries: PackageEntry[] = [];
  let at = 0;
  while (at < payload.length) {
    if (entries.length === FILES_MAX)
      throw refuse(`${source} has more than ${FILES_MAX} files; a plugin has at most ${FILES_MAX}`);
    const nameAt = at + ENTRY_HEAD_BYTES;
    if (nameAt > payload.length) throw refuse(`${source} is damaged: it ends within an entry`);
    const bytesAt = nameAt + payload.readUInt16LE(at);
    const endsAt = bytesAt + payload.readUInt32LE(at + 2);
    if (endsAt > payload.length) throw refuse(`${source} is damaged: an entry is longer than the file`);
    entries.push({ path: payload.toString("utf8", nameAt, bytesAt), bytes: payload.subarray(bytesAt, endsAt) });
    at = endsAt;
  }
  if (entries.length !== count) throw refuse(`${source} is damaged: it says ${count} files and has ${entries.length}`);
  return entries;
}
