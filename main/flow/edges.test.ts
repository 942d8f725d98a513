import { type Batch, createBatch } from "all-use-agent/sdk";
import { describe, expect, it } from "vitest";
import { Backlog } from "./backlog.ts";
import type { EdgeBounds } from "./edge.ts";
import { ExportQueue } from "./export-queue.ts";
import { WaitingBatches } from "./waiting-batches.ts";

function batchOf(value: number, ...series: number[]): Batch {
  const batch = createBatch(series.length);
  batch.series.set(series);
  batch.timestamps.fill(value * 1000);
  batch.values.fill(value);
  batch.length = series.length;
  return batch;
}

const bounds = (policy: EdgeBounds["policy"], rows = 4, bytes = 1e6): EdgeBounds => ({ policy, rows, bytes });

describe("what waits at an edge", () => {
  it("is the newest, by drop_oldest, within both bounds", () => {
    const byRows = new WaitingBatches(bounds("drop_oldest"), () => 0);
    for (let i = 0; i < 5; i++) byRows.push(batchOf(i, 1, 2));
    expect([byRows.rows, byRows.dropped, byRows.first()?.values[0]]).toEqual([4, 6, 3]);
    const byBytes = new WaitingBatches(bounds("drop_oldest", 1e6, 1000), () => 0);
    for (let i = 0; i < 5; i++) byBytes.push(batchOf(i, 1, 2));
    expect([byBytes.rows, byBytes.dropped]).toEqual([4, 6]);
    expect(byBytes.bytes).toBeLessThanOrEqual(1000);
    byRows.push(batchOf(9, 1, 2, 3, 4, 5));
    expect([byRows.rows, byRows.dropped]).toEqual([0, 15]);
  });

  it("is one sample a series, by latest, behind the one at the door", () => {
    const waiting = new WaitingBatches(bounds("latest"), () => 0);
    waiting.push(batchOf(0, 1, 2));
    const first = waiting.first()!;
    for (let i = 1; i < 100; i++) waiting.push(batchOf(i, 1, 2, 3));
    expect(waiting.rows).toBe(5);
    waiting.done(first);
    const next = waiting.first()!;
    expect([...next.values.subarray(0, next.length)]).toEqual([99, 99, 99]);
    expect(waiting.dropped).toBe(98 * 3);
    waiting.done(next);
    expect([waiting.rows, waiting.bytes, waiting.first()]).toEqual([0, 0, null]);
  });

  it("is the oldest, by block: what is new is refused, and that is said for a while", () => {
    let nowMs = 0;
    const waiting = new WaitingBatches(bounds("block"), () => nowMs);
    for (let i = 0; i < 3; i++) waiting.push(batchOf(i, 1, 2));
    expect([waiting.rows, waiting.dropped, waiting.first()?.values[0], waiting.refusing]).toEqual([4, 2, 0, true]);
    nowMs = 10_000;
    expect(waiting.refusing).toBe(false);
  });
});

it("an exporter's edge goes on with what fits when the receiver is there again", async () => {
  let answer: () => void = () => {};
  const sent: number[] = [];
  const queue = new ExportQueue(
    {
      send: (batch) => {
        sent.push(batch.values[0]);
        return new Promise((resolve) => (answer = resolve));
      },
      signal: new AbortController().signal,
      call: (task) => task(),
      after: () => {},
      warn: () => {},
    },
    bounds("latest"),
  );
  for (let i = 0; i < 5; i++) queue.push(batchOf(i, 1));
  answer();
  await new Promise((resolve) => setImmediate(resolve));
  expect(sent).toEqual([0, 4]);
});

it("a backlog hands every batch over in a later turn, more slowly to whoever is over its budget", () => {
  const turns: { delayMs: number; task: () => void }[] = [];
  const seen: number[] = [];
  let slowed = false;
  const backlog = new Backlog({
    bounds: bounds("drop_oldest"),
    deliver: ({ values }) => void seen.push(values[0]),
    slowed: () => slowed,
    after: (delayMs, task) => void turns.push({ delayMs, task }),
    elapsed: () => 0,
  });
  for (let i = 0; i < 5; i++) backlog.push(batchOf(i, 1));
  expect(seen).toEqual([]);
  slowed = true;
  const delays: number[] = [];
  for (let turn = turns.shift(); turn; turn = turns.shift()) {
    delays.push(turn.delayMs);
    turn.task();
  }
  expect(seen).toEqual([1, 2, 3, 4]);
  expect(delays).toEqual([0, 250, 250, 250]);
  expect(backlog.waiting.dropped).toBe(1);
});
