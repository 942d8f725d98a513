import type { AggregateNode } from "./ast.ts";
import { countValues, limitRatio, pickFirst, pickRanked, quantileGroups } from "./aggregate_pick.ts";
import type { Evaluation } from "./evaluate.ts";
import { type Groups, groupRows } from "./groups.ts";
import type { Grid, Scalar, Text, Value, Vector } from "./value.ts";

/** Totals of the groups, cell by cell: cell `group * steps + step`. */
interface Cells {
  readonly values: Float64Array;
  readonly counts: Float64Array;
  /** Second column of those that need one: what rounding lost, or the mean. */
  readonly extra: Float64Array;
  /** Of averages: cells whose sum would overflow and that go on as a running mean. */
  running: Uint8Array | null;
}

type Fold = (cells: Cells, cell: number, value: number) => void;

const foldSum: Fold = ({ values, extra, counts }, cell, value) => {
  counts[cell]++;
  const sum = values[cell];
  const next = sum + value;
  if (next === Number.POSITIVE_INFINITY || next === Number.NEGATIVE_INFINITY) extra[cell] = 0;
  else if (Math.abs(sum) >= Math.abs(value)) extra[cell] += sum - next + value;
  else extra[cell] += value - next + sum;
  values[cell] = next;
};

const foldAverage: Fold = (cells, cell, value) => {
  const { values, extra, counts } = cells;
  const count = ++counts[cell];
  const mean = values[cell];
  if (cells.running === null || cells.running[cell] === 0) {
    const next = mean + value;
    if (next !== Number.POSITIVE_INFINITY && next !== Number.NEGATIVE_INFINITY) {
      extra[cell] += Math.abs(mean) >= Math.abs(value) ? mean - next + value : value - next + mean;
      values[cell] = next;
      return;
    }
    cells.running ??= new Uint8Array(values.length);
    cells.running[cell] = 1;
    if (count > 1) {
      values[cell] /= count - 1;
      extra[cell] /= count - 1;
    }
  }
  foldMean(cells, cell, value, count);
};

function foldMean({ values, extra }: Cells, cell: number, value: number, count: number): void {
  const mean = values[cell];
  if (mean === Number.POSITIVE_INFINITY || mean === Number.NEGATIVE_INFINITY) {
    if (value === mean) return;
    if (value !== Number.POSITIVE_INFINITY && value !== Number.NEGATIVE_INFINITY && value === value) return;
  }
  const share = (count - 1) / count;
  const kept = share * mean;
  const part = value / count;
  const next = kept + part;
  const lost = extra[cell] * share;
  if (next === Number.POSITIVE_INFINITY || next === Number.NEGATIVE_INFINITY) extra[cell] = 0;
  else extra[cell] = lost + (Math.abs(kept) >= Math.abs(part) ? kept - next + part : part - next + kept);
  values[cell] = next;
}

const foldMin: Fold = ({ values, counts }, cell, value) => {
  const best = values[cell];
  if (counts[cell]++ === 0 || value < best || best !== best) values[cell] = value;
};

const foldMax: Fold = ({ values, counts }, cell, value) => {
  const best = values[cell];
  if (counts[cell]++ === 0 || value > best || best !== best) values[cell] = value;
};

const foldCount: Fold = ({ counts }, cell) => {
  counts[cell]++;
};

/** Welford: `extra` is the mean, `values` the sum of squared deviations. */
const foldVariance: Fold = ({ values, extra, counts }, cell, value) => {
  const count = ++counts[cell];
  const delta = value - extra[cell];
  extra[cell] += delta / count;
  values[cell] += delta * (value - extra[cell]);
};

const FOLDS: Readonly<Record<string, { fold: Fold; finish: (cells: Cells, cell: number) => number }>> = {
  sum: { fold: foldSum, finish: ({ values, extra }, cell) => values[cell] + extra[cell] },
  avg: {
    fold: foldAverage,
    finish: ({ values, extra, counts, running }, cell) => {
      if (running !== null && running[cell] === 1) return values[cell] + extra[cell];
      return values[cell] / counts[cell] + extra[cell] / counts[cell];
    },
  },
  min: { fold: foldMin, finish: ({ values }, cell) => values[cell] },
  max: { fold: foldMax, finish: ({ values }, cell) => values[cell] },
  count: { fold: foldCount, finish: ({ counts }, cell) => counts[cell] },
  group: { fold: foldCount, finish: () => 1 },
  stdvar: { fold: foldVariance, finish: ({ values, counts }, cell) => values[cell] / counts[cell] },
  stddev: { fold: foldVariance, finish: ({ values, counts }, cell) => Math.sqrt(values[cell] / counts[cell]) },
};

export async function aggregate(
  run: Evaluation,
  node: AggregateNode,
  param: Value | null,
  vector: Vector,
  grid: Grid,
): Promise<Vector> {
  switch (node.op) {
    case "topk":
    case "bottomk":
      return pickRanked(run, node, (param as Scalar).values, vector);
    case "limitk":
      return pickFirst(run, node, (param as Scalar).values, vector);
    case "limit_ratio":
      return limitRatio(run, node, (param as Scalar).values, vector);
    case "quantile":
      return quantileGroups(run, node, (param as Scalar).values, vector);
    case "count_values":
      return countValues(run, node, (param as Text).text, vector);
    default:
  }
  const { fold, finish } = FOLDS[node.op];
  const groups = groupRows(node, vector.sets);
  const { steps } = grid;
  const size = groups.sets.length * steps;
  run.budget.reserve(size);
  const cells: Cells = {
    values: new Float64Array(size),
    counts: new Float64Array(size),
    extra: new Float64Array(size),
    running: null,
  };
  const { values, present, sets } = vector;
  for (let r = 0; r < sets.length; r++) {
    const from = r * steps;
    const base = groups.of[r] * steps;
    for (let i = 0; i < steps; i++) {
      if (present === null || present[from + i] === 1) fold(cells, base + i, values[from + i]);
    }
    if (run.budget.spend(steps * 5)) await run.budget.pause();
  }
  return finished(groups, steps, cells, finish);
}

function finished(groups: Groups, steps: number, cells: Cells, finish: (cells: Cells, cell: number) => number): Vector {
  const { values, counts } = cells;
  let present: Uint8Array | null = null;
  for (let cell = 0; cell < values.length; cell++) {
    if (counts[cell] === 0) {
      present ??= new Uint8Array(values.length).fill(1);
      present[cell] = 0;
    } else {
      values[cell] = finish(cells, cell);
    }
  }
  return { kind: "vector", sets: groups.sets, steps, values, present };
}
