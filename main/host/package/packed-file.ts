import { createHash, type KeyObject } from "node:crypto";
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
import { KEY_BYTES, type PackageSignature, SIGNATURE_BYTES, signatureHolds, signContent } from "./signature.ts";

const MAGIC = Buffer.from("ALLUSEPK", "latin1");
const VERSION = 1;
const HEAD_BYTES = 44;
const ENTRY_HEAD_BYTES = 6;
/** Byte 9: a signature follows the payload. */
const FLAG_SIGNED = 1;
/** Behind the compressed payload. gunzip takes a zero byte for the end, so readers that know no signatures read on as before. */
const SIGNED = Buffer.from("\0ALLUSESG", "latin1");
const SIGNED_BYTES = SIGNED.length + KEY_BYTES + SIGNATURE_BYTES;
/** Heads and paths come on top of the contents. */
const PAYLOAD_MAX_BYTES = CONTENT_MAX_BYTES + FILES_MAX * 256;
/** Nothing that unpacks to the limit is larger than this: deflate adds 5 bytes to 16 KB that cannot be compressed. */
export const PACKED_MAX_BYTES = PAYLOAD_MAX_BYTES + 2 ** 20;

/** A plugin as one file, the same bytes for the same content and key. Layout: docs/format/plugin-package.md. */
export async function packFile({ entries, sha256 }: PluginPackage, key: KeyObject | null = null): Promise<Buffer> {
  const payload = encodeEntries(entries);
  const packed = await promisify(gzip)(payload, { level: 9 });
  // The header names the operating system that packed; this says "unknown" for all of them.
  packed[9] = 255;
  const head = Buffer.alloc(HEAD_BYTES);
  MAGIC.copy(head, 0);
  head.writeUInt8(VERSION, 8);
  head.writeUInt8(key === null ? 0 : FLAG_SIGNED, 9);
  head.writeUInt16LE(entries.length, 10);
  createHash("sha256").update(payload).digest().copy(head, 12);
  if (key === null) return Buffer.concat([head, packed]);
  const signed = signContent(key, sha256);
  return Buffer.concat([head, packed, SIGNED, Buffer.from(signed.key, "base64"), Buffer.from(signed.signature, "base64")]);
}

/** Reads a packed file of anybody's making; a signature in it holds, or it is refused. Throws `package_refused` and what `checkPackage` throws. */
export async function unpackFile(bytes: Buffer, source: string): Promise<PluginPackage> {
  if (bytes.length < HEAD_BYTES || !bytes.subarray(0, 8).equals(MAGIC))
    throw refuse(`${source} is not a packed plugin: alluse plugin pack makes one of a folder`);
  if (bytes[8] !== VERSION)
    throw refuse(`${source} is packed in version ${bytes[8]} of the format; this agent reads version ${VERSION}`);
  const signed = signedPart(bytes, source);
  const packed = bytes.subarray(HEAD_BYTES, signed === null ? bytes.length : bytes.length - SIGNED_BYTES);
  let payload: Buffer;
  try {
    payload = await promisify(gunzip)(packed, { maxOutputLength: PAYLOAD_MAX_BYTES });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE")
      throw refuse(`${source} unpacks to more than ${PAYLOAD_MAX_BYTES} bytes; a plugin has at most ${CONTENT_MAX_BYTES}`);
    throw refuse(`${source} is damaged: ${errorText(error)}`);
  }
  if (!createHash("sha256").update(payload).digest().equals(bytes.subarray(12, HEAD_BYTES)))
    throw refuse(`${source} is damaged: its SHA-256 is not the one it carries`);
  const read = checkPackage(decodeEntries(payload, bytes.readUInt16LE(10), source), source);
  if (signed === null) return read;
  if (!signatureHolds(signed, read.sha256))
    throw refuse(`${source} has a BROKEN signature: its content is not what the owner of the key ${signed.key} signed`);
  return { ...read, signature: signed };
}

function signedPart(bytes: Buffer, source: string): PackageSignature | null {
  const flags = bytes[9];
  if (flags === 0) return null;
  const at = bytes.length - SIGNED_BYTES;
  if (flags !== FLAG_SIGNED || at < HEAD_BYTES || !bytes.subarray(at, at + SIGNED.length).equals(SIGNED))
    throw refuse(`${source} is damaged: it says that it is signed, and its signature is missing`);
  const keyAt = at + SIGNED.length;
  return {
    key: bytes.toString("base64", keyAt, keyAt + KEY_BYTES),
    signature: bytes.toString("base64", keyAt + KEY_BYTES),
  };
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
