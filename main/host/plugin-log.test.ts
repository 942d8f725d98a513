import { describe, expect, it } from "vitest";
import { folded, PluginLog } from "./plugin-log.ts";

describe("PluginLog", () => {
  it("keeps the newest 200 lines, long ones cut", () => {
    const log = new PluginLog();
    for (let i = 0; i < 300; i++) log.note(i, "info", `line ${i}`, undefined, false);
    log.note(300, "info", "x".repeat(5000), undefined, false);
    const { lines, errors } = log.report();
    expect(lines).toHaveLength(200);
    expect(lines.at(0)?.message).toBe("line 101");
    expect(lines.at(-1)?.message).toHaveLength(500);
    expect(errors).toEqual([]);
  });

  it("keeps fewer of long lines", () => {
    const log = new PluginLog();
    for (let i = 0; i < 300; i++) log.note(i, "info", `${i} ${"x".repeat(490)}`, undefined, false);
    const { lines } = log.report();
    expect(lines.reduce((sum, { message }) => sum + message.length, 0)).toBeLessThanOrEqual(32_000);
    expect(lines.at(-1)?.timeMs).toBe(299);
  });

  it("has each kind of error once, with its count, its first and its last time, newest kind first", () => {
    const log = new PluginLog();
    log.note(10, "warn", "connect ECONNREFUSED 10.0.0.1:443 after 17 ms", { code: "collect_failed" }, false);
    log.note(20, "warn", "connect ECONNREFUSED 10.0.0.2:443 after 3 ms", { code: "collect_failed" }, false);
    log.note(30, "error", "failed: no such thing", { code: "crashed" }, false);
    log.note(40, "warn", "connect ECONNREFUSED 10.0.0.9:443 after 5 ms", { code: "collect_failed" }, true);
    const { errors, lines } = log.report();
    expect(lines).toHaveLength(3);
    expect(errors).toEqual([
      { code: "collect_failed", message: "connect ECONNREFUSED 10.0.0.9:443 after 5 ms", count: 3, firstMs: 10, lastMs: 40 },
      { code: "crashed", message: "failed: no such thing", count: 1, firstMs: 30, lastMs: 30 },
    ]);
  });

  it("remembers fifty kinds; the one not seen for longest goes", () => {
    const log = new PluginLog();
    const word = (i: number): string => String.fromCharCode(97 + Math.floor(i / 26), 97 + (i % 26));
    for (let i = 0; i < 60; i++) log.note(i, "warn", `trouble ${word(i)}`, undefined, false);
    const { errors } = log.report();
    expect(errors).toHaveLength(50);
    expect(errors.at(-1)?.message).toBe(`trouble ${word(10)}`);
  });
});

it.each([
  ["read 17 bytes of 20", "read 3 bytes of 4"],
  ["cannot open /var/lib/a.db: EACCES", "cannot open /tmp/other file.db".replace(" file", "") + ": EACCES"],
  ["https://a.example/x?1 answered 503", "http://b.example/y answered 404"],
  ["at 12:30:01, id 5f2d9c1ab34e", "at 09:00:59, id deadbeef00aa"],
  [`C:\\Users\\a\\x.txt is locked`, `D:\\b.txt is locked`],
])("%j and %j are of one kind", (a, b) => {
  expect(folded(a)).toBe(folded(b));
});
