import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Block } from "./block.ts";
import { HEADER_BYTES } from "./block-format.ts";
import { BlockStore } from "./block-store.ts";
import { gather } from "./head-select.ts";
import type { IndexedSeries } from "./label-index.ts";
import { Pacer } from "./pacer.ts";
import { replaySegment } from "./replay.ts";
import { all, batchOf, define, openStore, shown, START_MS, temporaryFolder } from "./testdata/support.ts";

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

/** A log segment read back, as `name time=bits` of each sample. */
async function samplesOf(path: string): Promise<{ samples: string[]; damaged: number }> {
  const series: IndexedSeries[] = [];
  const { part, damaged, orphans } = await replaySegment(path, 1, (one) => series.push(one) - 1);
  const numbers = series.map((_, number) => number);
  const found = gather(part, numbers, -Infinity, Infinity).map((samples, number) => ({ ...series[number], ...samples }));
  return {
    samples: Object.entries(shown(found)).flatMap(([name, list]) => list.map((one) => `${name} ${one}`)),
    damaged: damaged + orphans,
  };
}

test("a log cut at any length, or with any byte flipped, costs at most the record that was hit", async () => {
  const path = await temporaryFolder();
  const { store } = await openStore(path);
  define(store, 0, "up", { job: "a" });
  define(store, 1, "up", { job: "b" });
  const ends: number[] = [0];
  for (let t = 0; t < 4; t++) {
    store.append(
      batchOf([
        [0, START_MS + t * 1000, t],
        [1, START_MS + t * 1000, -t],
      ]),
    );
    await store.flush();
    ends.push(store.stats().counters.wal_bytes);
  }
  store.append(
    batchOf([
      [0, START_MS + 9000, 1],
      [1, START_MS + 9500, 2],
    ]),
  );
  await store.flush();
  const file = join(path, "wal", (await readdir(join(path, "wal")))[0]);
  const bytes = await readFile(file);
  const { samples: whole, damaged } = await samplesOf(file);
  expect(whole).toHaveLength(10);
  expect(damaged).toBe(0);
  const damagedFile = join(path, "damaged");
  for (let length = 0; length < bytes.length; length++) {
    await writeFile(damagedFile, bytes.subarray(0, length));
    const { samples } = await samplesOf(damagedFile);
    for (const sample of samples) expect(whole).toContain(sample);
    const complete = ends.filter((end) => end <= length).length - 1;
    expect(samples.length).toBeGreaterThanOrEqual(2 * complete);
  }
  for (let at = 0; at < bytes.length; at++) {
    for (const mask of [0x01, 0xff]) {
      const flipped = Buffer.from(bytes);
      flipped[at] ^= mask;
      await writeFile(damagedFile, flipped);
      const { samples } = await samplesOf(damagedFile);
      for (const sample of samples) expect(whole).toContain(sample);
      expect(samples.length, `byte ${at}`).toBeGreaterThanOrEqual(8);
    }
  }
});

test("a block cut at any length, or with any byte flipped, never gives a wrong value", async () => {
  const path = await temporaryFolder();
  const { store } = await openStore(path);
  for (let id = 0; id < 4; id++) define(store, id, "up", { id: String(id) });
  for (let t = 0; t < 500; t++) {
    const now = START_MS + t * 1000 + (t % 3);
    store.append(
      batchOf([
        [0, now, t * t],
        [1, now, Math.sin(t * 99) > 0.9 ? t : 0],
        [2, now, t < 8 ? Math.PI * t : 3],
        [3, now, 7],
      ]),
    );
  }
  await store.seal();
  const expected = await all(store);
  const file = join(path, "blocks", (await readdir(join(path, "blocks")))[0]);
  const bytes = await readFile(file);
  const damagedFile = join(path, "damaged.blk");
  let partly = 0;
  const check = async (content: Uint8Array): Promise<void> => {
    await writeFile(damagedFile, content);
    const shared = new BlockStore(path, quiet);
    let block: Block;
    try {
      block = await Block.open(damagedFile, shared);
    } catch {
      return;
    }
    const tables = await block.tables();
    if (tables === null) {
      expect(shared.damagedBlocks).toBe(1);
      return;
    }
    const columns = [0, 1, 2, 3];
    const samples = await block.columns(tables, columns, new Pacer(undefined));
    const found = shown(
      columns.flatMap((column) => (samples[column] === null ? [] : [{ ...tables.index.series(column), ...samples[column] }])),
    );
    for (const [name, list] of Object.entries(found)) expect(list).toEqual(expected[name]);
    if (Object.keys(found).length < 4) {
      expect(shared.damagedParts).toBeGreaterThan(0);
      if (Object.keys(found).length > 0) partly++;
    }
  };
  for (let length = 0; length < bytes.length; length++) await check(bytes.subarray(0, length));
  for (let at = 0; at < bytes.length; at++) {
    const flipped = Buffer.from(bytes);
    flipped[at] ^= at % 2 ? 0xff : 0x10;
    await check(flipped);
  }
  // Most of the file is columns, and damage to one leaves the others.
  expect(partly).toBeGreaterThan((bytes.length - HEADER_BYTES) / 8);
});

test("a damaged column is left out, counted and logged, and everything else is served and survives sealing and merging", async () => {
  const path = await temporaryFolder();
  const { store } = await openStore(path);
  define(store, 0, "a");
  define(store, 1, "b");
  for (let t = 0; t < 600; t++)
    store.append(
      batchOf([
        [0, START_MS + t * 1000, t * t * t],
        [1, START_MS + t * 1000, (t * 7919) % 613],
      ]),
    );
  await store.seal();
  const expected = await all(store);
  await store.stop();
  const file = join(path, "blocks", (await readdir(join(path, "blocks")))[0]);
  const bytes = await readFile(file);
  bytes[bytes.length - 9] ^= 0xff;
  await writeFile(file, bytes);
  const again = await openStore(path);
  expect(await all(again.store)).toEqual({ "a{}": expected["a{}"] });
  expect(again.store.stats().counters.damaged_columns).toBe(1);
  expect(again.ctx.logs.filter((line) => line.level === "error")).toHaveLength(1);
  define(again.store, 0, "b");
  again.store.append(batchOf([[0, START_MS, 5]]));
  await again.store.seal();
  expect(again.store.stats().counters.blocks).toBe(2);
  expect(Object.keys(await all(again.store))).toEqual(["a{}", "b{}"]);
});

test("a marks file that is damaged loses the mark that was hit and no other", async () => {
  const path = await temporaryFolder();
  const { store } = await openStore(path);
  store.gap(START_MS, START_MS + 1, "one");
  store.gap(START_MS, START_MS + 2, "two");
  await store.flush();
  await store.stop();
  const file = join(path, "marks");
  const bytes = await readFile(file);
  bytes[60] ^= 0xff;
  await writeFile(file, bytes);
  const again = await openStore(path);
  expect(again.store.gaps(0, START_MS * 2).map((gap) => gap.reason)).toEqual(["two"]);
  expect(again.store.stats().counters.damaged_records).toBe(1);
});

test("files of a version that this agent does not know are kept aside or left alone, not deleted", async () => {
  const path = await temporaryFolder();
  const { store } = await openStore(path);
  define(store, 0, "up");
  store.append(batchOf([[0, START_MS, 1]]));
  await store.seal();
  store.append(batchOf([[0, START_MS + 1000, 2]]));
  store.gap(START_MS, START_MS + 1, "sleep");
  await store.flush();
  await store.stop();
  const [block] = await readdir(join(path, "blocks"));
  const [log] = await readdir(join(path, "wal"));
  for (const [file, ...versions] of [
    [`blocks/${block}`, 7] as const,
    [`wal/${log}`, 7, 31] as const,
    ["marks", 7, 31] as const,
  ]) {
    const bytes = await readFile(join(path, file));
    for (const at of versions) bytes[at] = 99;
    await writeFile(join(path, file), bytes);
  }
  const again = await openStore(path);
  expect(await all(again.store)).toEqual({});
  expect(again.store.stats().counters).toMatchObject({ damaged_blocks: 1, damaged_records: 2 });
  define(again.store, 0, "up");
  again.store.append(batchOf([[0, START_MS + 2000, 3]]));
  again.store.gap(START_MS, START_MS + 2, "sleep");
  await again.store.seal();
  await again.store.flush();
  expect((await readdir(join(path, "blocks"))).length).toBe(2);
  expect(await readdir(join(path, "wal"))).toContain(`${log}.damaged`);
  expect(await readdir(path)).toContain("marks.damaged");
});
