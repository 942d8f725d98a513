import { bucketFraction, bucketQuantile, makeBuckets, type Buckets } from "../buckets.ts";
import { executionError } from "../errors.ts";
import type { LabelSet } from "../labels.ts";
import { formatFloat } from "../number.ts";
import { compact, emptyVector, joinEqual, type Vector } from "../value.ts";
import { checkLabelName } from "./labels.ts";
import { warnQuantile } from "./over_time.ts";
import { argument, type Call, type FunctionSpec } from "./spec.ts";

/** A classic histogram: its rows in the vector by ascending upper bound. */
interface Histogram {
  readonly set: LabelSet;
  readonly rows: number[];
  readonly bounds: number[];
}

/** The rows of the vector as histograms: those that differ in `le` only belong together. */
function histogramsOf(call: Call, vector: Vector, at: number): Histogram[] {
  const groups = new Map<string, Histogram>();
  vector.sets.forEach((set, row) => {
    const le = set.get("le");
    const bound = readBound(le);
    if (bound === null) {
      const value = JSON.stringify(le);
      call.run.notes.warn(
        `bucket label "le" is missing or has a malformed value of ${value} for metric name ${JSON.stringify(set.name)}`,
        argument(call, at).from,
      );
      return;
    }
    const key = `${set.name}\xfe${set.signatureWithout(["le"])}`;
    let group = groups.get(key);
    if (group === undefined) groups.set(key, (group = { set: set.drop(["le"]), rows: [], bounds: [] }));
    const place = group.bounds.findIndex((other) => other > bound);
    group.bounds.splice(place < 0 ? group.bounds.length : place, 0, bound);
    group.rows.splice(place < 0 ? group.rows.length : place, 0, row);
  });
  return [...groups.values()];
}

/** As Go reads a float. */
function readBound(text: string): number | null {
  if (/^[+-]?inf(inity)?$/i.test(text)) return text[0] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (/^nan$/i.test(text)) return Number.NaN;
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : null;
}

/** One row a histogram: `compute` on the buckets that are there at each step. */
async function perHistogram(
  call: Call,
  vector: Vector,
  at: number,
  compute: (buckets: Buckets, step: number, set: LabelSet) => number,
): Promise<Vector> {
  const histograms = histogramsOf(call, vector, at);
  const { steps, values, present } = vector;
  const results = new Float64Array(histograms.length * steps);
  const written = new Uint8Array(histograms.length * steps);
  for (let h = 0; h < histograms.length; h++) {
    const { rows, bounds, set } = histograms[h];
    const buckets = makeBuckets(rows.length);
    for (let i = 0; i < steps; i++) {
      let length = 0;
      for (let b = 0; b < rows.length; b++) {
        const k = rows[b] * steps + i;
        if (present !== null && present[k] === 0) continue;
        if (length > 0 && buckets.bounds[length - 1] === bounds[b]) {
          buckets.counts[length - 1] += values[k];
        } else {
          buckets.bounds[length] = bounds[b]!;
          buckets.counts[length++] = values[k]!;
        }
      }
      if (length === 0) continue;
      buckets.length = length;
      results[h * steps + i] = compute(buckets, i, set);
      written[h * steps + i] = 1;
      if (call.run.budget.spend(50 + rows.length * 10)) await call.run.budget.pause();
    }
  }
  return compact({ kind: "vector", sets: histograms.map(({ set }) => set), steps, values: results, present: written });
}

function quantileComputer(
  call: Call,
  quantiles: Float64Array,
  at: number,
): (buckets: Buckets, step: number, set: LabelSet) => number {
  return (buckets, step, set) => {
    const result = bucketQuantile(quantiles[step], buckets);
    if (buckets.forcedMonotonic) {
      call.run.notes.info(
        "input to histogram_quantile needed to be fixed for monotonicity (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile) " +
          `for metric name ${JSON.stringify(set.name)}`,
        argument(call, at).from,
      );
    }
    return result;
  };
}

async function histogramQuantile(call: Call): Promise<Vector> {
  const quantiles = await call.run.scalar(argument(call, 0), call.grid);
  const vector = await call.run.vector(argument(call, 1), call.grid);
  warnQuantile(call.run.notes, quantiles, argument(call, 0).from);
  return call.run.dropNames(await perHistogram(call, vector, 1, quantileComputer(call, quantiles, 1)));
}

async function histogramQuantiles(call: Call): Promise<Vector> {
  const vector = await call.run.vector(argument(call, 0), call.grid);
  const label = await call.run.text(argument(call, 1), call.grid);
  checkLabelName(label, "label name in histogram_quantiles()");
  const parts: Vector[] = [];
  for (let i = 2; i < call.node.args.length; i++) {
    const quantiles = await call.run.scalar(argument(call, i), call.grid);
    warnQuantile(call.run.notes, quantiles, argument(call, i).from);
    const text = formatFloat(quantiles[0] ?? Number.NaN);
    const part = await perHistogram(call, vector, 0, quantileComputer(call, quantiles, 0));
    parts.push({
      ...part,
      sets: part.sets.map((set) => {
        if (set.get(label) !== "")
          throw executionError(`label ${JSON.stringify(label)} of histogram_quantiles() is already on the series ${set.text()}`);
        return set.with(label, text);
      }),
    });
  }
  return call.run.dropNames(joinEqual(stack(parts, call.grid.steps)));
}

function stack(parts: readonly Vector[], steps: number): Vector {
  const sets = parts.flatMap((part) => part.sets);
  const values = new Float64Array(sets.length * steps);
  const present = new Uint8Array(sets.length * steps).fill(1);
  let at = 0;
  for (const part of parts) {
    values.set(part.values, at);
    if (part.present !== null) present.set(part.present, at);
    at += part.values.length;
  }
  return { kind: "vector", sets, steps, values, present };
}

async function histogramFraction(call: Call): Promise<Vector> {
  const lower = await call.run.scalar(argument(call, 0), call.grid);
  const upper = await call.run.scalar(argument(call, 1), call.grid);
  const vector = await call.run.vector(argument(call, 2), call.grid);
  return call.run.dropNames(
    await perHistogram(call, vector, 2, (buckets, step) => bucketFraction(lower[step], upper[step], buckets)),
  );
}

/** Functions of native histograms, which are not stored here: floats are passed over, so nothing comes out. */
function nativeOnly(name: string): FunctionSpec {
  return {
    name,
    args: ["vector"],
    variadic: 0,
    returns: "vector",
    async evaluate(call) {
      await call.run.vector(argument(call, 0), call.grid);
      return emptyVector(call.grid.steps);
    },
  };
}

export const histogramFunctions: readonly FunctionSpec[] = [
  { name: "histogram_quantile", args: ["scalar", "vector"], variadic: 0, returns: "vector", evaluate: histogramQuantile },
  {
    name: "histogram_quantiles",
    args: ["vector", "string", "scalar", "scalar"],
    variadic: 9,
    returns: "vector",
    evaluate: histogramQuantiles,
  },
  {
    name: "histogram_fraction",
    args: ["scalar", "scalar", "vector"],
    variadic: 0,
    returns: "vector",
    evaluate: histogramFraction,
  },
  ...["histogram_avg", "histogram_count", "histogram_sum", "histogram_stddev", "histogram_stdvar"].map(nativeOnly),
];
