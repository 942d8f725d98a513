import {
  AgentError,
  type PackageInstall,
  type PackagePreview,
  type PermissionReport,
  type SignatureReport,
} from "all-use-agent/sdk";
import { decide, type GrantBook } from "../host/grants.ts";
import { permissionLimit } from "../host/package/permission-limits.ts";
import { permissionSentence } from "../host/package/permission-sentences.ts";
import type { AuditNote } from "../host/gate.ts";
import type { Admission } from "../host/package/admission.ts";
import type { KnownPlugin, PluginRoots } from "../host/package/install.ts";
import type { PermissionUse } from "../host/permission-uses.ts";

/** How long a package that was shown may wait for the operator's word, and how many may. */
const SHOWN_MS = 10 * 60_000;
const SHOWN_MAX = 4;

export interface PackageDeskOptions {
  readonly dataDir: string;
  readonly roots: PluginRoots;
  readonly book: GrantBook;
  readonly note: AuditNote;
  readonly now: () => number;
  readonly uses: (id: string) => ReadonlyMap<string, PermissionUse>;
  /** Whether the operator lets an installed plugin run in the agent itself. */
  readonly trusted: (id: string) => boolean;
  /** Looks for what changed in the plugins folder; resolves when it was taken up. */
  readonly refresh: () => Promise<void>;
  /** Takes up what was granted or taken away; resolves when it counts. */
  readonly changed: () => Promise<void>;
}

/** What the operator does with packages and permissions through the door. Commands do the same without an agent. */
export class PackageDesk {
  private readonly options: PackageDeskOptions;
  private readonly shown = new Map<string, { admission: Admission; untilMs: number }>();

  constructor(options: PackageDeskOptions) {
    this.options = options;
  }

  /** Reads and checks a packed plugin and keeps it for `install`. Throws `package_refused`, `plugin_duplicate`, … */
  async preview(bytes: Uint8Array): Promise<PackagePreview> {
    const { roots, dataDir, now } = this.options;
    const { unpackFile } = await import("../host/package/packed-file.ts");
    const { planAdmission } = await import("../host/package/admission.ts");
    const plugin = await unpackFile(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), "the file");
    const admission = await planAdmission(plugin, roots, dataDir, true);
    this.forget();
    if (this.shown.size >= SHOWN_MAX) this.shown.delete(this.shown.keys().next().value as string);
    const untilMs = now() + SHOWN_MS;
    this.shown.set(plugin.sha256, { admission, untilMs });
    setTimeout(() => this.forget(), SHOWN_MS + 1).unref();
    return previewOf(admission);
  }

  /** Installs what was shown with the permissions that the operator allows. Returns its id. Throws `package_unknown`, … */
  async install({ sha256, permissions }: PackageInstall): Promise<{ id: string }> {
    const { roots, dataDir, note, now, refresh } = this.options;
    this.forget();
    const found = this.shown.get(sha256);
    if (!found)
      throw new AgentError("package_unknown", "no package with that SHA-256 was shown in the last ten minutes: send it again");
    const { admitPackage, planAdmission } = await import("../host/package/admission.ts");
    // What is installed may have changed since it was shown.
    const { plugin, before, signerChange } = await planAdmission(found.admission.plugin, roots, dataDir, true);
    if ((before?.manifest?.version ?? null) !== (found.admission.before?.manifest?.version ?? null))
      throw new AgentError("package_unknown", "another version was installed meanwhile: look at it again");
    const { id, version } = plugin.manifest;
    await admitPackage(found.admission, roots.installed, dataDir, { permissions, how: "page", nowMs: now() });
    this.shown.delete(sha256);
    note("operator", "plugin.installed", id, {
      how: "page",
      version,
      replaces: before?.manifest?.version ?? null,
      sha256,
      signer: plugin.signature?.key ?? null,
      signer_changed: signerChange !== null,
      permissions: permissions.join(" "),
    });
    await refresh();
    return { id };
  }

  /** Grants what an installed plugin asks now and `permissions` repeats. Throws `plugin_unknown`, `permissions_invalid`. */
  async grant(id: string, permissions: readonly string[]): Promise<void> {
    const { manifest, place } = await this.installed(id);
    const { grantPermissions } = await import("../host/package/granting.ts");
    const given = await grantPermissions(this.options.book, place.folder, manifest!, permissions, this.options.now());
    if (given.length > 0) this.options.note("operator", "plugin.granted", id, { permissions: given.join(" ") });
    await this.options.changed();
  }

  /** Takes one permission away; the plugin starts anew without it. Throws `plugin_unknown`, `permission_unknown`. */
  async revoke(id: string, permission: string): Promise<void> {
    const { manifest } = await this.installed(id);
    const { revokePermission } = await import("../host/package/granting.ts");
    await revokePermission(this.options.book, manifest!, permission);
    this.options.note("operator", "plugin.revoked", id, { permissions: permission });
    await this.options.changed();
  }

  /** A removed plugin keeps no grants: to come back it must be looked at again. */
  async removed(id: string, version: string | null): Promise<void> {
    await this.options.book.change((plugins) => void delete plugins[id]);
    this.options.note("operator", "plugin.removed", id, { version });
  }

  /** What `PluginDetail` says of permissions, content and signature. Throws `plugin_unknown`. */
  async detail(
    id: string,
  ): Promise<{ permissions: PermissionReport[]; sha256: string | null; signature: SignatureReport | null }> {
    const found = await this.known(id);
    const bundled = found.place.origin === "bundled";
    const asked = found.manifest?.permissions ?? [];
    const grant = bundled ? null : await this.options.book.get(id);
    const granted = grant === null ? asked : decide(asked, grant).effective;
    const uses = this.options.uses(id);
    const inside = bundled || this.options.trusted(id);
    const permissions = asked.map((permission) => {
      const use = uses.get(permission);
      return {
        permission,
        sentence: permissionSentence(permission),
        granted: granted.includes(permission),
        // What it does past ctx, as a file that it opens itself, nobody sees.
        uses: use?.uses ?? (inside || permission.startsWith("read:") || permission.startsWith("net:") ? null : 0),
        lastUsedMs: use?.lastUsedMs ?? null,
        limit: permissionLimit(permission, inside),
      };
    });
    if (bundled) return { permissions, sha256: null, signature: null };
    const { contentHash } = await import("../host/package/read-package.ts");
    const sha256 = await contentHash(found.place.folder);
    return { permissions, sha256, signature: await this.signatureOf(sha256, grant) };
  }

  /** Of content that was changed since it was signed, nobody vouches. */
  private async signatureOf(
    sha256: string | null,
    grant: Awaited<ReturnType<GrantBook["get"]>>,
  ): Promise<SignatureReport | null> {
    if (sha256 === null || !grant?.signer || grant.sha256 !== sha256) return null;
    const { signatureHolds } = await import("../host/package/signature.ts");
    const { TrustList } = await import("../host/package/trust.ts");
    if (!signatureHolds(grant.signer, sha256)) return null;
    return { key: grant.signer.key, trustedAs: await new TrustList(this.options.dataDir).nameOf(grant.signer.key) };
  }

  private async known(id: string): Promise<KnownPlugin> {
    const { knownPlugin } = await import("../host/package/install.ts");
    return knownPlugin(this.options.roots, id);
  }

  private async installed(id: string): Promise<KnownPlugin> {
    const found = await this.known(id);
    if (found.place.origin === "bundled")
      throw new AgentError("plugin_bundled", `${id} comes with the agent: what it may do is the agent's own`);
    if (!found.manifest) throw new AgentError("manifest_invalid", `${id} has no valid plugin.json: nothing can be granted to it`);
    return found;
  }

  private forget(): void {
    for (const [sha256, { untilMs }] of this.shown) if (untilMs <= this.options.now()) this.shown.delete(sha256);
  }
}

function previewOf({ plugin, before, added, kept, dropped, signature }: Admission): PackagePreview {
  const { manifest, entries, sizeBytes, sha256 } = plugin;
  const lines = (permissions: readonly string[], change: "added" | "kept" | "dropped") =>
    permissions.map((permission) => ({ permission, sentence: permissionSentence(permission), change }));
  return {
    sha256,
    id: manifest.id,
    title: manifest.title,
    description: manifest.description ?? null,
    kind: manifest.kind,
    version: manifest.version,
    files: entries.length,
    sizeBytes,
    signature,
    replaces: before?.manifest?.version ?? null,
    permissions: [...lines(added, "added"), ...lines(kept, "kept"), ...lines(dropped, "dropped")],
  };
}
