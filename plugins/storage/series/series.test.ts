import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import {
  all,
  batchOf,
  bitsOf,
  define,
  EVERYTHING,
  openStore,
  shown,
  STALE,
  START_MS,
  temporaryFolder,
} from "./testdata/support.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const UP = [{ label: "__name__", op: "=", value: "up" }] as const;

describe("what was appended is there", () => {
  test("at once, after a seal, after a restart, with every bit of NaN and -0", async () => {
    const path = await temporaryFolder();
    const first = await openStore(path);
    define(first.store, 0, "up", { job: "a" });
    define(first.store, 1, "up", { job: "b" });
    const values = [1, -0, NaN, STALE, Infinity, 5e-324, 0.1 + 0.2];
    values.forEach((value, i) =>
      first.store.append(
        batchOf([
          [0, START_MS + i * 1000, value],
          [1, START_MS + i * 1000, i],
        ]),
      ),
    );
    const expected = await all(first.store);
    expect(expected["up{job=a}"]).toEqual(values.map((value, i) => `${START_MS + i * 1000}=${bitsOf(value)}`));
    expect(expected["up{job=a}"][3]).toMatch(/=7ff0000000000002$/);
    await first.store.flush();
    await first.store.stop();
    const second = await openStore(path);
    expect(await all(second.store)).toEqual(expected);
    await second.store.seal();
    expect(await all(second.store)).toEqual(expected);
    expect(second.store.stats().counters).toMatchObject({ head_samples: 0, blocks: 1, replayed_samples: 14 });
    await second.store.stop();
    const third = await openStore(path);
    expect(await all(third.store)).toEqual(expected);
    expect(third.store.stats().counters.replayed_samples).toBe(0);
  });

  test("late samples are merged in order, and of several at one time the last written wins", async () => {
    const { store } = await openStore(await temporaryFolder());
    define(store, 0, "up");
    store.append(batchOf([[0, START_MS + 3000, 3]]));
    store.append(
      batchOf([
        [0, START_MS + 1000, 1],
        [0, START_MS + 2000, 2],
      ]),
    );
    await store.seal();
    store.append(
      batchOf([
        [0, START_MS + 2000, 22],
        [0, START_MS + 4000, 4],
      ]),
    );
    store.append(batchOf([[0, START_MS + 4000, 44]]));
    const expected = [
      [1000, 1],
      [2000, 22],
      [3000, 3],
      [4000, 44],
    ].map(([ms, value]) => `${START_MS + ms}=${bitsOf(value)}`);
    expect((await all(store))["up{}"]).toEqual(expected);
    await store.seal();
    expect((await all(store))["up{}"]).toEqual(expected);
    expect(store.stats().counters).toMatchObject({ blocks: 1, merges: 1 });
  });

  test("a query in the middle of a seal sees each sample once", async () => {
    const { store } = await openStore(await temporaryFolder());
    for (let id = 0; id < 50; id++) define(store, id, "up", { id: String(id) });
    for (let t = 0; t < 200; t++)
      store.append(batchOf(Array.from({ length: 50 }, (_, id) => [id, START_MS + t * 1000, Math.sin(t * id)] as const)));
    const expected = await all(store);
    const state = { sealing: true };
    const sealed = store.seal().finally(() => (state.sealing = false));
    let asked = 0;
    while (state.sealing) {
      expect(await all(store)).toEqual(expected);
      asked++;
      await setImmediate();
    }
    await sealed;
    expect(asked).toBeGreaterThan(1);
    expect(await all(store)).toEqual(expected);
  });

  test("samples of many hours go to blocks of their own time", async () => {
    const { store } = await openStore(await temporaryFolder());
    define(store, 0, "up");
    store.append(batchOf(Array.from({ length: 24 }, (_, h) => [0, START_MS - h * HOUR_MS, h] as const)));
    const expected = await all(store);
    await store.seal();
    expect(store.stats().counters.blocks).toBe(13);
    expect(await all(store)).toEqual(expected);
    const some = await store.select({ matchers: UP, fromMs: START_MS - 5 * HOUR_MS, toMs: START_MS - 3 * HOUR_MS });
    expect([...some[0].values]).toEqual([5, 4, 3]);
  });
});

describe("select", () => {
  test("limits samples, anchors expressions, and refuses those that do not parse", async () => {
    const { store } = await openStore(await temporaryFolder());
    define(store, 0, "up", { job: "abc" });
    define(store, 1, "up", { job: "xabc" });
    for (let t = 0; t < 10; t++)
      store.append(
        batchOf([
          [0, START_MS + t, t],
          [1, START_MS + t, t],
        ]),
      );
    const range = { fromMs: START_MS, toMs: START_MS + 9 };
    const labels = async (op: "=" | "!=" | "=~" | "!~", value: string): Promise<string[]> =>
      (await store.select({ matchers: [...UP, { label: "job", op, value }], ...range })).map((one) => one.labels.job).sort();
    for (const sealed of [false, true]) {
      if (sealed) await store.seal();
      expect(await labels("=~", "ab.")).toEqual(["abc"]);
      expect(await labels("!~", "ab.")).toEqual(["xabc"]);
      expect(await labels("=~", ".*abc")).toEqual(["abc", "xabc"]);
      expect(await labels("!=", "")).toEqual(["abc", "xabc"]);
      expect(await labels("=", "")).toEqual([]);
      expect(await store.select({ matchers: UP, ...range, limitSamples: 20 })).toHaveLength(2);
      await expect(store.select({ matchers: UP, ...range, limitSamples: 19 })).rejects.toMatchObject({
        code: "query_limit_samples",
      });
      await expect(labels("=~", "a)(b")).rejects.toMatchObject({ code: "query_regex" });
      await expect(store.select({ matchers: UP, ...range, signal: AbortSignal.abort() })).rejects.toThrow();
      expect(await store.series([], START_MS, START_MS)).toHaveLength(2);
      expect(await store.series([], START_MS + 10, START_MS + 99)).toHaveLength(0);
    }
  });

  test("the newest sample of each series, in memory, just sealed, and in the past", async () => {
    const { store } = await openStore(await temporaryFolder());
    define(store, 0, "up", { job: "a" });
    define(store, 1, "up", { job: "b" });
    const last = async (fromMs: number, toMs: number): Promise<Record<string, string[]>> =>
      shown(await store.select({ matchers: UP, fromMs: START_MS + fromMs, toMs: START_MS + toMs, lastOnly: true }));
    const sample = (ms: number, value: number | bigint): string[] => [`${START_MS + ms}=${bitsOf(value)}`];
    store.append(
      batchOf([
        [0, START_MS, 1],
        [1, START_MS, STALE],
      ]),
    );
    store.append(batchOf([[0, START_MS + 5000, 2]]));
    const check = async (): Promise<void> => {
      expect(await last(0, 9000)).toEqual({ "up{job=a}": sample(5000, 2), "up{job=b}": sample(0, STALE) });
      expect(await last(1000, 9000)).toEqual({ "up{job=a}": sample(5000, 2) });
      expect(await last(0, 4000)).toEqual({ "up{job=a}": sample(0, 1), "up{job=b}": sample(0, STALE) });
    };
    await check();
    await store.seal();
    await check();
    store.append(batchOf([[0, START_MS + 4999, 3]]));
    await check();
    store.append(batchOf([[1, START_MS + 6000, 4]]));
    expect((await last(0, 9000))["up{job=b}"]).toEqual(sample(6000, 4));
  });

  test("gives arrays that the caller may change", async () => {
    const { store } = await openStore(await temporaryFolder());
    define(store, 0, "up");
    store.append(
      batchOf([
        [0, START_MS, 1],
        [0, START_MS + 1, 2],
      ]),
    );
    await store.seal();
    const expected = await all(store);
    const [one] = await store.select({ matchers: UP, fromMs: 0, toMs: START_MS + 9 });
    one.values.fill(9);
    one.timestamps.fill(9);
    expect(await all(store)).toEqual(expected);
  });
});

describe("what cannot be stored is counted, not stored", () => {
  test("undefined series, broken times, too old and far ahead", async () => {
    const { store } = await openStore(await temporaryFolder(), { retention_days: 1 });
    define(store, 0, "up");
    store.append(batchOf([[7, START_MS, 1]]));
    store.append(
      batchOf([
        [0, START_MS, 1],
        [7, START_MS, 1],
        [0, NaN, 1],
        [0, START_MS + 0.5, 1],
        [0, START_MS - 25 * HOUR_MS, 1],
        [0, START_MS + HOUR_MS, 1],
      ]),
    );
    store.append(batchOf([[0, START_MS - 25 * HOUR_MS, 1]]));
    expect(store.stats().counters).toMatchObject({ samples_appended: 1, samples_undefined: 2, samples_out_of_time: 5 });
    expect(Object.values(await all(store)).flat()).toHaveLength(1);
  });

  test("but any age when told so, and none is ever deleted for it", async () => {
    const { store, ctx } = await openStore(await temporaryFolder(), { retention_days: 1, accept_any_age: true });
    define(store, 0, "up");
    store.append(
      batchOf([
        [0, 0, 1],
        [0, -(2 ** 48), 2],
        [0, 2 ** 48, 3],
      ]),
    );
    const expected = await all(store);
    expect(expected["up{}"]).toHaveLength(3);
    await store.seal();
    await ctx.advance(HOUR_MS);
    expect(await all(store)).toEqual(expected);
  });
});

describe("by itself, as time goes by", () => {
  test("memory is sealed at multiples of the block's length and merged when its window has ended", async () => {
    const { store, ctx } = await openStore(await temporaryFolder());
    define(store, 0, "up");
    for (let minute = 0; minute < 25; minute++) {
      store.append(batchOf([[0, ctx.clock.now(), minute]]));
      await ctx.advance(MINUTE_MS);
    }
    expect(store.stats().counters).toMatchObject({ seals: 2, blocks: 2, merges: 0 });
    const expected = await all(store);
    await ctx.advance(3 * HOUR_MS);
    expect(store.stats().counters).toMatchObject({ seals: 3, blocks: 1, merges: 1 });
    expect(await all(store)).toEqual(expected);
    expect(ctx.emitted.some((sample) => sample.name === "alluse_storage_blocks")).toBe(true);
  });

  test("blocks older than the retention go", async () => {
    const { store, ctx, path } = await openStore(await temporaryFolder(), { retention_days: 1 });
    define(store, 0, "up");
    store.append(batchOf([[0, START_MS, 1]]));
    store.gap(START_MS, START_MS + 1, "sleep");
    await ctx.advance(23 * HOUR_MS);
    expect(Object.keys(await all(store))).toHaveLength(1);
    await ctx.advance(2 * HOUR_MS);
    expect(await all(store)).toEqual({});
    expect(store.gaps(0, START_MS * 2)).toEqual([]);
    expect(await readdir(join(path, "blocks"))).toEqual([]);
    expect(store.stats().counters.blocks_removed_by_age).toBe(1);
  });

  test("the oldest blocks go before the disk cap is passed", async () => {
    const { store, ctx } = await openStore(await temporaryFolder(), { max_disk_bytes: 200_000 });
    define(store, 0, "noise");
    let seed = 1;
    for (let window = 0; window < 8; window++) {
      const start = ctx.clock.now();
      store.append(
        batchOf(Array.from({ length: 4000 }, (_, i) => [0, start + i, (seed = (seed * 16807) % 2147483647) / Math.PI] as const)),
      );
      await ctx.advance(2 * HOUR_MS);
      expect(store.stats().diskBytes).toBeLessThanOrEqual(200_000);
    }
    const { counters, oldestMs } = store.stats();
    expect(counters.blocks_removed_by_cap).toBeGreaterThan(0);
    expect(counters.seal_failures).toBe(0);
    expect(oldestMs).toBeGreaterThan(START_MS);
    expect(Object.values(await all(store))[0].length % 4000).toBe(0);
  });
});

describe("gaps and deletions survive a restart", () => {
  test("gaps", async () => {
    const path = await temporaryFolder();
    const { store } = await openStore(path);
    store.gap(START_MS, START_MS + 5000, "sleep");
    store.gap(START_MS + 9000, START_MS + 9500, "clock step");
    await store.flush();
    await store.stop();
    const again = await openStore(path);
    expect(again.store.gaps(START_MS + 5000, START_MS + 6000)).toEqual([
      { fromMs: START_MS, toMs: START_MS + 5000, reason: "sleep" },
    ]);
    expect(again.store.gaps(START_MS + 5001, START_MS + 8999)).toEqual([]);
    expect(again.store.gaps(0, START_MS * 2)).toHaveLength(2);
  });

  test("deleted samples stay deleted in memory, in blocks and after merging; new ones are kept", async () => {
    const path = await temporaryFolder();
    const { store, ctx } = await openStore(path);
    define(store, 0, "up", { job: "a" });
    define(store, 1, "up", { job: "b" });
    const tick = (ms: number): unknown =>
      store.append(
        batchOf([
          [0, START_MS + ms, ms],
          [1, START_MS + ms, ms],
        ]),
      );
    for (let i = 0; i < 10; i++) tick(i * 1000);
    await store.seal();
    for (let i = 10; i < 20; i++) tick(i * 1000);
    const a = [{ label: "job", op: "=", value: "a" }] as const;
    expect(await store.deleteSeries(a, START_MS + 5000, START_MS + 14_000)).toBe(1);
    expect(await store.deleteSeries(a, START_MS + 5000, START_MS + 14_000)).toBe(0);
    tick(7000);
    const seconds = async (from: typeof store): Promise<number[]> =>
      (await all(from))["up{job=a}"].map((text) => (Number(text.split("=")[0]) - START_MS) / 1000);
    const kept = [0, 1, 2, 3, 4, 7, 15, 16, 17, 18, 19];
    expect(await seconds(store)).toEqual(kept);
    expect((await all(store))["up{job=b}"]).toHaveLength(20);
    expect(await store.series(a, START_MS + 8000, START_MS + 9000)).toEqual([]);
    await store.flush();
    await store.stop();
    const again = await openStore(path);
    expect(await seconds(again.store)).toEqual(kept);
    await again.store.seal();
    expect(await seconds(again.store)).toEqual(kept);
    await again.ctx.advance(MINUTE_MS);
    expect(again.store.stats().counters).toMatchObject({ deletions: 0, blocks: 1 });
    expect(await seconds(again.store)).toEqual(kept);
    expect(ctx.states).toEqual([]);
  });

  test("a deleted series' newest sample is not served from memory", async () => {
    const { store } = await openStore(await temporaryFolder());
    define(store, 0, "up");
    store.append(batchOf([[0, START_MS, 1]]));
    await store.seal();
    await store.deleteSeries(UP, START_MS, START_MS);
    const last = (): Promise<unknown[]> =>
      store.select({ matchers: UP, fromMs: START_MS - 1000, toMs: START_MS + 1000, lastOnly: true });
    expect(await last()).toEqual([]);
    await store.seal();
    expect(await last()).toEqual([]);
  });
});

test("leftovers of an interrupted seal are removed and its samples come from the log", async () => {
  const path = await temporaryFolder();
  const { store } = await openStore(path);
  define(store, 0, "up");
  store.append(
    batchOf([
      [0, START_MS, 1],
      [0, START_MS - 5 * HOUR_MS, 2],
    ]),
  );
  await store.flush();
  const [segment] = await readdir(join(path, "wal"));
  const log = await readFile(join(path, "wal", segment));
  const expected = await all(store);
  await store.seal();
  const names = (await readdir(join(path, "blocks"))).sort();
  await store.stop();
  // As if the process had died between the two renames: the block that vouches for both is missing, the log is still there.
  await writeFile(join(path, "blocks", `${names[1]}.tmp`), await readFile(join(path, "blocks", names[1])));
  await rm(join(path, "blocks", names[1]));
  await writeFile(join(path, "wal", segment), log);
  const again = await openStore(path);
  expect(await readdir(join(path, "blocks"))).toEqual([]);
  expect(await all(again.store)).toEqual(expected);
});

test("a disk that refuses makes flush reject, keeps the samples, and is tried again", async () => {
  const path = await temporaryFolder();
  const { store, ctx } = await openStore(path, { max_disk_bytes: 400 });
  define(store, 0, "up");
  store.append(batchOf([[0, START_MS, 1]]));
  await store.flush();
  store.append(batchOf(Array.from({ length: 100 }, (_, i) => [0, START_MS + i, i] as const)));
  await expect(store.flush()).rejects.toMatchObject({ code: "storage_write_failed" });
  expect(ctx.states[0].state).toBe("degraded");
  expect((await all(store))["up{}"]).toHaveLength(100);
  await expect(store.stop()).rejects.toMatchObject({ code: "storage_write_failed" });
});

test("an idle series' number is given to another without mixing them up", async () => {
  const { store, ctx } = await openStore(await temporaryFolder());
  define(store, 0, "old");
  define(store, 1, "live");
  store.append(
    batchOf([
      [0, START_MS, 1],
      [1, START_MS, 2],
    ]),
  );
  await store.seal();
  await ctx.advance(3 * HOUR_MS);
  const later = ctx.clock.now();
  store.append(batchOf([[1, later, 3]]));
  await store.seal();
  define(store, 2, "new");
  store.append(
    batchOf([
      [2, later + 1, 4],
      [0, later + 1, 5],
    ]),
  );
  const names = async (): Promise<string[]> =>
    Object.entries(await all(store)).map(([name, samples]) => `${name} ${samples.length}`);
  expect(await names()).toEqual(["live{} 2", "new{} 1", "old{} 2"]);
  await store.flush();
  await store.seal();
  expect(await names()).toEqual(["live{} 2", "new{} 1", "old{} 2"]);
  const last = shown(await store.select({ matchers: EVERYTHING, fromMs: START_MS, toMs: later + 9, lastOnly: true }));
  expect(Object.keys(last)).toEqual(["live{}", "new{}", "old{}"]);
});
