import type { Manifest, PermissionReport, SignatureReport } from "all-use-agent/sdk";

/** What a plugin may do and who vouches for it, as far as its folder tells. */
export interface TrustReport {
  readonly permissions: readonly PermissionReport[];
  readonly sha256: string | null;
  readonly signature: SignatureReport | null;
}

export function trustOf(_manifest: Manifest, _folder: string): Promise<TrustReport> {
  return Promise.resolve({ permissions: [], sha256: null, signature: null });
}
