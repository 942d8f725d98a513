import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkPackage, encodeEntries, type PackageEntry } from "./entries.ts";
import { install, knownPlugin, knownPlugins, predecessorOf, uninstall } from "./install.ts";
import { packFile, unpackFile } from "./packed-file.ts";
import { permissionSentence } from "./permission-sentences.ts";
import { readPackage } from "./read-package.ts";

const manifest = {
  id: "collectors/demo",
  version: "1.0.0",
  api: 1,
  kind: "collector",
  entry: "index.mjs",
  title: "Demo",
  stability: "beta",
};

function entry(path: string, text: string): PackageEntry {
  return { path, bytes: Buffer.from(text) };
}

function files(change: Record<string, unknown> = {}, ...more: PackageEntry[]): PackageEntry[] {
  return [
    entry("plugin.json", JSON.stringify({ ...manifest, ...change })),
    entry("index.mjs", "export default () => ({});"),
    ...more,
  ];
}

/** A packed file of entries that `pack` would never write. */
function forged(
  entries: readonly PackageEntry[],
  { count = entries.length, payload = encodeEntries(entries), version = 1 } = {},
): Buffer {
  const head = Buffer.alloc(44);
  head.write("ALLUSEPK", "latin1");
  head[8] = version;
  head.writeUInt16LE(count, 10);
  createHash("sha256").update(payload).digest().copy(head, 12);
  return Buffer.concat([head, gzipSync(payload)]);
}

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "alluse-package-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function pluginFolder(name: string, entries = files()): Promise<string> {
  const path = join(folder, name);
  for (const { path: file, bytes } of entries) {
    await mkdir(join(path, file, ".."), { recursive: true });
    await writeFile(join(path, file), bytes);
  }
  return path;
}

describe("a packed plugin", () => {
  it("has the same bytes whatever order its files were found in, and gives them back", async () => {
    const entries = files({}, entry("lib/a.mjs", "1"), entry("lib/ä.mjs", "2"), entry("empty", ""));
    const packed = await packFile(checkPackage(entries, "x"));
    expect(await packFile(checkPackage(entries.toReversed(), "y"))).toEqual(packed);
    const unpacked = await unpackFile(packed, "z");
    expect(unpacked.entries.map(({ path, bytes }) => [path, Buffer.from(bytes).toString()])).toEqual(
      entries.map(({ path, bytes }) => [path, Buffer.from(bytes).toString()]).sort(([a], [b]) => (a < b ? -1 : 1)),
    );
    expect(unpacked.sha256).toBe(checkPackage(entries, "x").sha256);
  });

  it("has the SHA-256 of its folder", async () => {
    const path = await pluginFolder("a");
    const packed = await readPackage(path);
    await writeFile(join(folder, "a.pkg"), await packFile(packed));
    expect((await readPackage(join(folder, "a.pkg"))).sha256).toBe(packed.sha256);
  });

  it.each([
    "../escape.mjs",
    "/etc/cron.d/x",
    "a/../../b",
    "a//b",
    "./a",
    "a\\..\\b",
    "C:/x",
    "a\0b",
    ".ssh/authorized_keys",
    "con. ",
    "",
    "x".repeat(300),
  ])("with the path %j is refused", async (path) => {
    await expect(unpackFile(forged(files({}, entry(path, "x"))), "p")).rejects.toMatchObject({ code: "package_refused" });
  });

  it.each([
    ["another magic", Buffer.from("PK\u0003\u0004".repeat(20))],
    ["nothing in it", Buffer.alloc(0)],
    ["another version", forged(files(), { version: 2 })],
    ["another number of files", forged(files(), { count: 9 })],
    ["no manifest", forged([entry("index.mjs", "")])],
    ["a manifest that is not JSON", forged([entry("plugin.json", "{"), entry("index.mjs", "")])],
    ["no entry", forged([files()[0]])],
    ["two files that differ in case", forged(files({}, entry("a", ""), entry("A", "")))],
    ["one file twice", forged(files({}, entry("a", "1"), entry("a", "2")))],
    ["an entry that ends early", forged(files(), { payload: encodeEntries(files()).subarray(0, -5) })],
    ["too many files", forged(Array.from({ length: 1001 }, (_, i) => entry(`f${i}`, "")))],
    ["a bomb of 200 MB", forged([], { payload: Buffer.alloc(200 * 2 ** 20) })],
    ["just too much", forged(files({}, { path: "big", bytes: Buffer.alloc(20 * 2 ** 20) }))],
  ])("with %s is refused", async (_what, bytes) => {
    await expect(unpackFile(bytes, "p")).rejects.toMatchObject({ code: "package_refused" });
  });

  it("with an invalid manifest is refused in the host's words", async () => {
    await expect(unpackFile(forged(files({ titel: 1 })), "p")).rejects.toMatchObject({ code: "manifest_invalid" });
  });

  it("cut off or with any byte flipped is refused or has the same content", async () => {
    const whole = checkPackage(files({}, entry("lib/a.mjs", "some text ".repeat(50))), "x");
    const packed = await packFile(whole);
    await fc.assert(
      fc.asyncProperty(fc.nat(packed.length - 1), fc.integer({ min: 1, max: 255 }), fc.boolean(), async (at, bits, cut) => {
        const damaged = cut ? packed.subarray(0, at) : Buffer.from(packed);
        if (!cut) damaged[at] ^= bits;
        const result = await unpackFile(damaged, "p").catch((error: { code: string }) => error.code);
        // Bytes 9 and a few of gzip's header mean nothing.
        if (typeof result === "string") expect(result).toBe("package_refused");
        else expect(result.sha256).toBe(whole.sha256);
      }),
      { numRuns: 300 },
    );
  });
});

describe("a plugin's folder", () => {
  it("with a symlink in it is refused, and so is a symlink to one", async () => {
    const path = await pluginFolder("a");
    await symlink(path, join(folder, "link"));
    await expect(readPackage(join(folder, "link"))).rejects.toThrow(/symlinks are not followed/);
    await symlink("/etc/passwd", join(path, "data.txt"));
    await expect(readPackage(path)).rejects.toThrow(/is a symlink/);
  });

  it("leaves out what is hidden", async () => {
    const path = await pluginFolder("a", files({}, entry(".git/config", "x"), entry(".env", "secret")));
    expect((await readPackage(path)).entries.map((one) => one.path)).toEqual(["index.mjs", "plugin.json"]);
  });

  it("that is too large is refused without being read", async () => {
    const path = await pluginFolder("a");
    await writeFile(join(path, "big"), "");
    await truncate(join(path, "big"), 5e12).catch(() => truncate(join(path, "big"), 1e9));
    await expect(readPackage(path)).rejects.toThrow(/holds more than/);
  });

  it("that is not there is said so", async () => {
    await expect(readPackage(join(folder, "none"))).rejects.toThrow(/there is no/);
  });
});

describe("install", () => {
  const roots = () => ({ bundled: join(folder, "bundled"), installed: join(folder, "plugins") });

  it("puts a plugin where it is found, complete, and leaves nothing beside it", async () => {
    const target = await install(checkPackage(files({}, entry("lib/deep/a.mjs", "1")), "x"), roots().installed, null);
    expect(target).toBe(join(folder, "plugins/collectors/demo"));
    expect(await readFile(join(target, "lib/deep/a.mjs"), "utf8")).toBe("1");
    expect(await readdir(join(folder, "plugins/collectors"))).toEqual(["demo"]);
    expect((await knownPlugins(roots())).map(({ id }) => id)).toEqual(["collectors/demo"]);
  });

  it("replaces only when it is told to, and then all of it", async () => {
    const first = checkPackage(files({}, entry("old.mjs", "")), "x");
    const second = checkPackage(files({ version: "2.0.0" }), "x");
    await install(first, roots().installed, null);
    await expect(predecessorOf(second.manifest, roots(), false)).rejects.toMatchObject({ code: "plugin_duplicate" });
    const before = await predecessorOf(second.manifest, roots(), true);
    const target = await install(second, roots().installed, before);
    expect((await readdir(target)).sort()).toEqual(["index.mjs", "plugin.json"]);
    expect(await readdir(join(folder, "plugins/collectors"))).toEqual(["demo"]);
  });

  it("never takes the place of a bundled plugin", async () => {
    await pluginFolder("bundled/collectors/demo");
    await expect(predecessorOf(checkPackage(files(), "x").manifest, roots(), true)).rejects.toMatchObject({
      code: "plugin_duplicate",
    });
    const bundled = await knownPlugin(roots(), "collectors/demo");
    await expect(uninstall(bundled)).rejects.toMatchObject({ code: "plugin_bundled" });
  });

  it("that fails leaves nothing", async () => {
    await mkdir(join(folder, "plugins/collectors/demo/x"), { recursive: true });
    await expect(install(checkPackage(files(), "x"), roots().installed, null)).rejects.toMatchObject({ code: "install_failed" });
    expect(await readdir(join(folder, "plugins/collectors"))).toEqual(["demo"]);
  });

  it("is undone by uninstall", async () => {
    await install(checkPackage(files(), "x"), roots().installed, null);
    await uninstall(await knownPlugin(roots(), "collectors/demo"));
    expect(await readdir(join(folder, "plugins/collectors"))).toEqual([]);
    await expect(knownPlugin(roots(), "collectors/demo")).rejects.toMatchObject({ code: "plugin_unknown" });
  });
});

describe("permissions", () => {
  it("are told as sentences", () => {
    expect(permissionSentence("read:/proc")).toBe("reads files in /proc");
    expect(permissionSentence("metrics:read:node_*")).toBe("reads metrics named node_*");
    expect(permissionSentence("metrics:read")).toBe("reads every metric");
    expect(permissionSentence("net:127.0.0.1:80")).toBe("connects to 127.0.0.1:80 over the network");
  });
});
