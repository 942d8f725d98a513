import { TestContext } from "all-use-agent/sdk/testing";
import type { DocumentStorage, Manifest } from "all-use-agent/sdk";
import { spawn } from "node:child_process";
import { appendFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fileNameOf } from "./file.ts";
import factory from "./index.ts";
import manifest from "./plugin.json" with { type: "json" };

type Doc = { _id: string; at: number; text?: string };

let folder: string;
const running: { storage: DocumentStorage; ctx: TestContext }[] = [];

async function open(config: Record<string, unknown> = {}): Promise<{ storage: DocumentStorage; ctx: TestContext }> {
  const ctx = new TestContext(manifest as unknown as Manifest);
  const storage = factory(ctx, { path: folder, ...config }) as DocumentStorage;
  await storage.start?.(ctx.signal);
  running.push({ storage, ctx });
  return { storage, ctx };
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "alluse-documents-"));
});

afterEach(async () => {
  for (const { storage, ctx } of running.splice(0)) {
    await storage.stop?.();
    await ctx.dispose();
  }
  await rm(folder, { recursive: true, force: true });
});

const BOUNDS = { maxDocuments: 5, orderBy: "at" };

describe("documents", () => {
  it("are found again by id, filter, order, limit and skip, also after a restart", async () => {
    const first = await open();
    const collection = first.storage.collection<Doc>("notes", { maxDocuments: 100, orderBy: "at" });
    for (let i = 0; i < 10; i++) await collection.put({ _id: `n${i}`, at: i, text: i % 2 ? "odd" : "even" });
    await collection.put({ _id: "n3", at: 3, text: "changed" });
    await first.storage.stop?.();

    const notes = (await open()).storage.collection<Doc>("notes", { maxDocuments: 100, orderBy: "at" });
    expect(await notes.count()).toBe(10);
    expect(await notes.get("n3")).toEqual({ _id: "n3", at: 3, text: "changed" });
    expect(await notes.get("missing")).toBeNull();
    const page = await notes.find({ filter: { text: "even", at: { $gte: 2 } }, sort: { at: -1 }, limit: 2, skip: 1 });
    expect(page.map((note) => note._id)).toEqual(["n6", "n4"]);
    expect(await notes.remove({ text: "even" })).toBe(5);
    expect(await notes.count()).toBe(5);
  });

  it("beyond the bound lose the oldest, whatever the order of writing, also when the bound shrinks", async () => {
    const { storage } = await open();
    const collection = storage.collection<Doc>("bounded", BOUNDS);
    for (const at of [5, 1, 9, 3, 7, 8, 2, 6]) await collection.put({ _id: `d${at}`, at });
    expect((await collection.find({ sort: { at: 1 } })).map((d) => d.at)).toEqual([5, 6, 7, 8, 9]);
    await collection.put({ _id: "d5", at: 10 });
    await collection.put({ _id: "d11", at: 11 });
    expect((await collection.find({ sort: { at: 1 } })).map((d) => d._id)).toEqual(["d7", "d8", "d9", "d5", "d11"]);
    await storage.stop?.();
    const smaller = (await open()).storage.collection<Doc>("bounded", { maxDocuments: 2, orderBy: "at" });
    expect((await smaller.find({ sort: { at: 1 } })).map((d) => d._id)).toEqual(["d5", "d11"]);
  });

  it("are copies: changing what was given or returned changes nothing stored", async () => {
    const collection = (await open()).storage.collection<Doc>("copies", BOUNDS);
    const given = { _id: "a", at: 1, text: "x" };
    await collection.put(given);
    given.text = "y";
    const read = (await collection.get("a"))!;
    expect(read.text).toBe("x");
    read.text = "z";
    expect((await collection.get("a"))?.text).toBe("x");
  });

  it("keep the file short when one document is written again and again", async () => {
    const collection = (await open()).storage.collection<Doc>("busy", BOUNDS);
    for (let i = 0; i < 2500; i++) await collection.put({ _id: "one", at: i });
    const lines = (await readFile(join(folder, fileNameOf("busy")), "utf8")).split("\n").length;
    expect(lines).toBeLessThan(1100);
    expect(await collection.get("one")).toEqual({ _id: "one", at: 2499 });
  });

  it("that are too large, nameless or badly named fields are refused with a reason and leave the rest alone", async () => {
    const collection = (await open({ max_document_bytes: 1024 })).storage.collection<Doc>("strict", BOUNDS);
    await expect(collection.put({ _id: "big", at: 1, text: "x".repeat(2000) })).rejects.toMatchObject({
      code: "document_too_large",
    });
    await expect(collection.put({ _id: "", at: 1 })).rejects.toMatchObject({ code: "document_invalid" });
    await expect(collection.put({ _id: "dot", at: 1, "a.b": 1 } as never)).rejects.toMatchObject({ code: "document_invalid" });
    await collection.put({ _id: "good", at: 2 });
    expect(await collection.count()).toBe(1);
  });
});

describe("a collection", () => {
  it("is the same for the same bounds, refused for others, and its name never leaves the folder", async () => {
    const { storage } = await open();
    expect(storage.collection("a", BOUNDS)).toBe(storage.collection("a", BOUNDS));
    expect(() => storage.collection("a", { ...BOUNDS, maxDocuments: 6 })).toThrow(/already open/);
    expect(() => storage.collection("", BOUNDS)).toThrow(/needs a name/);
    await storage.collection<Doc>("../../Etc/x", BOUNDS).put({ _id: "a", at: 1 });
    expect(await readdir(folder)).toEqual(["%2e%2e%2f%2e%2e%2f%45tc%2fx.db"]);
  });

  it("refuses work once stopped, after finishing what was begun", async () => {
    const { storage } = await open();
    const collection = storage.collection<Doc>("late", BOUNDS);
    const begun = collection.put({ _id: "a", at: 1 });
    await storage.stop?.();
    await begun;
    await expect(collection.put({ _id: "b", at: 2 })).rejects.toMatchObject({ code: "stopped" });
    await storage.stop?.();
  });

  it("reports how many documents it holds", async () => {
    const { storage, ctx } = await open();
    await storage.collection<Doc>("seen", BOUNDS).put({ _id: "a", at: 1 });
    await ctx.advance(30_000);
    expect(ctx.emitted).toContainEqual(
      expect.objectContaining({ name: "alluse_documents_stored", labels: { collection: "seen" }, value: 1 }),
    );
  });
});

describe("a damaged file", () => {
  it("with an unfinished last line loses that line only", async () => {
    const first = await open();
    const before = first.storage.collection<Doc>("torn", BOUNDS);
    await before.put({ _id: "a", at: 1 });
    await first.storage.stop?.();
    await appendFile(join(folder, "torn.db"), '{"_id":"b","at":2,"te');
    const { storage, ctx } = await open();
    const after = storage.collection<Doc>("torn", BOUNDS);
    await after.put({ _id: "c", at: 3 });
    expect((await after.find({ sort: { at: 1 } })).map((d) => d._id)).toEqual(["a", "c"]);
    expect(ctx.logs.filter((line) => line.level === "warn")).toEqual([]);
    expect((await readdir(folder)).filter((name) => name.includes("corrupt"))).toEqual([]);
    await ctx.advance(30_000);
    expect(ctx.emitted).toContainEqual(expect.objectContaining({ name: "alluse_documents_torn_tails_total", value: 1 }));
  });

  it("with a first write torn begins empty", async () => {
    await writeFile(join(folder, "torn.db"), '{"_id":"b","at":2,"te');
    const collection = (await open()).storage.collection<Doc>("torn", BOUNDS);
    expect(await collection.count()).toBe(0);
  });

  it("with unreadable lines is kept aside, said so, and what can be read goes on", async () => {
    const bytes = '{"_id":"a","at":1}\n\u0000\u0001garbage\n{"_id":"c","at":3}\n';
    await writeFile(join(folder, "bad.db"), bytes);
    const { storage, ctx } = await open();
    const collection = storage.collection<Doc>("bad", BOUNDS);
    expect((await collection.find({ sort: { at: 1 } })).map((d) => d._id)).toEqual(["a", "c"]);
    const aside = (await readdir(folder)).filter((name) => name.startsWith("bad.db.corrupt-"));
    expect(aside).toHaveLength(1);
    expect(await readFile(join(folder, aside[0]), "utf8")).toBe(bytes);
    expect(ctx.states.at(-1)?.state).toBe("degraded");
    expect(ctx.states.at(-1)?.reason).toContain("kept aside");
    await ctx.advance(30_000);
    expect(ctx.emitted).toContainEqual(expect.objectContaining({ name: "alluse_documents_corrupt_files_total", value: 1 }));
  });

  it("that is wholly something else is kept aside and a fresh one begun; only the last few copies stay", async () => {
    for (let i = 0; i < 5; i++) {
      await writeFile(join(folder, "alien.db"), new Uint8Array(5000).fill(200 + i));
      const { storage, ctx } = await open();
      ctx.clock.advance(i * 1000);
      const collection = storage.collection<Doc>("alien", BOUNDS);
      await collection.put({ _id: "a", at: 1 });
      expect(await collection.count()).toBe(1);
      await storage.stop?.();
    }
    expect((await readdir(folder)).filter((name) => name.includes(".corrupt-"))).toHaveLength(3);
  });

  it("that cannot be opened says so in one sentence, and is tried again at the next use", async () => {
    const { storage } = await open();
    const { mkdir } = await import("node:fs/promises");
    await mkdir(join(folder, "blocked.db"));
    const collection = storage.collection<Doc>("blocked", BOUNDS);
    await expect(collection.count()).rejects.toMatchObject({ code: "documents_unavailable" });
    await rm(join(folder, "blocked.db"), { recursive: true });
    expect(await collection.count()).toBe(0);
  });
});

/** A process that writes documents without pause and prints the id of each one acknowledged. */
const WRITER = `
import { registerHooks } from "node:module";
const root = process.argv[1];
registerHooks({ resolve: (name, context, next) => next(name === "all-use-agent/sdk" ? "file://" + root + "/sdk/index.ts" : name, context) });
const { Collection } = await import("file://" + root + "/plugins/storage/documents/collection.ts");
const around = { now: Date.now, maxDocumentBytes: () => 1e6, onTornTail() {}, onCorrupt() {}, stopped: () => false };
const collection = new Collection(process.argv[2] + "/killed.db", { maxDocuments: 100000, orderBy: "at" }, around);
let i = await collection.count();
for (;;) {
  await collection.put({ _id: "k" + i, at: i, text: "x".repeat(i % 5000) });
  process.stdout.write(i + "\\n");
  if (i % 50 === 0) await collection.put({ _id: "same", at: i });
  i++;
}
`;
const canRunTypeScript = Number(process.versions.node.split(".")[0]) >= 24;

it.skipIf(!canRunTypeScript)("kill −9 in the middle of writes loses nothing that was acknowledged (needs Node 24)", async () => {
  const root = join(import.meta.dirname, "../../..");
  for (let round = 0; round < 4; round++) {
    const child = spawn(process.execPath, ["--input-type=module", "-e", WRITER, root, folder], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let out = "";
    let trouble = "";
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (trouble += chunk.toString()));
    const ended = new Promise((resolve) => child.on("exit", resolve));
    const until = Date.now() + 60_000;
    while (out.split("\n").length < 60 + 23 * round && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 3));
    child.kill("SIGKILL");
    await ended;
    // What a killed process can leave besides: half a line.
    if (round === 2) await appendFile(join(folder, "killed.db"), '{"_id":"half');
    const acknowledged = out.split("\n").slice(0, -1).map(Number);
    expect(acknowledged.length, trouble).toBeGreaterThan(40);

    const { storage, ctx } = await open();
    const collection = storage.collection<Doc>("killed", { maxDocuments: 100_000, orderBy: "at" });
    const ids = new Set((await collection.find()).map((document) => document._id));
    expect(acknowledged.filter((i) => !ids.has(`k${i}`))).toEqual([]);
    expect(ctx.logs.filter((line) => line.level !== "debug")).toEqual([]);
    await storage.stop?.();
  }
});

it("a failed write is told to the writer and does not spoil the file for the next", async () => {
  const { storage } = await open();
  const collection = storage.collection<Doc>("full", BOUNDS);
  await collection.put({ _id: "a", at: 1 });
  const path = join(folder, "full.db");
  await rm(path);
  const { mkdir } = await import("node:fs/promises");
  await mkdir(path);
  await expect(collection.put({ _id: "b", at: 2 })).rejects.toMatchObject({ code: "documents_write_failed" });
  await rm(path, { recursive: true });
  await collection.put({ _id: "c", at: 3 });
  await storage.stop?.();
  const again = (await open()).storage.collection<Doc>("full", BOUNDS);
  expect(await again.get("a")).not.toBeNull();
  expect(await again.get("c")).not.toBeNull();
  await truncate(path, 0);
});
