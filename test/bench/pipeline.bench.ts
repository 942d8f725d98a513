import { createBatch } from "all-use-agent/sdk";
import { expect, test } from "vitest";
import { Pipeline, type Stages } from "../../main/flow/pipeline.ts";
import { SeriesRegistry } from "../../main/flow/registry.ts";

const ROWS = 900;

test("the samples' way", async ({ bench }) => {
  const registry = new SeriesRegistry(() => {});
  const batch = createBatch(ROWS);
  for (let i = 0; i < ROWS; i++) {
    batch.series[i] = registry.register("bench_value", { i: String(i) }, { type: "gauge", help: "A value." });
    batch.timestamps[i] = 1000;
  }
  batch.length = ROWS;
  let seen = 0;
  const stage = { take: (taken: { length: number }): void => void (seen += taken.length) };
  const storage = { take: (taken: { length: number }): number => (stage.take(taken), 0) };
  const stages: Stages = { processors: [stage], storage, analytics: [stage], exports: [], away: [] };
  const pipeline = new Pipeline(registry, () => stages);
  const result = await bench("900 samples through one processor, storage and analytics", () => pipeline.emit(batch)).run();
  expect(seen).toBeGreaterThan(ROWS);
  expect(result.throughput.mean).toBeGreaterThan(1000);
});
