import { describe, expect, test } from "vitest";
import { formatAddress, parseAddress } from "./router.ts";
import { aheadMs, between, parseRange, SPANS, windowOf } from "./range.ts";

describe("the address", () => {
  test("names the place and its parameters", () => {
    expect(parseAddress("#/plugins?plugin=collectors%2Fhost&last=1h")).toEqual({
      place: "plugins",
      params: { plugin: "collectors/host", last: "1h" },
    });
  });

  test("without a place is the first one", () => {
    expect(parseAddress("").place).toBe("now");
    expect(parseAddress("#/").place).toBe("now");
    expect(parseAddress("#/?last=1h")).toEqual({ place: "now", params: { last: "1h" } });
  });

  test("restores what it was made of", () => {
    const address = { place: "plugins", params: { plugin: "a/b c&d=é", from: "1" } };
    expect(parseAddress(formatAddress(address))).toEqual(address);
  });
});

describe("the range", () => {
  test("is the last quarter of an hour unless the address says otherwise", () => {
    expect(parseRange({})).toEqual({ kind: "last", spanMs: 900_000 });
    expect(parseRange({ last: "no such" })).toEqual({ kind: "last", spanMs: 900_000 });
    expect(parseRange({ last: "7d" })).toEqual({ kind: "last", spanMs: 7 * 86_400_000 });
  });

  test("stands still between two moments, if they make sense", () => {
    expect(parseRange({ from: "1000", to: "61000" })).toEqual({ kind: "between", fromMs: 1000, toMs: 61_000 });
    expect(parseRange({ from: "61000", to: "1000" }).kind).toBe("last");
    expect(parseRange({ from: "x", to: "1000" }).kind).toBe("last");
    expect(parseRange({ from: "", to: "100000" }).kind).toBe("last");
  });

  test("while live looks ahead by round times", () => {
    expect(Object.values(SPANS).map((span) => aheadMs(span) / 60_000)).toEqual([2, 5, 20, 120, 480, 2880]);
    expect(windowOf({ kind: "last", spanMs: 900_000 }, 1e12)).toEqual({ fromMs: 1e12 - 900_000, toMs: 1e12 + 300_000 });
  });

  test("cannot be zoomed into nothing", () => {
    const zoomed = between(1_000_000, 1_000_001);
    expect(zoomed.kind === "between" && zoomed.toMs - zoomed.fromMs).toBe(5000);
  });
});
