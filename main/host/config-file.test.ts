import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readConfig } from "./config-file.ts";

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "alluse-config-"));
  file = join(folder, "config.json");
});
afterEach(() => rm(folder, { recursive: true }));

describe("readConfig", () => {
  it("is empty without a file, unless the file was asked for", async () => {
    expect(await readConfig(file, false)).toEqual({});
    await expect(readConfig(file, true)).rejects.toThrow(/does not exist/);
  });

  it("says in one sentence what is wrong and changes nothing", async () => {
    for (const [text, message] of [
      ["{", /is not JSON/],
      ['{"plugin":{}}', /"plugin" is not known here, did you mean "plugins"\?/],
      ['{"plugins":{"a":{"enabled":"yes"}}}', /\/plugins\/a\/enabled: expected boolean, found "yes"/],
    ] as const) {
      await writeFile(file, text);
      const error: unknown = await readConfig(file, false).catch((caught: unknown) => caught);
      expect(error).toMatchObject({ code: "config_invalid" });
      expect((error as Error).message).toMatch(message);
      expect(await readFile(file, "utf8")).toBe(text);
    }
  });
});
