/** OTLP's metrics as both encodings give them: times in Unix milliseconds, attributes as text. */

/** Key and value; a key may come twice. */
export type Attributes = readonly (readonly [string, string])[];

export interface Scope {
  readonly name: string;
  readonly version: string;
  readonly attributes: Attributes;
}

/** The flag that says that a series has ended. */
export const NO_RECORDED_VALUE = 1;

interface AnyPoint {
  readonly attributes: Attributes;
  /** 0: not known. */
  readonly startMs: number;
  readonly timeMs: number;
  readonly flags: number;
}

export interface NumberPoint extends AnyPoint {
  readonly value: number;
}

export interface HistogramPoint extends AnyPoint {
  readonly count: number;
  readonly sum: number | undefined;
  /** One more than bounds, or none at all. */
  readonly bucketCounts: readonly number[];
  readonly bounds: readonly number[];
}

export interface Buckets {
  readonly offset: number;
  readonly counts: readonly number[];
}

export interface ExponentialPoint extends AnyPoint {
  readonly count: number;
  readonly sum: number | undefined;
  readonly scale: number;
  readonly zeroCount: number;
  readonly zeroThreshold: number;
  readonly positive: Buckets;
  readonly negative: Buckets;
}

export interface SummaryPoint extends AnyPoint {
  readonly count: number;
  readonly sum: number;
  /** Quantile in 0..1 and its value. */
  readonly quantiles: readonly (readonly [number, number])[];
}

/** `AggregationTemporality`. */
export const DELTA = 1;
export const CUMULATIVE = 2;

export type Data =
  | { readonly kind: "gauge"; readonly points: readonly NumberPoint[] }
  | { readonly kind: "sum"; readonly points: readonly NumberPoint[]; readonly temporality: number; readonly monotonic: boolean }
  | { readonly kind: "histogram"; readonly points: readonly HistogramPoint[]; readonly temporality: number }
  | { readonly kind: "exponential"; readonly points: readonly ExponentialPoint[]; readonly temporality: number }
  | { readonly kind: "summary"; readonly points: readonly SummaryPoint[] };

export interface Metric {
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  /** null: no data, or of a kind that came after this was written. */
  readonly data: Data | null;
}

/** What a request holds, in its order: a resource, its scopes, their metrics, and the resource's end. */
export type Part =
  | { readonly part: "resource"; readonly attributes: Attributes }
  | { readonly part: "scope"; readonly scope: Scope }
  | { readonly part: "metric"; readonly metric: Metric }
  | { readonly part: "end" };

/** More buckets than any histogram has; what has more is no histogram but a way to fill memory. */
export const BUCKETS_MAX = 10_000;
/** Values of attributes within values. */
export const DEPTH_MAX = 16;
