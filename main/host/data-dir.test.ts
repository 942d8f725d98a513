import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openDataDir } from "./data-dir.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "alluse-data-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("openDataDir", () => {
  it("makes the folder for its owner only and frees it again", () => {
    const path = join(folder, "new", "deep");
    const lock = openDataDir(path);
    expect(statSync(path).mode & 0o777).toBe(0o700);
    lock.dispose();
    expect(existsSync(join(path, "agent.lock"))).toBe(false);
  });

  it("refuses a folder whose lock belongs to a living process", () => {
    // The parent of this test lives as long as the test.
    const started = readFileSync(`/proc/${process.ppid}/stat`, "latin1")
      .replace(/^.*\) /, "")
      .split(" ")[19];
    writeFileSync(join(folder, "agent.lock"), JSON.stringify({ pid: process.ppid, started }));
    expect(() => openDataDir(folder)).toThrow(/belongs to a running agent/);
  });

  it("takes over the lock of a dead process, also when its pid was reused", () => {
    const { pid } = spawnSync("true");
    writeFileSync(join(folder, "agent.lock"), JSON.stringify({ pid, started: "1" }));
    openDataDir(folder).dispose();
    writeFileSync(join(folder, "agent.lock"), JSON.stringify({ pid: process.ppid, started: "1" }));
    openDataDir(folder).dispose();
  });

  it("takes over a lock that was torn when it was written", () => {
    writeFileSync(join(folder, "agent.lock"), '{"pi');
    openDataDir(folder).dispose();
  });

  it("says so when a file stands where the folder should", () => {
    const file = join(folder, "file");
    writeFileSync(file, "");
    expect(() => openDataDir(file)).toThrow(expect.objectContaining({ code: "data_dir_unwritable" }));
    expect(readFileSync(file, "utf8")).toBe("");
  });
});
