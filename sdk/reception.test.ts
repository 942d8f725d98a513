import { describe, expect, it } from "vitest";
import { Receiver } from "./reception.ts";
import { TestContext } from "./testing.ts";
import { Turns } from "./turns.ts";

const manifest = { id: "collectors/r", metrics: { "*": { type: "gauge", help: "Any." } } } as never;

describe("a reception", () => {
  it("hands on every row in slices, stale markers with all their bits", async () => {
    const ctx = new TestContext(manifest);
    const seen: [number, bigint][] = [];
    ctx.emit = (batch) => {
      const bits = new BigUint64Array(batch.values.slice(0, batch.length).buffer);
      for (let i = 0; i < batch.length; i++) seen.push([batch.timestamps[i], bits[i]]);
      expect(batch.backdated).toBe(true);
      return batch.length > 5000 ? 2 : 0;
    };
    const reception = new Receiver(ctx, { maxSeries: 10, maxLabels: 1 }).open();
    const id = reception.series("a", {});
    for (let i = 0; i < 20_000; i++) {
      if (i % 1000 === 999) reception.stale(id, i);
      else reception.add(id, i, i);
    }
    await reception.keep();
    const bitsOf = (value: number): bigint => new BigUint64Array(Float64Array.of(value).buffer)[0];
    expect(seen).toHaveLength(20_000);
    for (const [at, bits] of seen) expect(bits).toBe(at % 1000 === 999 ? 0x7ff0000000000002n : bitsOf(at));
    // Storage would not take two rows of each of the two full slices.
    expect([reception.taken, reception.refused, reception.reasons.length]).toEqual([19_996, 4, 1]);
  });
});

describe("turns", () => {
  it("run so many at once, in order, and refuse when too many wait", async () => {
    const turns = new Turns(2, 2);
    const release: (() => void)[] = [];
    const begun: number[] = [];
    const task = (n: number) =>
      turns.run(() => new Promise<number>((resolve) => (begun.push(n), release.push(() => resolve(n)))));
    const first = [task(1), task(2), task(3), task(4)];
    await expect(task(5)).rejects.toMatchObject({ code: "receiver_busy" });
    expect(begun).toEqual([1, 2]);
    release[0]();
    expect(await first[0]).toBe(1);
    await Promise.resolve();
    expect(begun).toEqual([1, 2, 3]);
    release[1]();
    await first[1];
    await Promise.resolve();
    release[2]();
    release[3]();
    expect(await Promise.all(first)).toEqual([1, 2, 3, 4]);
    await expect(turns.run(() => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
    expect(await turns.run(() => Promise.resolve(6))).toBe(6);
  });
});
