import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Manifest } from "all-use-agent/sdk";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { cpuMsOf } from "../../../test/support/cpu.ts";
import { SimulatedTime } from "../time.ts";
import { CallTrail, takeTrail } from "./call-trail.ts";
import { forgive } from "./forgive.ts";
import { startPath, suspectsPath, trailPath } from "./start-file.ts";
import { StartJournal } from "./start-journal.ts";

let dataDir: string;
let time: SimulatedTime;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "alluse-journal-"));
  time = new SimulatedTime(Date.UTC(2026, 0, 1));
});
afterEach(() => rmSync(dataDir, { recursive: true }));

function manifest(id: string, provides: string[] = []): Manifest {
  return { id, version: "1.0.0", api: 1, kind: "collector", entry: "index.mjs", title: id, stability: "beta", provides };
}
const BAD = manifest("collectors/bad");
const GOOD = manifest("collectors/good");

/** Of a process that dies nothing happens later. */
const frozen = new SimulatedTime(Date.UTC(2026, 0, 1));

function start(forced = false, clock = time): StartJournal {
  const warn = (message: string): never => {
    throw new Error(message);
  };
  return new StartJournal({ dataDir, time: clock, forced, warn });
}

/** A start that dies while the plugin is started inside the agent. */
function failedStart(id = BAD.id): void {
  const journal = start(false, frozen);
  journal.ready();
  journal.starting({ id, runs: "inside" });
}

describe("StartJournal", () => {
  it("leaves out every added plugin after two failed starts, and says who and why", () => {
    failedStart();
    expect(start().report()).toBeNull();
    failedStart();
    const journal = start();
    expect(journal.leftOut(BAD, "installed")).toMatch(/died while collectors\/bad was being started.*alluse plugin enable/);
    expect(journal.leftOut(GOOD, "installed")).toMatch(/safe mode/);
    expect(journal.leftOut(manifest("collectors/host"), "bundled")).toBeNull();
    expect(journal.report()).toMatchObject({ leftOut: ["collectors/bad", "collectors/good"], suspects: ["collectors/bad"] });
    expect(journal.report()?.reason).toMatch(
      /could not start several times in a row.*left out: collectors\/bad, collectors\/good/,
    );
  });

  it("takes the others in again when the safe start has lasted a minute; the suspect waits for the operator", async () => {
    failedStart();
    failedStart();
    const safe = start();
    safe.leftOut(BAD, "installed");
    safe.ready();
    await time.advance(60_000);

    const next = start();
    expect(next.leftOut(GOOD, "installed")).toBeNull();
    expect(next.leftOut(BAD, "installed")).not.toBeNull();
    expect(next.report()).toMatchObject({ leftOut: ["collectors/bad"], suspects: ["collectors/bad"] });
    next.stopped();

    expect(await forgive(dataDir, BAD.id, false)).toBe(true);
    expect(await forgive(dataDir, BAD.id, false)).toBe(false);
    const forgiven = start();
    expect(forgiven.leftOut(BAD, "installed")).toBeNull();
    expect(forgiven.report()).toBeNull();
  });

  it("a clean stop of the safe start is as good as a minute; a death before is not", () => {
    failedStart();
    failedStart();
    start().ready();
    expect(start().leftOut(GOOD, "installed")).not.toBeNull();
    const safe = start();
    safe.ready();
    safe.stopped();
    expect(start().leftOut(GOOD, "installed")).toBeNull();
  });

  it("--no-safe-mode starts everything, and a minute clears the suspicion", async () => {
    failedStart();
    failedStart();
    start().leftOut(BAD, "installed");
    const forced = start(true);
    expect(forced.leftOut(BAD, "installed")).toBeNull();
    expect(forced.report()).toBeNull();
    forced.ready();
    await time.advance(60_000);
    expect(start().leftOut(BAD, "installed")).toBeNull();
  });

  it("never leaves out the store of series", () => {
    const store = manifest("storage/series", ["series"]);
    for (let i = 0; i < 3; i++) start().starting({ id: store.id, runs: "bundled" });
    expect(start().leftOut(store, "bundled")).toBeNull();
  });

  it("a failure that was forgiven before the second one does not count", async () => {
    failedStart();
    start().starting({ id: BAD.id, runs: "inside" });
    await forgive(dataDir, BAD.id, false);
    expect(start().report()).toBeNull();
  });

  it("remembers whose call did not come back", () => {
    const journal = start();
    journal.starting({ id: BAD.id, runs: "inside" });
    journal.started(BAD.id);
    journal.ready();
    journal.enter(BAD.id);
    journal.enter("collectors/other");
    journal.leave();
    expect(readFileSync(trailPath(dataDir), "utf8").trim()).toBe(BAD.id);
    const next = start();
    next.stopped();
    expect(() => readFileSync(trailPath(dataDir))).toThrow();
  });

  it("writes nothing more once the start is good", async () => {
    const journal = start();
    journal.ready();
    await time.advance(60_000);
    const before = readFileSync(startPath(dataDir), "utf8");
    journal.starting({ id: BAD.id, runs: "inside" });
    journal.enter(BAD.id);
    journal.ended(BAD.id, "exited");
    journal.stopped();
    expect(readFileSync(startPath(dataDir), "utf8")).toBe(before);
  });

  it.each(["", "[]", "null", '{"failures":7}', '{"run":{},"failures":[],"untraced":0}'])("a damaged file is none: %s", (text) => {
    mkdirSync(join(dataDir, "state"));
    writeFileSync(startPath(dataDir), text);
    writeFileSync(suspectsPath(dataDir), text);
    expect(start().report()).toBeNull();
  });

  it("a journal that cannot be written is said, and the agent starts", () => {
    writeFileSync(join(dataDir, "state"), "in the way");
    const warnings: string[] = [];
    const journal = new StartJournal({ dataDir, time, forced: false, warn: (message) => void warnings.push(message) });
    journal.starting({ id: BAD.id, runs: "inside" });
    journal.ready();
    journal.stopped();
    expect(warnings).toHaveLength(1);
  });
});

describe("CallTrail", () => {
  it("costs so little that it can be around every call", () => {
    const trail = new CallTrail(join(dataDir, "trail"));
    const tookMs = cpuMsOf(() => {
      for (let i = 0; i < 1000; i++) {
        trail.enter("collectors/some");
        trail.leave();
      }
    });
    trail.close();
    expect(tookMs / 1000).toBeLessThan(1);
    expect(takeTrail(join(dataDir, "trail"))).toBeNull();
  });
});
