import { join } from "node:path";
import { AgentError, type SignatureReport } from "all-use-agent/sdk";
import { type Grant, GrantBook } from "../grants.ts";
import type { PluginPackage } from "./entries.ts";
import { install, type KnownPlugin, type PluginRoots, predecessorOf } from "./install.ts";
import { TrustList } from "./trust.ts";

/** What putting a package in place would mean, for whoever decides it. */
export interface Admission {
  readonly plugin: PluginPackage;
  /** The installed version that it would take the place of. */
  readonly before: KnownPlugin | null;
  readonly grant: Grant | null;
  readonly asked: readonly string[];
  /** Asked beyond what the installed version was granted. */
  readonly added: readonly string[];
  readonly kept: readonly string[];
  /** Granted, and asked no longer. */
  readonly dropped: readonly string[];
  readonly signature: SignatureReport | null;
  /** A sentence when someone else vouches for it than for the version before; null when not. */
  readonly signerChange: string | null;
}

export function grantBook(dataDir: string): GrantBook {
  return new GrantBook(join(dataDir, "grants.json"));
}

/** Throws `plugin_duplicate`, `grants_invalid`, `trust_invalid`. Changes nothing. */
export async function planAdmission(
  plugin: PluginPackage,
  roots: PluginRoots,
  dataDir: string,
  replace: boolean,
): Promise<Admission> {
  const before = await predecessorOf(plugin.manifest, roots, replace);
  const grant = await grantBook(dataDir).get(plugin.manifest.id);
  const asked = plugin.manifest.permissions ?? [];
  // Of one that never ran nothing was granted yet; it would have been granted what it asks.
  const old: readonly string[] = before === null ? [] : (grant?.permissions ?? before.manifest?.permissions ?? []);
  const key = plugin.signature?.key ?? null;
  return {
    plugin,
    before,
    grant,
    asked,
    added: asked.filter((one) => !old.includes(one)),
    kept: asked.filter((one) => old.includes(one)),
    dropped: old.filter((one) => !asked.includes(one)),
    signature: key === null ? null : { key, trustedAs: await new TrustList(dataDir).nameOf(key) },
    signerChange: signerChange(grant?.signer?.key ?? null, key),
  };
}

function signerChange(before: string | null, now: string | null): string | null {
  if (before === null || before === now) return null;
  if (now === null) return `The version before was signed with the key ${before}; this one is not signed.`;
  return `The version before was signed with the key ${before}; this one is signed with another, ${now}.`;
}

/**
 * Puts the package in place with `permissions`, which are among those it asks; the rest of them is withheld. Returns its folder.
 * Throws `permissions_invalid`, `install_failed`.
 */
export async function admitPackage(
  { plugin, before, grant, asked }: Admission,
  installedRoot: string,
  dataDir: string,
  { permissions, how, nowMs }: { permissions: readonly string[]; how: "add" | "page"; nowMs: number },
): Promise<string> {
  const { id, version } = plugin.manifest;
  const stranger = permissions.find((one) => !asked.includes(one));
  if (stranger !== undefined)
    throw new AgentError("permissions_invalid", `${id} does not ask for ${JSON.stringify(stranger)}: look at what it asks again`);
  const book = grantBook(dataDir);
  const next: Grant = {
    permissions: [...permissions],
    withheld: asked.filter((one) => !permissions.includes(one)),
    version,
    sha256: plugin.sha256,
    granted_ms: nowMs,
    how,
    signer: plugin.signature ?? null,
  };
  // The agent may look at the folder at any moment: the old version, while it is there, keeps what it has.
  const meanwhile = grant === null ? next : { ...next, permissions: [...new Set([...grant.permissions, ...permissions])] };
  await book.change((plugins) => void (plugins[id] = meanwhile));
  try {
    const folder = await install(plugin, installedRoot, before);
    await book.change((plugins) => void (plugins[id] = next));
    return folder;
  } catch (error) {
    await book.change((plugins) => {
      if (grant === null) delete plugins[id];
      else plugins[id] = grant;
    });
    throw error;
  }
}
