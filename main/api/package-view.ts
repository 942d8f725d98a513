import type {
  AuditRecord,
  PackageInstall,
  PackagePreview,
  PermissionReport,
  PluginDetail,
  SignatureReport,
} from "all-use-agent/sdk";

/** What the door may do with packages and permissions. */
export interface PackageView {
  /** Throws `package_refused`, `manifest_invalid`, `plugin_duplicate`. */
  preview(bytes: Uint8Array): Promise<PackagePreview>;
  /** Throws `package_unknown`, `permissions_invalid`, `install_failed`. */
  install(wish: PackageInstall): Promise<PluginDetail>;
  /** Throws `plugin_unknown`. */
  detail(id: string): Promise<{ permissions: PermissionReport[]; sha256: string | null; signature: SignatureReport | null }>;
}

/** Records of a time, newest first. */
export type AuditView = (query: {
  readonly fromMs: number;
  readonly toMs: number;
  readonly limit: number;
  readonly plugin?: string;
}) => Promise<{ records: AuditRecord[]; intact: boolean }>;
