import { mkdir, mkdtemp, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LogFields, type Manifest } from "all-use-agent/sdk";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PermissionGate } from "./gate.ts";
import { decide, type Grant, GrantBook } from "./grants.ts";
import { grantPermissions, revokePermission } from "./package/granting.ts";

let folder: string;
let book: GrantBook;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "alluse-grants-"));
  book = new GrantBook(join(folder, "grants.json"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const of = (permissions: string[], withheld: string[] = []): Pick<Grant, "permissions" | "withheld"> => ({
  permissions,
  withheld,
});
const manifest = (permissions: string[]): Manifest =>
  ({ id: "collectors/demo", version: "1.0.0", permissions }) as unknown as Manifest;
const whole = (more: Partial<Grant>): Grant => ({
  permissions: [],
  withheld: [],
  version: "1.0.0",
  sha256: null,
  granted_ms: 1,
  how: "add",
  signer: null,
  ...more,
});

describe("what runs", () => {
  it("is what is asked and granted", () => {
    expect(decide(["notify", "exec:a"], of(["notify", "exec:a", "documents"]))).toEqual({
      effective: ["notify", "exec:a"],
      missing: [],
    });
    expect(decide(["notify", "exec:a"], of(["notify"]))).toEqual({ effective: ["notify"], missing: ["exec:a"] });
    expect(decide([], of(["notify"]))).toEqual({ effective: [], missing: [] });
  });

  it("may be less than was granted without a word, never more", () => {
    expect(decide(["read:/etc/hosts"], of(["read:/etc"])).effective).toEqual(["read:/etc/hosts"]);
    expect(decide(["read:/"], of(["read:/etc"])).missing).toEqual(["read:/"]);
    expect(decide(["net:*"], of(["net:a"])).missing).toEqual(["net:*"]);
  });

  it("is without what was taken away, in any narrower form, too", () => {
    expect(decide(["exec:a", "notify"], of(["notify"], ["exec:a"]))).toEqual({ effective: ["notify"], missing: [] });
    expect(decide(["read:/etc/hosts"], of(["read:/"], ["read:/etc"]))).toEqual({ effective: [], missing: [] });
    expect(decide(["net:a:1"], of(["net:a:1"], ["net:*"])).effective).toEqual(["net:a:1"]);
  });
});

describe("grants.json", () => {
  it("is private, and no change is lost when several are made at once", async () => {
    const other = new GrantBook(book.path);
    await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        (i % 2 ? book : other).change((plugins) => void (plugins[`collectors/p${i}`] = whole({}))),
      ),
    );
    expect(Object.keys(await book.read())).toHaveLength(10);
    expect((await stat(book.path)).mode & 0o777).toBe(0o600);
  });

  it("that is damaged is neither believed nor written over", async () => {
    for (const text of ["{", "[]", '{"plugins":{"a":{"permissions":"all"}}}']) {
      await writeFile(book.path, text);
      await expect(book.change(() => {})).rejects.toMatchObject({ code: "grants_invalid" });
      expect(await readFile(book.path, "utf8")).toBe(text);
    }
  });

  it("is not locked for ever by a process that died", async () => {
    await writeFile(`${book.path}.lock`, "");
    const longAgo = new Date(Date.now() - 60_000);
    await utimes(`${book.path}.lock`, longAgo, longAgo);
    await book.change((plugins) => void (plugins["collectors/demo"] = whole({})));
    expect(await book.get("collectors/demo")).not.toBe(null);
  });
});

describe("the gate", () => {
  const noted: unknown[] = [];
  let gate: PermissionGate;
  const place = () => ({
    folder: join(folder, "plugins/collectors/demo"),
    name: "collectors/demo",
    origin: "installed" as const,
  });
  beforeEach(async () => {
    noted.length = 0;
    const note = (...all: [string, string, string, LogFields]): void => void noted.push(all.slice(0, 3));
    gate = new PermissionGate({ book, note, now: () => 5 });
    await mkdir(place().folder, { recursive: true });
  });

  it("grants one that was never seen what it asks, once, and says so", async () => {
    expect(await gate.admit(place(), manifest(["notify"]))).toEqual(["notify"]);
    expect(await gate.admit(place(), manifest(["notify"]))).toEqual(["notify"]);
    expect(await book.get("collectors/demo")).toMatchObject({ permissions: ["notify"], how: "dropped_in", granted_ms: 5 });
    expect(noted).toEqual([["operator", "plugin.installed", "collectors/demo"]]);
  });

  it("turns away who asks for more later, even after its folder was gone for a while", async () => {
    await gate.admit(place(), manifest(["notify"]));
    await expect(gate.admit(place(), manifest(["notify", "net:*"]))).rejects.toMatchObject({
      code: "permissions_not_granted",
      message: expect.stringMatching(/connects to .* over the network \(net:\*\)/) as string,
    });
  });

  it("knows whom a changed grant concerns, and leaves the others alone", async () => {
    await gate.admit(place(), manifest(["notify", "exec:a"]));
    const folders = async () => [...gate.changedBy(await book.read())];
    expect(await folders()).toEqual([]);
    await revokePermission(book, manifest(["notify", "exec:a"]), "exec:a");
    expect(await folders()).toEqual([place().folder]);
    expect(await gate.admit(place(), manifest(["notify", "exec:a"]))).toEqual(["notify"]);
    expect(await folders()).toEqual([]);
    await expect(gate.admit(place(), manifest(["notify", "exec:a", "net:*"]))).rejects.toThrow(/net:\*/);
    expect(await folders()).toEqual([]);
    const all = manifest(["notify", "exec:a", "net:*"]);
    expect(await grantPermissions(book, folder, all, ["net:*"], 6)).toEqual(["net:*"]);
    expect(await folders()).toEqual([place().folder]);
    // What was taken away stays so until it is granted itself.
    expect(await gate.admit(place(), all)).toEqual(["notify", "net:*"]);
    expect(await grantPermissions(book, folder, all, ["exec:a"], 7)).toEqual(["exec:a"]);
    expect(await gate.admit(place(), all)).toEqual(["notify", "exec:a", "net:*"]);
  });

  it("grants only what is asked at that moment", async () => {
    await expect(grantPermissions(book, folder, manifest(["notify"]), ["net:*"], 1)).rejects.toMatchObject({
      code: "permissions_invalid",
    });
    await expect(revokePermission(book, manifest(["notify"]), "notify")).rejects.toMatchObject({ code: "permission_unknown" });
  });
});
