import { createHash } from "node:crypto";
import { AgentError, errorText, type Manifest } from "all-use-agent/sdk";
import { checkManifest } from "../manifest.ts";
import type { PackageSignature } from "./signature.ts";

export const FILES_MAX = 1000;
export const CONTENT_MAX_BYTES = 20 * 2 ** 20;
const PATH_MAX_BYTES = 240;
const MANIFEST_MAX_BYTES = 256 * 1024;

/** One file of a plugin: its path with `/` between the parts, below the plugin's folder. */
export interface PackageEntry {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** A plugin's files, checked: in order of their paths, with the manifest among them. */
export interface PluginPackage {
  readonly manifest: Manifest;
  readonly entries: readonly PackageEntry[];
  readonly sizeBytes: number;
  /** SHA-256 over all paths and contents, in hex: the same for a folder and for its packed file. */
  readonly sha256: string;
  /** Of a packed file that carries one; it holds. */
  readonly signature?: PackageSignature;
}

export function refuse(message: string, where?: string): AgentError {
  return new AgentError("package_refused", message, where === undefined ? {} : { where });
}

/**
 * Checks files from anywhere. `source` is only for the messages.
 * Throws `package_refused`, `manifest_invalid`, `api_too_new`, `api_too_old`.
 */
export function checkPackage(files: readonly PackageEntry[], source: string): PluginPackage {
  if (files.length > FILES_MAX) throw refuse(`${source} has ${files.length} files; a plugin has at most ${FILES_MAX}`);
  const entries = [...files].sort((a, b) => (a.path < b.path ? -1 : 1));
  const seen = new Set<string>();
  let sizeBytes = 0;
  for (const { path, bytes } of entries) {
    checkPath(path, source);
    // What differs only in case is one file on Windows and macOS.
    const folded = path.normalize("NFC").toLowerCase();
    if (seen.has(folded)) throw refuse(`${source} has ${JSON.stringify(path)} twice`, path);
    seen.add(folded);
    sizeBytes += bytes.length;
  }
  if (sizeBytes > CONTENT_MAX_BYTES)
    throw refuse(`${source} holds ${sizeBytes} bytes; a plugin has at most ${CONTENT_MAX_BYTES}`);
  const manifest = manifestOf(entries, source);
  const needed = manifest.entry ?? programInFolder(manifest);
  if (needed !== null && !entries.some(({ path }) => path === needed))
    throw refuse(
      `${source} has no file ${needed}, which its plugin.json names as its ${manifest.entry ? "entry" : "program"}`,
      manifest.entry ? "/entry" : "/exec/command/0",
    );
  return { manifest, entries, sizeBytes, sha256: createHash("sha256").update(encodeEntries(entries)).digest("hex") };
}

/** The path of an exec plugin's program when that is one of its files, or null. */
function programInFolder({ exec }: Manifest): string | null {
  return /^\.[\\/](.*)$/.exec(exec?.command[0] ?? "")?.[1]?.replaceAll("\\", "/") ?? null;
}

/** Relative, no way up, and a file name on every platform. */
function checkPath(path: string, source: string): void {
  const parts = path.split("/");
  const fault =
    Buffer.byteLength(path) > PATH_MAX_BYTES
      ? `is longer than ${PATH_MAX_BYTES} bytes`
      : parts.some((part) => part === "" || part === "." || part === "..")
        ? "must be a relative path inside the plugin's folder"
        : parts.some((part) => /[\\:*?"<>|\u0000-\u001f]/.test(part) || /[. ]$/.test(part))
          ? "holds characters that are no file name everywhere"
          : parts.some((part) => part.startsWith("."))
            ? "is hidden"
            : null;
  if (fault !== null) throw refuse(`${source}: the path ${JSON.stringify(path)} ${fault}`, path);
}

function manifestOf(entries: readonly PackageEntry[], source: string): Manifest {
  const bytes = entries.find(({ path }) => path === "plugin.json")?.bytes;
  if (bytes === undefined) throw refuse(`${source} has no plugin.json: it is not a plugin`);
  if (bytes.length > MANIFEST_MAX_BYTES)
    throw refuse(`${source}: plugin.json has ${bytes.length} bytes; a manifest has at most ${MANIFEST_MAX_BYTES}`);
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch (error) {
    throw refuse(`${source}: plugin.json is not JSON: ${errorText(error)}`);
  }
  return checkManifest(value, `plugin.json of ${source}`);
}

/** The content part of a packed file: docs/format/plugin-package.md. */
export function encodeEntries(entries: readonly PackageEntry[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const { path, bytes } of entries) {
    const name = Buffer.from(path, "utf8");
    const head = Buffer.alloc(6);
    head.writeUInt16LE(name.length, 0);
    head.writeUInt32LE(bytes.length, 2);
    parts.push(head, name, bytes);
  }
  return Buffer.concat(parts);
}
