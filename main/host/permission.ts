import type { Manifest } from "all-use-agent/sdk";

/** The arguments of a manifest's permissions of one class: `read:/etc` → `/etc`. */
export function granted(manifest: Pick<Manifest, "permissions">, permission: string): string[] {
  const prefix = `${permission}:`;
  return (manifest.permissions ?? []).filter((one) => one.startsWith(prefix)).map((one) => one.slice(prefix.length));
}
