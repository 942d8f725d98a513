/** What the SDK's metric types put into the store, asked by PromQL: the types are right when the answers are. */
import {
  type BucketRows,
  BucketSeries,
  boundText,
  bucketBound,
  bucketIndex,
  CounterTotal,
  cumulativeBuckets,
  ExponentialHistogram,
} from "all-use-agent/sdk";
import { seededRandom } from "all-use-agent/sdk/testing";
import { describe, expect, it } from "vitest";
import { QueryEngine, STALE_NAN } from "../../main/query/index.ts";
import { MemorySource } from "../support/memory-source.ts";

const START_MS = Date.UTC(2026, 0, 5, 12);

/** Keeps rows as a series store does: by series and time. */
class Rows implements BucketRows {
  readonly bySeries = new Map<number, Map<number, number>>();

  sample(bound: number, timestampMs: number, count: number): void {
    let series = this.bySeries.get(bound);
    series ??= this.bySeries.set(bound, new Map()).get(bound)!;
    series.set(timestampMs, count);
  }

  ended(bound: number, timestampMs: number): void {
    this.sample(bound, timestampMs, STALE_NAN);
  }

  engine(): QueryEngine {
    const source = new MemorySource();
    for (const [bound, samples] of this.bySeries) {
      const times = [...samples.keys()].sort((a, b) => a - b);
      const values = new Float64Array(times.length);
      times.forEach((time, i) => (values[i] = samples.get(time)!));
      source.add("demo_seconds_bucket", { le: boundText(bound) }, times, values);
    }
    return new QueryEngine(() => source);
  }
}

async function valueOf(engine: QueryEngine, expr: string, timeMs: number): Promise<number> {
  const result = await engine.instant(expr, timeMs);
  if (result.type !== "vector" || result.rows.length !== 1) throw new Error(`${expr} has no single value`);
  return result.rows[0].value;
}

describe("an exponential histogram's le series", () => {
  interface Course {
    readonly stepMs: number;
    readonly ticks: number;
    readonly maxBuckets: number;
    /** Observations at a tick. */
    readonly at: (tick: number, random: () => number) => number[];
  }

  async function check(
    { stepMs, ticks, maxBuckets, at }: Course,
    windowsMs: readonly number[],
    quantiles: readonly number[],
    slack: number,
  ): Promise<void> {
    const random = seededRandom(7);
    const rows = new Rows();
    const series = new BucketSeries();
    const histogram = new ExponentialHistogram({ maxBuckets });
    const observed: { timeMs: number; value: number }[] = [];
    const scales: number[] = [];
    for (let tick = 1; tick <= ticks; tick++) {
      const timeMs = START_MS + tick * stepMs;
      for (const value of at(tick, random)) {
        histogram.observe(value);
        observed.push({ timeMs, value });
      }
      scales.push(histogram.scale);
      series.update(cumulativeBuckets(histogram.buckets()), timeMs, START_MS, rows);
    }
    expect(Math.min(...scales)).toBeLessThan(scales[0]);
    const engine = rows.engine();
    for (const windowMs of windowsMs)
      for (let tick = Math.ceil(windowMs / stepMs); tick <= ticks; tick += 7) {
        const timeMs = START_MS + tick * stepMs;
        const inside = observed
          .filter((one) => one.timeMs > timeMs - windowMs && one.timeMs <= timeMs)
          .map(({ value }) => value)
          .sort((a, b) => a - b);
        // The coarsest scale of the window is what its buckets are at in the end.
        const scale = scales[tick - 1];
        for (const q of quantiles) {
          const answer = await valueOf(
            engine,
            `histogram_quantile(${q}, increase(demo_seconds_bucket[${windowMs}ms] anchored))`,
            timeMs,
          );
          const near = (share: number): number =>
            inside[Math.min(inside.length - 1, Math.max(0, Math.ceil(share * inside.length) - 1))];
          const low = bucketBound(scale, bucketIndex(scale, near(q - slack)));
          const high = bucketBound(scale, bucketIndex(scale, near(q + slack)) + 1);
          expect(answer, `q ${q}, window ${windowMs}, tick ${tick}: in ${low}..${high}`).toBeGreaterThanOrEqual(low * 0.999999);
          expect(answer, `q ${q}, window ${windowMs}, tick ${tick}: in ${low}..${high}`).toBeLessThanOrEqual(high * 1.000001);
        }
      }
  }

  it("gives quantiles of a moving distribution within their buckets, although bounds appear and the scale shrinks", async () => {
    await check(
      {
        stepMs: 15_000,
        ticks: 120,
        maxBuckets: 40,
        // Ten milliseconds for a quarter of an hour, then a second, then both; an outlier now and then.
        at: (tick, random) => {
          const centre = tick < 60 ? 0.01 : tick < 90 || random() < 0.5 ? 1 : 0.01;
          const values = Array.from({ length: 40 }, () => centre * 2 ** (random() * 2 - 1));
          return tick % 50 === 0 ? [...values, 300] : values;
        },
      },
      [60_000, 300_000],
      [0.1, 0.5, 0.9, 0.99],
      0.001,
    );
  });

  it("gives them at one reading a second, too", async () => {
    await check(
      {
        stepMs: 1000,
        ticks: 700,
        maxBuckets: 40,
        at: (tick, random) => Array.from({ length: 5 }, () => (tick < 450 ? 0.02 : 2) * 2 ** (random() * 2 - 1)),
      },
      // Four minutes of readings are kept of so many bounds.
      [30_000, 200_000],
      [0.1, 0.5, 0.9, 0.99],
      0.001,
    );
  });

  it("tells what was counted before the first reading as an increase", async () => {
    const rows = new Rows();
    const histogram = new ExponentialHistogram({ scale: 0 });
    const series = new BucketSeries();
    for (let tick = 1; tick <= 4; tick++) {
      histogram.observe(3, 10);
      series.update(cumulativeBuckets(histogram.buckets()), START_MS + tick * 15_000, START_MS, rows);
    }
    const engine = rows.engine();
    expect(await valueOf(engine, 'increase(demo_seconds_bucket{le="+Inf"}[1m] anchored)', START_MS + 60_000)).toBe(40);
    expect(await valueOf(engine, 'increase(demo_seconds_bucket{le="2"}[1m])', START_MS + 60_000)).toBe(0);
  });

  it("goes on over a reset, and a bound that the coarser scale has not is gone at once", async () => {
    const rows = new Rows();
    const series = new BucketSeries();
    const give = (tick: number, histogram: ExponentialHistogram): void =>
      series.update(cumulativeBuckets(histogram.buckets()), START_MS + tick * 15_000, null, rows);
    const histogram = new ExponentialHistogram({ scale: 1 });
    for (let tick = 0; tick < 5; tick++) {
      histogram.observe(3, 10);
      give(tick, histogram);
    }
    const again = new ExponentialHistogram({ scale: 0 });
    for (let tick = 5; tick < 10; tick++) {
      again.observe(3, 10);
      give(tick, again);
    }
    const engine = rows.engine();
    const nowMs = START_MS + 9 * 15_000;
    expect(await valueOf(engine, 'resets(demo_seconds_bucket{le="4"}[10m])', nowMs)).toBe(1);
    expect(await valueOf(engine, "count(demo_seconds_bucket)", nowMs)).toBe(3);
    expect(await valueOf(engine, 'increase(demo_seconds_bucket{le="4"}[135s] anchored)', nowMs)).toBe(90);
    expect(await valueOf(engine, "histogram_quantile(0.5, increase(demo_seconds_bucket[2m]))", nowMs)).toBeGreaterThan(2);
  });
});

describe("a counter's total", () => {
  it("rises as PromQL's increase says of the readings, over resets", async () => {
    const random = seededRandom(3);
    const readings: number[] = [];
    const totals: number[] = [];
    const total = new CounterTotal();
    let value = 40;
    for (let i = 0; i < 200; i++) {
      value = random() < 0.05 ? Math.floor(random() * 5) : value + Math.floor(random() * 100);
      readings.push(value);
      totals.push(total.read(value));
    }
    const times = readings.map((_, i) => START_MS + i * 15_000);
    const source = new MemorySource();
    source.add("raw_total", {}, times, readings);
    source.add("own_total", {}, times, totals);
    const engine = new QueryEngine(() => source);
    for (let i = 30; i < 200; i += 17) {
      for (const expr of ["increase(NAME[5m] anchored)", "irate(NAME[5m])"])
        expect(await valueOf(engine, expr.replace("NAME", "raw_total"), times[i])).toBeCloseTo(
          await valueOf(engine, expr.replace("NAME", "own_total"), times[i]),
          9,
        );
      // The first sample of a reset lies near zero, where `rate` does not look further back; the middle is the same.
      expect(await valueOf(engine, "increase(own_total[5m] anchored)", times[i])).toBe(totals[i] - totals[i - 20]);
    }
    const span = `${199 * 15}s`;
    expect(await valueOf(engine, `resets(raw_total[${span}] anchored)`, times[199])).toBe(total.resets);
    expect(await valueOf(engine, `resets(own_total[${span}] anchored)`, times[199])).toBe(0);
  });
});
