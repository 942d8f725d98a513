import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AgentError, errorText } from "all-use-agent/sdk";
import { readFileOrNull, writeFileAtomic } from "../files.ts";
import { schemaProblems } from "../schema.ts";
import { isPublicKey } from "./signature.ts";

const KEYS_MAX = 500;
const NAME = /^[A-Za-z0-9][A-Za-z0-9 ._@-]{0,62}$/;

export interface TrustedKey {
  readonly name: string;
  /** Ed25519 public key, base64. */
  readonly key: string;
  readonly added_ms: number;
}

const trustSchema = {
  type: "object",
  required: ["keys"],
  properties: {
    keys: {
      type: "array",
      items: {
        type: "object",
        required: ["name", "key", "added_ms"],
        properties: { name: { type: "string" }, key: { type: "string" }, added_ms: { type: "number" } },
      },
    },
  },
} as const;

/** The keys whose plugins the operator knows by name: `trust.json` in the data folder. */
export class TrustList {
  readonly path: string;

  constructor(dataDir: string) {
    this.path = join(dataDir, "trust.json");
  }

  /** Throws `trust_invalid`: who is trusted is not guessed. */
  async read(): Promise<readonly TrustedKey[]> {
    try {
      const bytes = await readFileOrNull(this.path);
      if (bytes === null) return [];
      const value: unknown = JSON.parse(bytes.toString("utf8"));
      const [problem] = schemaProblems(trustSchema, value);
      if (problem) throw new Error(`at ${problem.where}: ${problem.message}`);
      return (value as { keys: TrustedKey[] }).keys;
    } catch (error) {
      throw new AgentError("trust_invalid", `${this.path} cannot be used (${errorText(error)}): mend it or delete it`, {
        where: this.path,
        cause: error,
      });
    }
  }

  async nameOf(key: string): Promise<string | null> {
    return (await this.read()).find((known) => known.key === key)?.name ?? null;
  }

  /** Throws `trust_name_invalid`, `key_invalid`, `trust_duplicate`. */
  async add(name: string, key: string, nowMs: number): Promise<void> {
    if (!NAME.test(name))
      throw new AgentError(
        "trust_name_invalid",
        `a name is 1 to 63 letters, digits, blanks, . _ @ or -, not ${JSON.stringify(name)}`,
      );
    if (!isPublicKey(key))
      throw new AgentError(
        "key_invalid",
        `${JSON.stringify(key)} is no Ed25519 public key in base64, as alluse plugin keygen prints it`,
      );
    const keys = await this.read();
    const same = keys.find((known) => known.name === name || known.key === key);
    if (same)
      throw new AgentError("trust_duplicate", `${same.name} is trusted already, with the key ${same.key}: remove that first`);
    if (keys.length >= KEYS_MAX) throw new AgentError("trust_full", `${KEYS_MAX} keys are trusted; remove one first`);
    await this.write([...keys, { name, key, added_ms: nowMs }]);
  }

  /** Throws `trust_unknown`. */
  async remove(name: string): Promise<void> {
    const keys = await this.read();
    const kept = keys.filter((known) => known.name !== name);
    if (kept.length === keys.length)
      throw new AgentError("trust_unknown", `nobody is trusted by the name ${JSON.stringify(name)}`);
    await this.write(kept);
  }

  private async write(keys: readonly TrustedKey[]): Promise<void> {
    await mkdir(dirname(this.path), { recursive: true, mode: 0o700 });
    await writeFileAtomic(this.path, `${JSON.stringify({ version: 1, keys }, null, 2)}\n`);
  }
}
