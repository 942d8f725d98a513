import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AgentError } from "all-use-agent/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkApi, checkManifest, readManifest } from "./manifest.ts";

const valid = {
  id: "collectors/demo",
  version: "1.0.0",
  api: 1,
  kind: "collector",
  entry: "index.ts",
  title: "Demo",
  stability: "beta",
};

function problemOf(change: Record<string, unknown>): { code: string; message: string } {
  try {
    checkManifest({ ...valid, ...change }, "plugin.json");
  } catch (error) {
    return error as { code: string; message: string };
  }
  throw new Error("it was accepted");
}

describe("checkManifest", () => {
  it("accepts the smallest valid manifest", () => {
    expect(checkManifest(valid, "plugin.json")).toEqual(valid);
  });

  it("names an unknown property and the nearest known one", () => {
    expect(problemOf({ titel: "Demo" }).message).toMatch(/"titel" is not known here, did you mean "title"\?/);
  });

  it("takes an edge from analytics and exporters alone", () => {
    const edge = { policy: "latest", rows: 5000 };
    const analytics = { ...valid, id: "analytics/demo", kind: "analytics", edge };
    expect(checkManifest(analytics, "plugin.json").edge).toEqual(edge);
    expect(problemOf({ edge }).message).toMatch(/only analytics and exporters .* found a collector/);
    expect(problemOf({ edge: { policy: "newest" } }).message).toMatch(/\/edge\/policy/);
  });

  it("names an unknown kind, what is allowed and the nearest one", () => {
    expect(problemOf({ kind: "colector" }).message).toMatch(
      /expected one of collector, .*found "colector", did you mean "collector"\?/,
    );
  });

  it("names what is missing", () => {
    const { title: _title, ...rest } = valid;
    expect(() => checkManifest(rest, "plugin.json")).toThrow(/"title" is missing/);
  });

  it("names the path and what was found for a wrong type deep inside", () => {
    expect(problemOf({ metrics: { up: { type: "gauge", help: 7 } } }).message).toMatch(
      /\/metrics\/up\/help: expected string, found 7/,
    );
  });

  it("refuses an entry outside the folder", () => {
    expect(problemOf({ entry: "a/../../b.ts" }).code).toBe("manifest_invalid");
    expect(problemOf({ entry: "/etc/passwd.js" }).code).toBe("manifest_invalid");
  });

  it("refuses an id of another kind's folder", () => {
    expect(problemOf({ id: "exporters/demo" }).message).toMatch(/begins with collectors\//);
  });

  it("refuses a contract version it does not serve", () => {
    expect(problemOf({ api: 99 })).toMatchObject({ code: "api_too_new", where: "/api" });
    expect(problemOf({ api: 99 }).message).toMatch(/api 99, and this agent serves only api 1: update the agent/);
    expect(problemOf({ api: 99, kind: "of another contract", more: 1 }).code).toBe("api_too_new");
  });

  it("serves the current contract and the one before, and says what to do about others", () => {
    const served = { oldest: 2, newest: 3 };
    const codeOf = (api: unknown): string | null => {
      try {
        checkApi(api, "plugin.json", served);
        return null;
      } catch (error) {
        return (error as AgentError).code;
      }
    };
    expect([1, 2, 3, 4].map(codeOf)).toEqual(["api_too_old", null, null, "api_too_new"]);
    expect(() => checkApi(1, "plugin.json", served)).toThrow(/api 1, and this agent serves api 2 to 3: add a newer version/);
    expect([0, 1.5, "1", null].map(codeOf)).toEqual([null, null, null, null]);
  });

  it.each([null, 7, "text", [], true])("refuses %j without throwing anything else", (value) => {
    expect(() => checkManifest(value, "plugin.json")).toThrow(/not a valid manifest/);
  });
});

describe("readManifest", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "alluse-manifest-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("says that there is none", async () => {
    await expect(readManifest(folder)).rejects.toMatchObject({ code: "manifest_missing" });
  });

  it("says that it is not JSON", async () => {
    await writeFile(join(folder, "plugin.json"), '{"id": ');
    await expect(readManifest(folder)).rejects.toMatchObject({ code: "manifest_unreadable" });
  });

  it("does not read a file that is far too large", async () => {
    await truncate(join(folder, "plugin.json"), 50_000_000);
    await expect(readManifest(folder)).rejects.toThrow(/50000000 bytes/);
  });

  describe("of an exec plugin", () => {
    const { entry: _entry, ...rest } = valid;
    const exec = { command: ["python3", "collect.py"], format: "openmetrics" };
    const program = { ...rest, isolation: "exec", exec };

    it("needs a program and no entry", () => {
      expect(checkManifest(program, "plugin.json").exec).toEqual(exec);
      expect(() => checkManifest({ ...rest, isolation: "exec" }, "plugin.json")).toThrow(/"exec" is missing/);
      expect(() => checkManifest({ ...program, entry: "index.mjs" }, "plugin.json")).toThrow(/\/entry: .*exec.command/);
      expect(() => checkManifest(rest, "plugin.json")).toThrow(/"entry" is missing/);
      expect(() => checkManifest({ ...rest, entry: "index.mjs", exec }, "plugin.json")).toThrow(/\/exec: .*"isolation": "exec"/);
    });

    it.each([
      [{ exec: { ...exec, format: "openmetric" } }, /\/exec\/format: expected one of .*did you mean "openmetrics"/],
      [{ exec: { ...exec, modus: "once" } }, /\/exec\/modus: "modus" is not known here, did you mean "mode"/],
      [{ exec: { ...exec, command: [] } }, /\/exec\/command: expected at least 1 entries, found \[\]/],
      [{ exec: { ...exec, command: ["bin/collect"] } }, /\/exec\/command\/0: expected .*did you mean "\.\/bin\/collect"/],
      [{ exec: { ...exec, command: ["../collect"] } }, /\/exec\/command\/0: expected .*found "\.\.\/collect"/],
      [{ kind: "exporter", id: "exporters/x" }, /\/kind: with isolation exec expected "collector", found "exporter"/],
      [{ isolation: "proces" }, /\/isolation: expected one of process, exec, found "proces", did you mean "process"/],
    ])("refuses %j, saying where and what", (change, message) => {
      expect(() => checkManifest({ ...program, ...change }, "plugin.json")).toThrow(message);
    });
  });
});
