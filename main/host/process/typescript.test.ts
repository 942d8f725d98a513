import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { privateStore } from "../private-store.ts";
import { strippedSources } from "./typescript.ts";

let root: string;
let folder: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "alluse-strip-"));
  folder = join(root, "plugin");
  await mkdir(join(folder, "lib"), { recursive: true });
});

afterEach(() => rm(root, { recursive: true }));

describe("TypeScript of a plugin", () => {
  it("is JavaScript before its process starts: modules only, no tests, no declarations, each line where it was", async () => {
    await writeFile(
      join(folder, "index.ts"),
      `import { two } from "./lib/two.ts";\nexport default (x: number): number => x + two;\n`,
    );
    await writeFile(join(folder, "lib/two.ts"), `export const two = 2 as number;\n`);
    await writeFile(join(folder, "index.test.ts"), `export const a: number = 1;\n`);
    await writeFile(join(folder, "types.d.ts"), `export type A = 1;\n`);
    await writeFile(join(folder, "old.ts"), `module.exports = 1;\n`);
    const stripped = await strippedSources(folder, privateStore(join(root, "state")));
    expect(Object.keys(stripped).sort()).toEqual(["index.ts", "lib/two.ts"]);
    expect(stripped["index.ts"].split("\n")[1].replace(/\s+/g, " ")).toBe("export default (x ) => x + two;");
  });

  it("is stripped again only where it changed; what cannot be stripped is left to Node to complain of", async () => {
    const store = privateStore(join(root, "state"));
    await writeFile(join(folder, "index.ts"), `export const kept: number = 1;\n`);
    await strippedSources(folder, store);
    const cache = JSON.parse(Buffer.from((await store.read("javascript.json"))!).toString()) as Record<string, { code: string }>;
    cache["index.ts"].code = "from the cache";
    await store.write("javascript.json", Buffer.from(JSON.stringify(cache)));
    await writeFile(join(folder, "broken.ts"), `export const = 1;\n`);
    await writeFile(join(folder, "new.ts"), `export const fresh: number = 1;\n`);
    const stripped = await strippedSources(folder, store);
    expect(Object.keys(stripped).sort()).toEqual(["index.ts", "new.ts"]);
    expect(stripped["index.ts"]).toBe("from the cache");
  });
});
