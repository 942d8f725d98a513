import { safeStorage } from "electron";
import type { SecretSeal } from "../host/config/secrets.ts";

/**
 * The system's own store of keys: Keychain, DPAPI, libsecret or KWallet. null where there is none, or one that only hides:
 * then file modes are what protects a secret. To be asked once the app is ready.
 */
export function systemSeal(): SecretSeal | null {
  if (!safeStorage.isEncryptionAvailable()) return null;
  if (process.platform === "linux" && safeStorage.getSelectedStorageBackend() === "basic_text") return null;
  return {
    name: "safeStorage",
    seal: (text) => safeStorage.encryptString(text).toString("base64"),
    open: (text) => safeStorage.decryptString(Buffer.from(text, "base64")),
  };
}
