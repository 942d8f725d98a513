import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AgentError, type Logger, type Manifest } from "all-use-agent/sdk";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { privateStore } from "../private-store.ts";
import { SimulatedTime } from "../time.ts";
import { CrashRecord } from "./crash-record.ts";

const MINUTE = 60_000;
const silent: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const manifest = {
  id: "collectors/frail",
  version: "1.0.0",
  api: 1,
  kind: "collector",
  entry: "index.mjs",
  title: "Frail",
  stability: "beta",
} as const satisfies Manifest;

/** Many times what it takes: a machine that is held up is no failure. */
const WITHIN = { timeout: 60_000, interval: 20 };

let dataDir: string;
let folder: string;
let time: SimulatedTime;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "alluse-crashes-"));
  folder = join(dataDir, "plugin");
  await mkdir(folder);
  await writeFile(join(folder, "plugin.json"), JSON.stringify(manifest));
  await writeFile(join(folder, "index.mjs"), "export default () => ({});");
  time = new SimulatedTime(Date.UTC(2026, 0, 1));
});
afterEach(() => rm(dataDir, { recursive: true }));

const kept = join("state", "crashes.json");
const isKept = async (): Promise<boolean> =>
  readFile(join(dataDir, kept)).then(
    () => true,
    () => false,
  );

/** As after a start of the agent. */
function record(version = "1.0.0"): CrashRecord {
  return new CrashRecord({
    manifest: { ...manifest, version },
    folder,
    store: privateStore(join(dataDir, "state")),
    time,
    log: silent,
    hide: null,
  });
}

/** Three crashes, each in a run of the agent of its own. */
async function exhaust(): Promise<void> {
  for (const expected of [1000, 2000, null]) {
    const run = record();
    expect(await run.recall()).toBeNull();
    run.started();
    await time.advance(1000);
    expect(run.crashed(new AgentError("crashed", "it fell over"))).toBe(expected);
    await vi.waitFor(async () => expect(await readFile(join(dataDir, kept), "utf8")).toContain(String(time.now())), WITHIN);
  }
}

it("three crashes in three runs of the agent are three crashes", async () => {
  await exhaust();
  expect(await record().recall()).toEqual({ code: "crashed", reason: "it fell over" });
});

it("five minutes later a start of the agent tries again", async () => {
  await exhaust();
  await time.advance(5 * MINUTE);
  expect(await record().recall()).toBeNull();
});

it("a clock that was set back makes nothing undone", async () => {
  await exhaust();
  time.step(-60 * MINUTE);
  expect(await record().recall()).not.toBeNull();
});

it("another version is another plugin", async () => {
  await exhaust();
  expect(await record("1.0.1").recall()).toBeNull();
  await vi.waitFor(async () => expect(await isKept()).toBe(false), WITHIN);
});

it("other content is another plugin", async () => {
  await exhaust();
  await writeFile(join(folder, "index.mjs"), "export default () => ({ mended: true });");
  expect(await record().recall()).toBeNull();
});

it("ten stable minutes are a pardon, a start and nine are not", async () => {
  const run = record();
  run.started();
  run.crashed(new AgentError("crashed", "once"));
  await vi.waitFor(async () => expect(await isKept()).toBe(true), WITHIN);
  const next = record();
  await next.recall();
  next.started();
  await time.advance(9 * MINUTE);
  expect(await isKept()).toBe(true);
  await time.advance(MINUTE);
  await vi.waitFor(async () => expect(await isKept()).toBe(false), WITHIN);
});

it.each(["", "null", "{}", '{"crashesMs":"x"}', '{"crashesMs":[1,2,null],"inARow":1,"code":"a","reason":"b"}'])(
  "a damaged file counts for nothing: %s",
  async (text) => {
    await mkdir(join(dataDir, "state"));
    await writeFile(join(dataDir, kept), text);
    expect(await record().recall()).toBeNull();
  },
);
