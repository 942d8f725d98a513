import { executionError } from "./errors.ts";
import type { LabelSet } from "./labels.ts";

/** The instants at which an expression is evaluated: `startMs + i * stepMs` for i < steps. */
export interface Grid {
  readonly startMs: number;
  readonly stepMs: number;
  readonly steps: number;
}

/**
 * An instant vector at every step, as one block: row r is `sets[r]` with its points from `r * steps` on. `present` says
 * which points exist; null means all do. Blocks are never changed once handed on, so that they can be shared.
 */
export interface Vector {
  readonly kind: "vector";
  readonly sets: readonly LabelSet[];
  readonly steps: number;
  readonly values: Float64Array;
  readonly present: Uint8Array | null;
}

/** One number a step. */
export interface Scalar {
  readonly kind: "scalar";
  readonly values: Float64Array;
}

export interface Text {
  readonly kind: "string";
  readonly text: string;
}

/** A series' samples in ascending time, staleness markers removed. */
export interface Column {
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
}

/** Range vectors: whole columns, cut into windows by whoever reads them. */
export interface Matrix {
  readonly kind: "matrix";
  readonly sets: readonly LabelSet[];
  readonly columns: readonly Column[];
  /** Length of the window. */
  readonly rangeMs: number;
  /** Taken from the time of the step, or of `@`, to get the end of the window. */
  readonly offsetMs: number;
  /** The window's place when it does not move with the steps. */
  readonly atMs: number | null;
}

export type Value = Vector | Scalar | Text | Matrix;

export function emptyVector(steps: number): Vector {
  return { kind: "vector", sets: [], steps, values: new Float64Array(0), present: null };
}

/** Without rows that have no point. */
export function compact(vector: Vector): Vector {
  const { present, steps, sets } = vector;
  if (present === null) return vector;
  const kept: number[] = [];
  for (let r = 0; r < sets.length; r++) {
    const from = r * steps;
    for (let k = from; k < from + steps; k++) {
      if (present[k] === 1) {
        kept.push(r);
        break;
      }
    }
  }
  return kept.length === sets.length ? vector : pickRows(vector, kept);
}

export function pickRows(vector: Vector, rows: readonly number[]): Vector {
  const { present, steps, sets, values } = vector;
  const picked = new Float64Array(rows.length * steps);
  const pickedPresent = present === null ? null : new Uint8Array(rows.length * steps);
  for (let i = 0; i < rows.length; i++) {
    const from = rows[i] * steps;
    picked.set(values.subarray(from, from + steps), i * steps);
    pickedPresent?.set(present!.subarray(from, from + steps), i * steps);
  }
  return { kind: "vector", sets: rows.map((r) => sets[r]), steps, values: picked, present: pickedPresent };
}

/** Without the metric names. Rows that become equal and never meet in time are joined. Throws `query_execution`. */
export function dropNames(vector: Vector): Vector {
  const { sets } = vector;
  const count = sets.length;
  if (count === 0) return vector;
  const first = sets[0].name;
  // Equal names and no metadata: what was distinct stays distinct.
  let distinct = true;
  const nameless: LabelSet[] = Array.from({ length: count });
  for (let r = 0; r < count; r++) {
    const set = sets[r];
    if (set.name !== first || set.metadata()) distinct = false;
    nameless[r] = set.withoutName();
  }
  const dropped: Vector = { ...vector, sets: nameless };
  return distinct ? dropped : joinEqual(dropped);
}

const SAME_LABELSET = "vector cannot contain metrics with the same labelset";

/** Without the names that were to go at the end. Throws `query_execution`. */
export function dropLeavingNames(vector: Vector): Vector {
  if (!vector.sets.some((set) => set.leaving)) return vector;
  return joinEqual({ ...vector, sets: vector.sets.map((set) => (set.leaving ? set.withoutName() : set)) });
}

/** Joins rows with equal labels. Throws `query_execution` with `message` where two of them have a point at the same step. */
export function joinEqual(vector: Vector, message = SAME_LABELSET): Vector {
  const { sets, steps } = vector;
  if (sets.length < 2) return vector;
  const rows = new Map<string, number>();
  let joined: { values: Float64Array; present: Uint8Array } | null = null;
  const kept: number[] = [];
  for (let r = 0; r < sets.length; r++) {
    const key = sets[r].key();
    const first = rows.get(key);
    if (first === undefined) {
      rows.set(key, r);
      kept.push(r);
      continue;
    }
    joined ??= {
      values: vector.values.slice(),
      present: vector.present?.slice() ?? new Uint8Array(vector.values.length).fill(1),
    };
    const { values, present } = joined;
    for (let i = 0, a = first * steps, b = r * steps; i < steps; i++, a++, b++) {
      if (present[b] === 0) continue;
      if (present[a] === 1) throw executionError(message);
      present[a] = 1;
      values[a] = values[b]!;
    }
  }
  return joined === null ? vector : pickRows({ ...vector, ...joined }, kept);
}
