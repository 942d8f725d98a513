/** What receivers rely on: what comes twice is there once, and what could not be taken is said. */
import { rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Batch, createBatch } from "all-use-agent/sdk";
import { expect, test } from "vitest";
import { all, batchOf, define, openStore, START_MS, temporaryFolder } from "./testdata/support.ts";

/** Ten ticks of three series, as a remote writer sends them: series by series. */
function body(fromTick = 0, ticks = 10): Batch {
  const batch = batchOf(
    [0, 1, 2].flatMap((id) =>
      Array.from({ length: ticks }, (_, i) => [id, START_MS - 60_000 + (fromTick + i) * 1000, (fromTick + i) * 10 + id] as const),
    ),
  );
  batch.backdated = true;
  return batch;
}

test("a request sent again is there once: at once, after a restart, after sealing, after merging, in queries and in blocks", async () => {
  const path = await temporaryFolder();
  const names = (store: Parameters<typeof define>[0]): void =>
    [0, 1, 2].forEach((id) => define(store, id, "up", { id: String(id) }));
  const first = await openStore(path);
  names(first.store);
  first.store.append(body());
  first.store.append(body());
  first.store.append(body(5));
  await first.store.flush();
  const once = await all(first.store);
  expect(Object.values(once).map((samples) => samples.length)).toEqual([15, 15, 15]);
  await first.store.stop();

  const second = await openStore(path);
  names(second.store);
  second.store.append(body());
  await second.store.flush();
  expect(await all(second.store)).toEqual(once);
  await second.store.seal();
  expect(second.store.stats().samples).toBe(45);
  second.store.append(body(5));
  await second.store.flush();
  expect(await all(second.store)).toEqual(once);
  await second.store.seal();
  expect(await all(second.store)).toEqual(once);
  expect(second.store.stats().samples).toBe(45);

  await second.store.stop();
  const third = await openStore(path);
  expect(await all(third.store)).toEqual(once);
});

test("a sample corrected by a later one of its time stays corrected over sealing and merging", async () => {
  const { store } = await openStore(await temporaryFolder());
  define(store, 0, "up");
  store.append(batchOf([[0, START_MS, 1]]));
  await store.seal();
  store.append(batchOf([[0, START_MS, 2]]));
  const corrected = await all(store);
  expect(corrected["up{}"][0]).toMatch(/=4000000000000000$/);
  await store.seal();
  expect(await all(store)).toEqual(corrected);
  expect(store.stats().samples).toBe(1);
});

test("when memory's bound is reached everybody who flushes is told, the samples are counted, and the gap is recorded whole", async () => {
  const path = await temporaryFolder();
  const { store, ctx } = await openStore(path, { accept_any_age: true });
  define(store, 0, "up");
  await store.flush();
  // A file where the folder of the log was: no segment can be made.
  await rename(join(path, "wal"), join(path, "wal.away"));
  await writeFile(join(path, "wal"), "");
  const rows = createBatch(400_000);
  rows.length = 400_000;
  let refused = 0;
  for (let i = 0; refused === 0 && i < 20; i++) {
    for (let row = 0; row < rows.length; row++) {
      rows.timestamps[row] = START_MS + i * 1e6 + row;
      rows.values[row] = Math.random();
    }
    store.append(rows);
    refused = store.stats().counters.samples_refused;
  }
  expect(refused).toBeGreaterThan(0);
  const answers = await Promise.allSettled([store.flush(), store.flush()]);
  expect(answers.map((answer) => (answer.status === "rejected" ? (answer.reason as { code: string }).code : ""))).toEqual([
    "storage_write_failed",
    "storage_write_failed",
  ]);

  await rm(join(path, "wal"));
  await rename(join(path, "wal.away"), join(path, "wal"));
  await ctx.advance(5000);
  // The disk takes all again; whose samples were refused nobody knows, so nobody is acknowledged.
  for (let i = 0; i < 2; i++) await expect(store.flush()).rejects.toMatchObject({ code: "storage_write_failed" });
  await ctx.advance(5000);
  store.append(batchOf([[0, START_MS + 1e9, 1]]));
  await store.flush();
  expect(store.gaps(0, 2 ** 49)).toEqual([{ fromMs: START_MS, toMs: START_MS + 10_000, reason: "storage could not write" }]);
});
