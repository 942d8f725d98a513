import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readFlow } from "./config/flow.ts";
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

  it("reads how samples pass, durations as text or milliseconds", async () => {
    await writeFile(file, '{"flow":{"mode":"micro_batch","batch":{"rows":7,"delay":"1s"},"switch":{"back_after":250}}}');
    expect(readFlow((await readConfig(file, true)).flow!)).toEqual({
      mode: "micro_batch",
      batch: { rows: 7, delayMs: 1000 },
      switch: { backAfterMs: 250 },
    });
    expect(readFlow({})).toEqual({ batch: {}, switch: {} });
  });

  it("says in one sentence what is wrong and changes nothing", async () => {
    for (const [text, message] of [
      ["{", /is not JSON/],
      ['{"plugin":{}}', /"plugin" is not known here, did you mean "plugins"\?/],
      ['{"flow":{"mode":"fast"}}', /\/flow\/mode/],
      ['{"flow":{"batch":{"delay":"soon"}}}', /\/flow\/batch\/delay must be a duration .* found "soon"/],
      ['{"flow":{"switch":{"back_after":"2h"}}}', /\/flow\/switch\/back_after must be a duration of at most 3600000 ms/],
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
