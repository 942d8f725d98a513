import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { hideError, hiderOf, hidingLog } from "./redact.ts";
import { type SecretSeal, SecretStore } from "./secrets.ts";

let folder: string;
let path: string;
let warnings: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "alluse-secrets-"));
  path = join(folder, "secrets.json");
  warnings = [];
});
afterEach(() => rm(folder, { recursive: true }));

const open = (seal: SecretSeal | null = null) => SecretStore.open(path, seal, (message) => void warnings.push(message));
const mirroring = (name: string): SecretSeal => ({
  name,
  seal: (text) => Buffer.from(text).toString("base64"),
  open: (text) => Buffer.from(text, "base64").toString(),
});

it("keeps secrets by instance and pointer, in a file of this user alone", async () => {
  const store = await open();
  await store.set("collectors/ping", { "/token": "one", "/auth/password": "two" });
  await store.set("collectors/ping#lan", { "/token": "three" });
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  const again = await open();
  expect(again.of("collectors/ping")).toEqual({ "/token": "one", "/auth/password": "two" });
  expect(again.of("collectors/ping#lan")).toEqual({ "/token": "three" });
  await again.set("collectors/ping", { "/token": null });
  expect(again.of("collectors/ping")).toEqual({ "/auth/password": "two" });
  await again.forget("collectors/ping");
  expect((await open()).of("collectors/ping#lan")).toEqual({});
});

it("closes a file that others may read, and says so", async () => {
  await (await open()).set("a/b", { "/token": "one" });
  await chmod(path, 0o644);
  expect((await open()).of("a/b")).toEqual({ "/token": "one" });
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(warnings).toEqual([expect.stringMatching(/others could read/)]);
});

it("seals where there is a seal, also what was written without, and opens nothing of another seal", async () => {
  await (await open()).set("a/b", { "/token": "hunter2" });
  const sealed = await open(mirroring("mirror"));
  expect(sealed.of("a/b")).toEqual({ "/token": "hunter2" });
  expect(await readFile(path, "utf8")).not.toContain("hunter2");
  const elsewhere = await open(mirroring("glass"));
  expect(elsewhere.of("a/b")).toEqual({});
  expect(elsewhere.unreadable("a/b")).toEqual(["/token"]);
});

it.each(["{", '{"version":2,"secrets":{}}', '{"version":1,"secrets":{"a/b":{"/t":"hunter2"}}}'])(
  "uses nothing of %j, quotes nothing of it and writes nothing over it",
  async (text) => {
    await writeFile(path, text, { mode: 0o600 });
    const store = await open();
    expect(store.problem).toMatch(/cannot be used/);
    expect(store.problem).not.toContain("hunter2");
    await expect(store.set("a/b", { "/t": "x" })).rejects.toMatchObject({ code: "secrets_invalid" });
    expect(await readFile(path, "utf8")).toBe(text);
  },
);

it("hides a plugin's secrets in whatever it says", () => {
  const hide = hiderOf(["hunter2!", 'with"quote', "-----BEGIN-----\nabcdefgh", "short"])!;
  expect(hide("hunter2! and hunter2!!")).toBe("[secret] and [secret]!");
  expect(hide('{"a":"with\\"quote"} abcdefgh short')).toBe('{"a":"[secret]"} [secret] short');
  const lines: unknown[] = [];
  const write = (message: string, fields?: object): void => void lines.push([message, fields]);
  hidingLog({ debug: write, info: write, warn: write, error: write }, hide).warn("hunter2!", { a: "x hunter2!", b: 1 });
  expect(lines).toEqual([["[secret]", { a: "x [secret]", b: 1 }]]);
  expect((hideError(new Error("no hunter2!"), hide) as Error).message).toBe("no [secret]");
  expect(hiderOf(["", "abc"])).toBeNull();
});
