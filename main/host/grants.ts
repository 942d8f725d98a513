import { mkdir, open, stat, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { AgentError, errorText, permissionCovers } from "all-use-agent/sdk";
import { readFileOrNull, writeFileAtomic } from "./files.ts";
import { schemaProblems } from "./schema.ts";

/** A lock older than this was left by a process that died while it held it: a change takes milliseconds. */
const LOCK_STALE_MS = 5000;
const LOCK_RETRY_MS = 20;

/** Who vouched for the content that was granted. */
export interface GrantSigner {
  /** Ed25519 public key, base64. */
  readonly key: string;
  /** Over the content's SHA-256, base64. */
  readonly signature: string;
}

/** What the operator allowed one plugin. */
export interface Grant {
  readonly permissions: readonly string[];
  /** Asked for and taken away again: the plugin runs without them. */
  readonly withheld: readonly string[];
  readonly version: string;
  /** Of the content at that time; null where it could not be read as a package. */
  readonly sha256: string | null;
  readonly granted_ms: number;
  readonly how: "add" | "dropped_in" | "page" | "grant";
  readonly signer: GrantSigner | null;
}

const texts = { type: "array", items: { type: "string" } } as const;

/** JSON Schema of `grants.json` in the data folder. */
const grantsSchema = {
  type: "object",
  required: ["plugins"],
  properties: {
    plugins: {
      type: "object",
      additionalProperties: {
        type: "object",
        required: ["permissions", "withheld", "version", "sha256", "granted_ms", "how", "signer"],
        properties: {
          permissions: texts,
          withheld: texts,
          version: { type: "string" },
          sha256: { type: ["string", "null"] },
          granted_ms: { type: "number" },
          how: { enum: ["add", "dropped_in", "page", "grant"] },
          signer: {
            type: ["object", "null"],
            required: ["key", "signature"],
            properties: { key: { type: "string" }, signature: { type: "string" } },
          },
        },
      },
    },
  },
} as const;

export interface Decision {
  /** With which of what it asks it runs. */
  readonly effective: readonly string[];
  /** Asked, neither granted nor withheld: it does not run until the operator has said something. */
  readonly missing: readonly string[];
}

/** What runs is what is asked and granted. Asking for less narrows by itself; asking for more waits. */
export function decide(asked: readonly string[], grant: Pick<Grant, "permissions" | "withheld">): Decision {
  const effective: string[] = [];
  const missing: string[] = [];
  for (const permission of asked) {
    const withheld = grant.withheld.some((one) => permissionCovers(one, permission));
    if (grant.permissions.includes(permission)) effective.push(permission);
    else if (withheld) continue;
    else if (grant.permissions.some((one) => permissionCovers(one, permission))) effective.push(permission);
    else missing.push(permission);
  }
  return { effective, missing };
}

export type Grants = Record<string, Grant>;

/** `grants.json`: read anew each time, since commands write it too, and changed under a lock. */
export class GrantBook {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Throws `grants_invalid`: what cannot be read grants nothing. */
  async read(): Promise<Grants> {
    let text: string | undefined;
    try {
      text = (await readFileOrNull(this.path))?.toString("utf8");
      if (text === undefined) return {};
      const value: unknown = JSON.parse(text);
      const [problem] = schemaProblems(grantsSchema, value);
      if (problem) throw new Error(`at ${problem.where}: ${problem.message}`);
      return { ...(value as { plugins: Grants }).plugins };
    } catch (error) {
      throw new AgentError(
        "grants_invalid",
        `${this.path} cannot be used (${errorText(error)}): mend it, or delete it and grant anew`,
        { where: this.path, cause: error },
      );
    }
  }

  async get(id: string): Promise<Grant | null> {
    return (await this.read())[id] ?? null;
  }

  /** Changes what `change` changes, durably. */
  async change(change: (plugins: Grants) => void): Promise<void> {
    await mkdir(dirname(this.path), { recursive: true, mode: 0o700 });
    const release = await this.lock();
    try {
      const plugins = await this.read();
      change(plugins);
      await writeFileAtomic(this.path, `${JSON.stringify({ version: 1, plugins }, null, 2)}\n`);
    } finally {
      await release();
    }
  }

  /** An agent and a command may want to change it at the same moment. */
  private async lock(): Promise<() => Promise<void>> {
    const path = `${this.path}.lock`;
    for (;;) {
      try {
        await (await open(path, "wx", 0o600)).close();
        return () => unlink(path).catch(() => {});
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
      const heldMs = await stat(path).then(
        ({ mtimeMs }) => Date.now() - mtimeMs,
        () => 0,
      );
      if (heldMs > LOCK_STALE_MS) await unlink(path).catch(() => {});
      else await new Promise((done) => setTimeout(done, LOCK_RETRY_MS));
    }
  }
}
