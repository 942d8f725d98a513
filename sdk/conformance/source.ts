import type { Batch, SeriesId, SeriesInfo } from "../series.ts";
import { createBatch } from "../series.ts";
import { seededRandom, type TestContext } from "../testing.ts";

const GAUGES = 8;
const COUNTERS = 8;

/** Somebody else's samples, the same for the same seed: gauges that wander and counters that grow. */
export class SampleSource {
  readonly series: readonly SeriesId[];
  readonly infos: readonly SeriesInfo[];
  /** Every batch is a new one, so that what was kept of an earlier one stays as it was left. */
  fresh = false;
  private batch: Batch;
  private readonly levels: Float64Array;
  private readonly random: () => number;

  constructor(ctx: TestContext, seed: number) {
    this.infos = Array.from({ length: GAUGES + COUNTERS }, (_, i) =>
      i < GAUGES
        ? { name: "kit_level", labels: { n: String(i) }, type: "gauge" as const, help: "A level that wanders." }
        : { name: "kit_events_total", labels: { n: String(i) }, type: "counter" as const, help: "Events so far." },
    );
    this.series = this.infos.map((info) => ctx.foreignSeries(info));
    this.batch = createBatch(this.series.length);
    this.levels = new Float64Array(this.series.length).fill(50);
    this.random = seededRandom(seed);
  }

  /** The next row of every series. The batch is the same object every time, as an emitter's is, unless `fresh`. */
  next(nowMs: number): Batch {
    if (this.fresh) this.batch = createBatch(this.series.length);
    const { batch, levels } = this;
    for (let row = 0; row < levels.length; row++) {
      const step = this.random();
      levels[row] += row < GAUGES ? step - 0.5 : Math.floor(step * 10);
      batch.series[row] = this.series[row];
      batch.timestamps[row] = nowMs;
      batch.values[row] = levels[row];
    }
    batch.length = levels.length;
    return batch;
  }

  /** Many rows at once, a millisecond apart. */
  huge(nowMs: number, rows: number): Batch {
    const batch = createBatch(rows);
    for (let row = 0; row < rows; row++) {
      batch.series[row] = this.series[row % this.series.length];
      batch.timestamps[row] = nowMs - rows + row;
      batch.values[row] = row;
    }
    batch.length = rows;
    return batch;
  }
}

/** Makes nonsense of a batch that its emitter refills. */
export function scribble(batch: Batch): void {
  batch.series.fill(0);
  batch.timestamps.fill(1);
  batch.values.fill(-12345);
  batch.length = 0;
}
