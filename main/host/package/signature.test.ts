import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, it, onTestFinished } from "vitest";
import { checkPackage, type PackageEntry } from "./entries.ts";
import { packFile, unpackFile } from "./packed-file.ts";
import { isPublicKey, makeKey, publicKeyOf, readPrivateKey, signatureHolds, signContent } from "./signature.ts";
import { TrustList } from "./trust.ts";

const key = readPrivateKey(makeKey(), "key");
const entries: PackageEntry[] = [
  {
    path: "plugin.json",
    bytes: Buffer.from(
      JSON.stringify({
        id: "collectors/demo",
        version: "1.0.0",
        api: 1,
        kind: "collector",
        entry: "index.mjs",
        title: "Demo",
        stability: "beta",
      }),
    ),
  },
  { path: "index.mjs", bytes: Buffer.from("export default () => ({});") },
];
const plugin = checkPackage(entries, "demo");

describe("a signed package", () => {
  it("tells who signed it; the same content and key give the same bytes", async () => {
    const packed = await packFile(plugin, key);
    expect(await packFile(plugin, key)).toEqual(packed);
    const read = await unpackFile(packed, "p");
    expect(read.sha256).toBe(plugin.sha256);
    expect(read.signature?.key).toBe(publicKeyOf(key));
    expect(signatureHolds(read.signature!, plugin.sha256)).toBe(true);
    expect((await unpackFile(await packFile(plugin), "p")).signature).toBe(undefined);
  });

  it("is still a package for readers that know no signatures: they stop where the stream ends", async () => {
    const packed = await packFile(plugin, key);
    expect(gunzipSync(packed.subarray(44)).length).toBeGreaterThan(0);
  });

  it("with any byte of its signature changed, or another's content, is refused", async () => {
    const packed = await packFile(plugin, key);
    for (let at = packed.length - 105; at < packed.length; at++) {
      const damaged = Buffer.from(packed);
      damaged[at] ^= 1;
      await expect(unpackFile(damaged, "p"), String(at)).rejects.toThrow(/BROKEN signature|signature is missing/);
    }
    const other = await packFile(checkPackage([entries[0], { ...entries[1], bytes: Buffer.from("evil") }], "x"));
    other[9] = 1;
    await expect(unpackFile(Buffer.concat([other, packed.subarray(-105)]), "p")).rejects.toThrow(/BROKEN signature/);
    await expect(unpackFile(other, "p")).rejects.toThrow(/signature is missing/);
  });
});

it("only Ed25519 keys are keys", () => {
  const rsa = generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey.export({ type: "pkcs8", format: "pem" });
  for (const pem of [rsa as string, "", "no key"]) expect(() => readPrivateKey(pem, "k")).toThrow(/no Ed25519 private key/);
  expect(isPublicKey(publicKeyOf(key))).toBe(true);
  for (const text of ["", "abc", `${publicKeyOf(key)}=`, "A".repeat(44)]) expect(isPublicKey(text), text).toBe(false);
  expect(signatureHolds({ ...signContent(key, plugin.sha256), key: "x" }, plugin.sha256)).toBe(false);
});

it("the trust list names keys, each once", async () => {
  const folder = await mkdtemp(join(tmpdir(), "alluse-trust-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const list = new TrustList(folder);
  await list.add("Ann", publicKeyOf(key), 1);
  expect(await list.nameOf(publicKeyOf(key))).toBe("Ann");
  await expect(list.add("Bob", publicKeyOf(key), 1)).rejects.toMatchObject({ code: "trust_duplicate" });
  await expect(list.add("\u001b[31m", publicKeyOf(key), 1)).rejects.toMatchObject({ code: "trust_name_invalid" });
  await expect(list.add("Bob", "nonsense", 1)).rejects.toMatchObject({ code: "key_invalid" });
  await list.remove("Ann");
  expect(await list.read()).toEqual([]);
  await writeFile(list.path, "{");
  await expect(list.nameOf("x")).rejects.toMatchObject({ code: "trust_invalid" });
});
