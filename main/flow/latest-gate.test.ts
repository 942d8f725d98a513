import type { Batch } from "all-use-agent/sdk";
import { expect, it } from "vitest";
import { LatestGate } from "./latest-gate.ts";

function batchOf(...rows: [series: number, timeMs: number, value: number][]): Batch {
  return {
    length: rows.length,
    series: Uint32Array.from(rows, ([series]) => series),
    timestamps: Float64Array.from(rows, ([, timeMs]) => timeMs),
    values: Float64Array.from(rows, ([, , value]) => value),
  };
}

it("hands over the newest sample of each series every two seconds, and counts the batches in between", () => {
  let nowMs = 0;
  let leftOut = 0;
  const delivered: number[][] = [];
  const gate = new LatestGate({
    now: () => nowMs,
    deliver: ({ length, series, values }) => void delivered.push([...series.subarray(0, length), ...values.subarray(0, length)]),
    leftOut: (batches) => (leftOut += batches),
  });
  gate.push(batchOf([7, 0, 1], [8, 0, 2]));
  nowMs = 1000;
  gate.push(batchOf([7, 1000, 3]));
  expect(delivered).toEqual([]);
  nowMs = 2000;
  gate.push(batchOf([9, 2000, 4]));
  expect(delivered).toEqual([[7, 8, 9, 3, 2, 4]]);
  expect(leftOut).toBe(2);

  nowMs = 4500;
  gate.push(batchOf([8, 4500, 5]));
  expect(delivered[1]).toEqual([8, 5]);
  expect(leftOut).toBe(2);
});

it("holds one sample a series, however many come", () => {
  const lengths: number[] = [];
  let nowMs = 0;
  const gate = new LatestGate({ now: () => nowMs, deliver: ({ length }) => void lengths.push(length), leftOut: () => {} });
  for (let i = 0; i < 1000; i++) gate.push(batchOf([i % 100, i, i]));
  nowMs = 2000;
  gate.push(batchOf([0, 1, 1]));
  expect(lengths).toEqual([100]);
});
