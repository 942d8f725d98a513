import { chmod, mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { AgentError, errorText } from "all-use-agent/sdk";
import { readFileOrNull, writeFileAtomic } from "../files.ts";
import { schemaProblems } from "../schema.ts";

/** Encrypts for this user of this machine, where the shell has something that can. */
export interface SecretSeal {
  /** Stands beside what it sealed. */
  readonly name: string;
  seal(text: string): string;
  /** Throws for what it did not seal. */
  open(text: string): string;
}

interface KeptSecret {
  readonly text: string;
  /** Which seal it is under; absent: none. */
  readonly seal?: string;
}

type Kept = Record<string, Record<string, KeptSecret>>;

const FORMAT = 1;

/** JSON Schema of secrets.json. */
const fileSchema = {
  type: "object",
  required: ["version", "secrets"],
  properties: {
    version: { const: FORMAT },
    secrets: {
      type: "object",
      additionalProperties: {
        type: "object",
        additionalProperties: {
          type: "object",
          required: ["text"],
          properties: { text: { type: "string" }, seal: { type: "string" } },
        },
      },
    },
  },
} as const;

/**
 * Secrets of plugins: `secrets.json` in the data folder, mode 0600, by instance and JSON pointer into its configuration, each
 * sealed where there is a seal. A file that cannot be understood is never written over.
 */
export class SecretStore {
  private readonly path: string;
  private readonly seal: SecretSeal | null;
  private kept: Kept = {};
  private damage: string | null = null;

  private constructor(path: string, seal: SecretSeal | null) {
    this.path = path;
    this.seal = seal;
  }

  /** Reads the file. What is wrong with it is in `problem`; it never throws. `warn` hears of what was mended. */
  static async open(path: string, seal: SecretSeal | null, warn: (message: string) => void): Promise<SecretStore> {
    const store = new SecretStore(path, seal);
    await store.reload(warn);
    return store;
  }

  /** Why no secret can be had, in a sentence. */
  get problem(): string | null {
    return this.damage;
  }

  async reload(warn: (message: string) => void): Promise<void> {
    this.damage = null;
    try {
      if (await mendMode(this.path))
        warn(`others could read ${this.path}; it was closed to them, but set secrets anew that they may have read`);
      this.kept = await read(this.path);
      if (this.sealAll()) await this.write();
    } catch (error) {
      this.kept = {};
      this.damage = `${this.path} cannot be used (${errorText(error)}): mend it, or move it away and set the secrets again`;
    }
  }

  /** The secrets of an instance by JSON pointer. Those under a seal that is not to be had here are left out. */
  of(key: string): Record<string, string> {
    const opened: Record<string, string> = {};
    for (const [pointer, secret] of Object.entries(this.entries(key))) {
      const text = this.text(secret);
      if (text !== null) opened[pointer] = text;
    }
    return opened;
  }

  /** Pointers of secrets that are under a seal that cannot be opened here. */
  unreadable(key: string): string[] {
    return Object.entries(this.entries(key))
      .filter(([, secret]) => this.text(secret) === null)
      .map(([pointer]) => pointer);
  }

  /** Keeps secrets of an instance, null forgets one. Durable when it resolves. Throws `secrets_invalid`. */
  async set(key: string, changes: Readonly<Record<string, string | null>>): Promise<void> {
    if (this.damage !== null) throw new AgentError("secrets_invalid", this.damage, { where: this.path });
    const before = this.kept;
    const entries = { ...this.entries(key) };
    for (const [pointer, text] of Object.entries(changes)) {
      if (text === null) delete entries[pointer];
      else entries[pointer] = this.sealed(text);
    }
    this.kept = { ...before, [key]: entries };
    if (Object.keys(entries).length === 0) delete this.kept[key];
    try {
      await this.write();
    } catch (error) {
      this.kept = before;
      throw error;
    }
  }

  /** Forgets everything of an instance, or of a plugin with all its instances. */
  async forget(key: string): Promise<void> {
    for (const known of Object.keys(this.kept))
      if (known === key || known.startsWith(`${key}#`))
        await this.set(known, Object.fromEntries(Object.keys(this.kept[known]).map((pointer) => [pointer, null])));
  }

  private entries(key: string): Record<string, KeptSecret> {
    return Object.hasOwn(this.kept, key) ? this.kept[key] : {};
  }

  private sealed(text: string): KeptSecret {
    return this.seal ? { text: this.seal.seal(text), seal: this.seal.name } : { text };
  }

  private text({ text, seal }: KeptSecret): string | null {
    if (seal === undefined) return text;
    if (this.seal?.name !== seal) return null;
    try {
      return this.seal.open(text);
    } catch {
      return null;
    }
  }

  /** What the command line wrote while no agent ran is in clear. Whether anything changed. */
  private sealAll(): boolean {
    if (!this.seal) return false;
    let changed = false;
    for (const entries of Object.values(this.kept))
      for (const [pointer, secret] of Object.entries(entries)) {
        if (secret.seal !== undefined) continue;
        entries[pointer] = this.sealed(secret.text);
        changed = true;
      }
    return changed;
  }

  private async write(): Promise<void> {
    await mkdir(dirname(this.path), { recursive: true, mode: 0o700 });
    await writeFileAtomic(this.path, `${JSON.stringify({ version: FORMAT, secrets: this.kept }, null, 2)}\n`);
  }
}

/** Whether others than the owner may read the file. Windows has no such modes. */
export async function readableByOthers(path: string): Promise<boolean> {
  if (process.platform === "win32") return false;
  const found = await stat(path).catch(() => null);
  return found !== null && (found.mode & 0o077) !== 0;
}

async function mendMode(path: string): Promise<boolean> {
  if (!(await readableByOthers(path))) return false;
  await chmod(path, 0o600);
  return true;
}

async function read(path: string): Promise<Kept> {
  const bytes = await readFileOrNull(path);
  if (bytes === null) return {};
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString("utf8"));
  } catch {
    // The parser's own words quote the text.
    throw new AgentError("secrets_invalid", "it is not JSON");
  }
  const [problem] = schemaProblems(fileSchema, value, {});
  if (problem) throw new AgentError("secrets_invalid", `at ${problem.where}: ${problem.message}`);
  return (value as { secrets: Kept }).secrets;
}
