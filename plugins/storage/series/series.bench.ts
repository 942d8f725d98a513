/** What storing costs, against a file of JSON lines, and what the recorded sets weigh. `npm run bench`. */
import { existsSync } from "node:fs";
import { mkdtemp, open, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Batch, createBatch } from "all-use-agent/sdk";
import { expect, test } from "vitest";
import { Engine } from "./engine.ts";
import { runJob } from "./seal-job.ts";

const SERIES = 900;
const TICKS = 20;
const shared = join(import.meta.dirname, "../../../../shared/bench/peers");
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

async function engineOn(path: string): Promise<Engine> {
  const host = { clock: { now: () => Date.now(), monotonic: () => performance.now() }, log: quiet, status() {} };
  const engine = new Engine(
    { path, retentionMs: 1e12, maxDiskBytes: 2 ** 31, blockMs: 600_000, acceptAnyAge: true, fsync: "none" },
    host,
  );
  await engine.open();
  return engine;
}

async function newEngine(): Promise<{ engine: Engine; path: string }> {
  const path = await mkdtemp(join(tmpdir(), "alluse-bench-"));
  return { engine: await engineOn(path), path };
}

test("append with the log written, against JSON lines", async ({ bench }) => {
  let { engine, path } = await newEngine();
  const labels = Array.from({ length: SERIES }, (_, id) => ({ device: `disk${id}`, mode: "idle" }));
  const prepare = async (): Promise<void> => {
    await engine.close();
    await rm(path, { recursive: true });
    ({ engine, path } = await newEngine());
    for (let id = 0; id < SERIES; id++) engine.define(id, { name: "bench", labels: labels[id], type: "gauge", help: "" });
  };
  await prepare();
  const batch = createBatch(SERIES);
  batch.length = SERIES;
  for (let id = 0; id < SERIES; id++) batch.series[id] = id;
  let now = 1.7e12;
  const fill = (): void => {
    batch.timestamps.fill((now += 1000));
    for (let id = 0; id < SERIES; id++) batch.values[id] = id % 3 ? id : now / 1000 + id;
  };
  const ours = await bench("this store", async () => {
    if (engine.stats().counters.head_samples > 2_000_000) await prepare();
    for (let t = 0; t < TICKS; t++) {
      fill();
      engine.append(batch);
    }
    await engine.flush();
  }).run();
  const file = await open(join(path, "lines"), "a");
  const lines = await bench("JSON lines", async () => {
    for (let t = 0; t < TICKS; t++) {
      fill();
      let text = "";
      for (let id = 0; id < SERIES; id++)
        text += `${JSON.stringify({ metric: "bench", ...labels[id], t: batch.timestamps[id], v: batch.values[id] })}\n`;
      await file.write(text);
    }
  }).run();
  await file.close();
  await engine.close();
  await rm(path, { recursive: true });
  const perSecond = (rate: number): string => `${((rate * SERIES * TICKS) / 1e6).toFixed(2)} M samples/s`;
  console.log(
    `store ${perSecond(ours.throughput.mean)} · JSON lines ${perSecond(lines.throughput.mean)} · ${(ours.throughput.mean / lines.throughput.mean).toFixed(0)} times`,
  );
  expect(ours.throughput.mean).toBeGreaterThan(3 * lines.throughput.mean);
});

interface RecordedSeries {
  id: number;
  name: string;
  labels: Record<string, string>;
  kind: "gauge" | "counter";
  values: Float64Array;
}

interface Recorded {
  samples: number;
  from: number;
  to: number;
  series: RecordedSeries[];
}

/** Most bytes a sample, index included, that a change may lead to. */
const recordedSets = { host: 0.33, exporter: 0.395 };

for (const [set, mostBytes] of Object.entries(recordedSets)) {
  test.skipIf(!existsSync(shared))(`the recorded set ${set}`, { timeout: 120_000 }, async () => {
    const { load, byTick } = (await import(join(shared, "lib/dataset.mjs"))) as {
      load: (file: string) => Recorded;
      byTick: (recorded: Recorded) => { ts: number; s: RecordedSeries[]; v: number[] }[];
    };
    const recorded = load(join(shared, `data/${set}.rhd.gz`));
    const { engine, path } = await newEngine();
    for (const { id, name, labels, kind } of recorded.series) engine.define(id, { name, labels, type: kind, help: "" });
    const batches: Batch[] = byTick(recorded).map(({ ts, s, v }) => ({
      length: s.length,
      series: Uint32Array.from(s, ({ id }) => id),
      timestamps: new Float64Array(s.length).fill(ts),
      values: Float64Array.from(v),
    }));
    const appendStart = performance.now();
    let written: Promise<void> = Promise.resolve();
    for (let i = 0; i < batches.length; i++) {
      engine.append(batches[i]);
      if (i % 10 !== 9) continue;
      await written;
      written = engine.flush();
    }
    await engine.flush();
    const appendMs = performance.now() - appendStart;
    const wal = join(path, "wal", (await readdir(join(path, "wal")))[0]);
    const cpuBefore = process.cpuUsage();
    await runJob({ kind: "seal", segments: [{ path: wal, segment: 1, samples: recorded.samples }] });
    const cpu = process.cpuUsage(cpuBefore);
    await engine.seal();
    const [block] = await readdir(join(path, "blocks"));
    const { size } = await stat(join(path, "blocks", block));
    await engine.close();
    const again = await engineOn(path);
    const selectStart = performance.now();
    const found = await again.select({
      matchers: [{ label: "__name__", op: "!=", value: "" }],
      fromMs: recorded.from,
      toMs: recorded.to,
    });
    const selectMs = performance.now() - selectStart;
    await again.close();
    await rm(path, { recursive: true });
    const samples = found.reduce((sum, { values }) => sum + values.length, 0);
    expect(samples).toBe(recorded.samples);
    console.log(
      `${set}: ${(size / samples).toFixed(3)} bytes a sample · append ${(samples / appendMs / 1e3).toFixed(1)} M samples/s · ` +
        `seal ${((cpu.user + cpu.system) / samples).toFixed(2)} CPU s per M · select everything ${((selectMs * 1e6) / samples).toFixed(0)} ns a sample`,
    );
    expect(size / samples).toBeLessThan(mostBytes);
  });
}
