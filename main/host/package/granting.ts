import { AgentError, type Manifest } from "all-use-agent/sdk";
import { decide, type GrantBook } from "../grants.ts";
import { contentHash } from "./read-package.ts";

/** What a plugin asks and has not: new ones, and those taken away from it. */
export async function grantable(book: GrantBook, { id, permissions: asked = [] }: Manifest): Promise<readonly string[]> {
  const grant = await book.get(id);
  const { effective } = decide(asked, grant ?? { permissions: [], withheld: [] });
  return asked.filter((one) => !effective.includes(one));
}

/**
 * Grants `wanted`, all of which the plugin must ask for now. Returns those that are new. What it asks beyond them stays as it
 * is. Throws `permissions_invalid`.
 */
export async function grantPermissions(
  book: GrantBook,
  folder: string,
  manifest: Manifest,
  wanted: readonly string[],
  nowMs: number,
): Promise<readonly string[]> {
  const { id, version, permissions: asked = [] } = manifest;
  const stranger = wanted.find((one) => !asked.includes(one as never));
  if (stranger !== undefined)
    throw new AgentError(
      "permissions_invalid",
      `${id} does not ask for ${JSON.stringify(stranger)} now: look at what it asks again`,
      { where: stranger },
    );
  const missing = await grantable(book, manifest);
  const given = wanted.filter((one) => missing.includes(one));
  const before = await book.get(id);
  const sha256 = await contentHash(folder);
  const kept = decide(asked, before ?? { permissions: [], withheld: [] }).effective;
  await book.change(
    (plugins) =>
      void (plugins[id] = {
        permissions: [...new Set([...kept, ...wanted])],
        withheld: (before?.withheld ?? []).filter((one) => !wanted.includes(one)),
        version,
        sha256,
        granted_ms: nowMs,
        how: "grant",
        signer: before?.signer ?? null,
      }),
  );
  return given;
}

/** Takes a permission away. Throws `permission_unknown` when the plugin has no such. */
export async function revokePermission(
  book: GrantBook,
  { id, permissions: asked = [] }: Manifest,
  permission: string,
): Promise<void> {
  const grant = await book.get(id);
  const has = grant === null ? asked : [...new Set([...decide(asked, grant).effective, ...grant.permissions])];
  if (grant === null || !has.includes(permission)) {
    const list = has.length === 0 ? "nothing" : has.join(", ");
    throw new AgentError("permission_unknown", `${id} has no permission ${JSON.stringify(permission)}; it has ${list}`);
  }
  await book.change(
    (plugins) =>
      void (plugins[id] = {
        ...grant,
        permissions: grant.permissions.filter((one) => one !== permission),
        withheld: [...new Set([...grant.withheld, permission])],
      }),
  );
}
