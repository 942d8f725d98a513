import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { levelOf } from "./level.ts";
import { lineTime } from "./line-time.ts";
import { LABEL_SETS_MAX, Pattern } from "./pattern.ts";
import { shapeOf } from "./shape.ts";

const NOW_MS = Date.UTC(2026, 10, 22, 12);

describe("the level of a record", () => {
  it.each([
    ["2026-11-22 12:00:00 ERROR could not connect", "error"],
    ["[warn] low disk", "warn"],
    ['{"time":1,"level":"info","msg":"error in the text"}', "info"],
    ['{"level":50,"msg":"pino"}', "error"],
    ["<2>kernel: panic", "fatal"],
    ["<13>app: fine", "info"],
    ["INFORMATION about errors", "info"],
    ["no word of it, only terror", "other"],
    ["", "other"],
  ])("%s", (text, level) => expect(levelOf(text)).toBe(level));
});

describe("the time of a record", () => {
  it.each([
    ["2026-11-22T11:59:58.25Z x", NOW_MS - 1750],
    ["[2026-11-22 13:00:00,5 +01:00] x", NOW_MS + 500],
    ['{"ts":1795348799.5}', NOW_MS - 500],
    ['{"time":"2026-11-22T11:00:00Z"}', NOW_MS - 3_600_000],
    ['1.2.3.4 - - [22/Nov/2026:11:59:59 +0000] "GET /"', NOW_MS - 1000],
    ["no time", NOW_MS],
    ["2019-01-01T00:00:00Z long ago", NOW_MS],
    ["2027-01-01T00:00:00Z ahead", NOW_MS],
  ])("%s", (text, time) => expect(lineTime(text, NOW_MS)).toBe(time));

  it("takes a December line in January for one of the year before", () => {
    const now = new Date(2027, 0, 1, 0, 5).getTime();
    expect(lineTime("Dec 31 23:59:00 host app: x", now)).toBe(new Date(2026, 11, 31, 23, 59).getTime());
  });
});

it("leaves out of a shape what changes and what is private", () => {
  expect(shapeOf("Nov 22 12:00:00 host sshd[812]: Failed password for root from 10.0.0.1 port 2200 ssh2")).toBe(
    "host sshd[<n>]: Failed password for root from <ip> port <n> ssh<n>",
  );
  expect(shapeOf('user=me@example.org token=abcdef path="/home/me"')).toBe("user=<mail> token=<secret> path=<text>");
});

it("reads whatever comes without throwing, and quickly", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 2000 }), (text) => {
      expect(shapeOf(text).length).toBeLessThanOrEqual(120);
      levelOf(text);
      expect(Number.isInteger(lineTime(text, NOW_MS))).toBe(true);
    }),
  );
  for (const evil of [
    "a".repeat(60_000),
    `"${"x".repeat(60_000)}`,
    "/a".repeat(30_000),
    "1:".repeat(30_000),
    "a@".repeat(30_000),
  ])
    expect(shapeOf(evil).length).toBeLessThanOrEqual(120);
});

describe("a pattern", () => {
  const settings = { name: "slow", labels: ["code"], value: "ms", event: true };

  it("is found anywhere in a line, with its groups", () => {
    const pattern = new Pattern("web", { ...settings, match: "status=(?P<code>\\d+) took (?P<ms>[\\d.]+)ms" });
    expect(pattern.find("GET / status=200 took 12.5ms end")).toEqual({ labels: { code: "200" }, value: 12.5 });
    expect(pattern.find("nothing")).toBeNull();
  });

  it("has a bounded number of label sets", () => {
    const pattern = new Pattern("web", { ...settings, match: "(?P<code>\\w+) (?P<ms>x)" });
    for (let i = 0; i < LABEL_SETS_MAX; i++) pattern.find(`c${i} x`);
    expect(pattern.find("another x")).toEqual({ labels: { code: "other" }, value: NaN });
    expect(pattern.find("c7 x")?.labels).toEqual({ code: "c7" });
  });

  it("says what is wrong with it", () => {
    expect(() => new Pattern("web", { ...settings, match: "(" })).toThrow(/pattern slow of source web is no expression/);
    expect(() => new Pattern("web", { ...settings, match: "x" })).toThrow(/uses a group code/);
  });
});
