import type { Dirent } from "node:fs";
import { lstat, readdir, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, sep } from "node:path";
import { AgentError } from "all-use-agent/sdk";

/** Folders' entries that are looked at for one pattern, and how deep. */
const ENTRIES_MAX = 50_000;
const DEPTH_MAX = 16;

export interface FoundFile {
  /** As the pattern has it. */
  readonly path: string;
  /** The file itself, behind all links. */
  readonly realPath: string;
  readonly key: string;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
}

export interface Found {
  readonly files: FoundFile[];
  /** Paths that were left out because they lead out of the pattern's folder. */
  readonly outside: string[];
}

/**
 * The regular files that an absolute pattern stands for: `*` and `?` within a name, `[a-z]`, `**` for folders of any depth. Links
 * are followed only within the folder before the first of these; nothing else is opened or followed. Throws `batch_too_many_files`.
 */
export async function expand(pattern: string): Promise<Found> {
  const parts = pattern.split(/[\\/]/g).filter((part, i) => part !== "" || i === 0);
  const first = parts.findIndex((part) => /[*?[]/.test(part));
  const folder = first < 0 ? dirname(pattern) : parts.slice(0, first).join(sep) || sep;
  const rest = first < 0 ? [basename(pattern)] : parts.slice(first);
  const found: Found = { files: [], outside: [] };
  let root: string;
  try {
    root = await realpath(folder);
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return found;
    throw error;
  }
  const walk = new Walk(root, found);
  if (first < 0) await walk.take(pattern);
  else await walk.folder(folder, rest, 0);
  return found;
}

class Walk {
  private readonly root: string;
  private readonly found: Found;
  private entries = 0;
  private readonly taken = new Set<string>();

  constructor(root: string, found: Found) {
    this.root = root;
    this.found = found;
  }

  async folder(path: string, parts: readonly string[], depth: number): Promise<void> {
    if (depth > DEPTH_MAX) return;
    const [part, ...rest] = parts;
    if (part === "**") {
      await this.folder(path, rest.length > 0 ? rest : ["*"], depth);
      for (const entry of await this.list(path))
        if (entry.isDirectory()) await this.folder(join(path, entry.name), parts, depth + 1);
      return;
    }
    const expression = nameExpression(part);
    for (const entry of await this.list(path)) {
      if (!expression.test(entry.name) || (entry.name.startsWith(".") && !part.startsWith("."))) continue;
      const child = join(path, entry.name);
      if (rest.length === 0) await this.take(child);
      else if (entry.isDirectory() || (entry.isSymbolicLink() && (await this.within(child))))
        await this.folder(child, rest, depth + 1);
    }
  }

  async take(path: string): Promise<void> {
    try {
      const entry = await lstat(path);
      if (!entry.isFile() && !entry.isSymbolicLink()) return;
      const real = await realpath(path);
      if (!isWithin(this.root, real)) return void this.found.outside.push(path);
      const info = entry.isSymbolicLink() ? await stat(real) : entry;
      const key = `${info.dev}:${info.ino}`;
      if (!info.isFile() || this.taken.has(key)) return;
      this.taken.add(key);
      this.found.files.push({ path, realPath: real, key, sizeBytes: info.size, mtimeMs: Math.floor(info.mtimeMs) });
    } catch (error) {
      // It went away while we looked.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }

  private async within(path: string): Promise<boolean> {
    const real = await realpath(path).catch(() => null);
    const inside = real !== null && isWithin(this.root, real);
    if (!inside) this.found.outside.push(path);
    return inside;
  }

  private async list(path: string): Promise<Dirent[]> {
    try {
      const entries = await readdir(path, { withFileTypes: true });
      this.entries += entries.length;
      if (this.entries > ENTRIES_MAX)
        throw new AgentError(
          "batch_too_many_files",
          `below ${this.root} are more than ${ENTRIES_MAX} entries to look at: name a narrower path`,
          { where: this.root },
        );
      return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    } catch (error) {
      if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return [];
      throw error;
    }
  }
}

function isWithin(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

/** One name of a pattern. Runs of stars are one, so that matching takes no long way. */
function nameExpression(part: string): RegExp {
  const source = part
    .replace(/\*+/g, "*")
    .replace(/\[(!?)([^\]]*)\]|[*?]|[^*?[]|\[/g, (found, not: string | undefined, set: string | undefined) => {
      if (set !== undefined) return `[${not ? "^" : ""}${set.replace(/[\\\]^]/g, "\\$&")}]`;
      if (found === "*") return "[^/]*";
      if (found === "?") return "[^/]";
      return found.replace(/[\\^$.|+(){}[\]]/g, "\\$&");
    });
  try {
    return new RegExp(`^${source}$`, "su");
  } catch {
    throw new AgentError("batch_config_invalid", `${JSON.stringify(part)} is no pattern of file names`, { where: "/paths" });
  }
}
