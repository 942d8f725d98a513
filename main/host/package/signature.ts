import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from "node:crypto";
import { AgentError, errorText } from "all-use-agent/sdk";

/** Ed25519. */
export const KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;
/** Before the hash in what is signed, so that a signature for something else is none for a plugin. */
const PURPOSE = Buffer.from("ALLUSEPK\u0001", "latin1");

/** Both in base64. */
export interface PackageSignature {
  readonly key: string;
  readonly signature: string;
}

/** A new private key as PEM (PKCS #8). */
export function makeKey(): string {
  return generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }) as string;
}

/** Throws `key_invalid`. */
export function readPrivateKey(pem: string, source: string): KeyObject {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType !== "ed25519") throw new Error(`it is of type ${String(key.asymmetricKeyType)}`);
    return key;
  } catch (error) {
    throw new AgentError(
      "key_invalid",
      `${source} holds no Ed25519 private key (${errorText(error)}): alluse plugin keygen FILE makes one`,
    );
  }
}

/** The public key of a private one, base64. */
export function publicKeyOf(key: KeyObject): string {
  return Buffer.from(createPublicKey(key).export({ format: "jwk" }).x ?? "", "base64url").toString("base64");
}

/** Whether a text is a public key as this module writes them. */
export function isPublicKey(text: string): boolean {
  const bytes = Buffer.from(text, "base64");
  return bytes.length === KEY_BYTES && bytes.toString("base64") === text;
}

/** `sha256` is the content's, hex. */
export function signContent(key: KeyObject, sha256: string): PackageSignature {
  return { key: publicKeyOf(key), signature: sign(null, message(sha256), key).toString("base64") };
}

export function signatureHolds({ key, signature }: PackageSignature, sha256: string): boolean {
  try {
    const jwk = { kty: "OKP", crv: "Ed25519", x: Buffer.from(key, "base64").toString("base64url") };
    return verify(null, message(sha256), createPublicKey({ key: jwk, format: "jwk" }), Buffer.from(signature, "base64"));
  } catch {
    return false;
  }
}

function message(sha256: string): Buffer {
  return Buffer.concat([PURPOSE, Buffer.from(sha256, "hex")]);
}
