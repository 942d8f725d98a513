import { AgentError, type LogFields, type Manifest } from "all-use-agent/sdk";
import type { PluginFolder } from "./discover.ts";
import { decide, type GrantBook, type Grants } from "./grants.ts";

/** Writes into the audit log. */
export type AuditNote = (actor: string, action: string, target: string, details: LogFields) => void;

export interface GateOptions {
  readonly book: GrantBook;
  readonly note: AuditNote;
  readonly now: () => number;
}

/** Decides with which permissions an installed plugin starts, and whether. */
export class PermissionGate {
  private readonly options: GateOptions;
  /** Folder → what it asked, and got; null when it was turned away. */
  private readonly admitted = new Map<string, { id: string; asked: readonly string[]; effective: string | null }>();

  constructor(options: GateOptions) {
    this.options = options;
  }

  /** Throws `permissions_not_granted`, `grants_invalid`. Who was never seen is granted what it asks: putting it there is the operator's act. */
  async admit({ folder }: PluginFolder, manifest: Manifest): Promise<readonly string[]> {
    const { id } = manifest;
    const asked = manifest.permissions ?? [];
    const seen = { id, asked, effective: null as string | null };
    this.admitted.set(folder, seen);
    const grant = (await this.options.book.get(id)) ?? (await this.welcome(folder, manifest));
    const { effective, missing } = decide(asked, grant);
    if (missing.length > 0) {
      const { permissionSentence } = await import("./package/permission-sentences.ts");
      throw new AgentError(
        "permissions_not_granted",
        `it asks for more than it was granted: it ${missing.map(permissionSentence).join(", it ")} (${missing.join(", ")}); \`alluse plugin grant ${id}\` shows and grants it`,
      );
    }
    seen.effective = effective.join("\n");
    return effective;
  }

  /** Folders whose plugin would now be admitted otherwise than it was. */
  changedBy(grants: Grants): Set<string> {
    const changed = new Set<string>();
    for (const [folder, { id, asked, effective }] of this.admitted) {
      const grant = grants[id];
      if (grant === undefined) continue;
      const now = decide(asked, grant);
      if ((now.missing.length > 0 ? null : now.effective.join("\n")) !== effective) changed.add(folder);
    }
    return changed;
  }

  private async welcome(folder: string, { id, version, permissions = [] }: Manifest) {
    const { contentHash } = await import("./package/read-package.ts");
    const grant = {
      permissions: [...permissions],
      withheld: [],
      version,
      sha256: await contentHash(folder),
      granted_ms: this.options.now(),
      how: "dropped_in" as const,
      signer: null,
    };
    await this.options.book.change((plugins) => void (plugins[id] ??= grant));
    this.options.note("operator", "plugin.installed", id, {
      how: grant.how,
      version,
      sha256: grant.sha256,
      permissions: permissions.join(" "),
    });
    return grant;
  }
}
