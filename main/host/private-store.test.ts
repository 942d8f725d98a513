import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { privateStore } from "./private-store.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "alluse-store-"));
});
afterEach(() => rm(folder, { recursive: true }));

const bytes = (text: string): Uint8Array => Buffer.from(text);
const text = (found: Uint8Array | null): string | null => found && Buffer.from(found).toString();

describe("what a plugin keeps", () => {
  it("is there again for the next run, and null where there is nothing", async () => {
    const { own } = privateStore(folder);
    expect(await own.read("note")).toBeNull();
    await own.write("note", bytes("seven"));
    expect(text(await own.read("note"))).toBe("seven");
    expect(text(await privateStore(folder).own.read("note"))).toBe("seven");
  });

  it("lies apart from what the agent keeps of it, whatever its name", async () => {
    const store = privateStore(folder);
    await store.write("snapshot", bytes("the agent's"));
    await store.write("crash.json", bytes("evidence"));
    await store.own.write("snapshot", bytes("the plugin's"));
    await store.own.write("crash.json", bytes("{}"));
    expect(text(await store.read("snapshot"))).toBe("the agent's");
    expect(text(await store.read("crash.json"))).toBe("evidence");
    expect(text(await store.own.read("snapshot"))).toBe("the plugin's");
  });

  it("is found where it lay before it had a folder of its own; what is the agent's stays", async () => {
    await writeFile(join(folder, "position"), "42");
    await writeFile(join(folder, "snapshot"), "kept");
    const { own } = privateStore(folder);
    expect(text(await own.read("position"))).toBe("42");
    expect(await own.read("snapshot")).toBeNull();
    expect((await readdir(folder)).sort()).toEqual(["snapshot", "store"]);
    expect(await readFile(join(folder, "store/position"), "utf8")).toBe("42");
  });

  it.each(["", "../up", "a/b", "Upper", ".hidden", "a.tmp", "x".repeat(65)])("refuses the name %j", async (name) => {
    const { own } = privateStore(folder);
    await expect(own.write(name, bytes("x"))).rejects.toMatchObject({ code: "store_name_invalid" });
    await expect(own.read(name)).rejects.toMatchObject({ code: "store_name_invalid" });
  });

  it("is bounded in bytes: a write beyond is refused, what was there stays, shortening makes room", async () => {
    const { own } = privateStore(folder);
    const half = new Uint8Array(8 * 1024 * 1024);
    await own.write("a", half);
    await own.write("b", half);
    await expect(own.write("c", bytes("x"))).rejects.toMatchObject({ code: "store_full", where: "c" });
    await expect(own.write("b", new Uint8Array(half.length + 1))).rejects.toThrow(/at most 16777216 bytes/);
    expect((await own.read("b"))?.length).toBe(half.length);
    await own.write("b", bytes("short"));
    await own.write("c", bytes("x"));
  });

  it("is bounded in names, those of an earlier run counted", async () => {
    await mkdir(join(folder, "store"));
    for (let i = 0; i < 256; i++) await writeFile(join(folder, "store", `n${i}`), "");
    const { own } = privateStore(folder);
    await expect(own.write("one-more", bytes("x"))).rejects.toThrow(/at most 256 names/);
    await own.write("n255", bytes("x"));
  });

  it("takes many writes of one name at once: the last one stays", async () => {
    const { own } = privateStore(folder);
    await Promise.all(Array.from({ length: 20 }, (_, i) => own.write("same", bytes(String(i)))));
    expect(text(await own.read("same"))).toBe("19");
  });
});
