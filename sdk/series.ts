/** A metric's labels without its name. Keys match `[a-zA-Z_][a-zA-Z0-9_]*`; values are any text. */
export type Labels = Readonly<Record<string, string>>;

export type MetricType = "gauge" | "counter" | "histogram" | "summary" | "event" | "state";

/** What a plugin's manifest, or a sender, says of one metric name. `unit` is the field's base unit: seconds, bytes, ratio, percent… */
export interface MetricInfo {
  readonly type: MetricType;
  readonly unit?: string;
  readonly help: string;
}

/** A series: one metric name with one label set. Identity is name and labels; the rest describes it. */
export interface SeriesInfo extends MetricInfo {
  readonly name: string;
  readonly labels: Labels;
  /** The plugin that registered it first, `collectors/host`; of the agent's own series there is none. */
  readonly owner?: string;
}

/** A series' number while the agent runs: small, dense, never reused in one run, different after a restart. */
export type SeriesId = number;

/**
 * Samples as columns: row i is (series[i], timestamps[i], values[i]) for i < length; the arrays may be longer.
 * Timestamps are Unix milliseconds (integers). A batch belongs to whoever emitted it and is valid only during the call
 * that hands it over: copy what you keep, and change it only if your manifest says `mutates`.
 */
export interface Batch {
  length: number;
  readonly series: Uint32Array;
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
  /**
   * Somebody else gave the times: rows may be old, late or out of order on purpose, as of an import or a receiver. They are kept
   * as long as storage takes their age; rows older than what was seen are not shown to analytics.
   */
  backdated?: boolean;
}

/** A batch with room for `capacity` rows, filled by the caller and reused tick after tick. */
export function createBatch(capacity: number): Batch {
  return {
    length: 0,
    series: new Uint32Array(capacity),
    timestamps: new Float64Array(capacity),
    values: new Float64Array(capacity),
  };
}

/** `target` if it holds `length` rows, else a larger batch with the same rows: grow by doubling, never per row. */
export function ensureCapacity(target: Batch, length: number): Batch {
  if (target.series.length >= length) return target;
  const grown = createBatch(Math.max(length, target.series.length * 2));
  grown.series.set(target.series);
  grown.timestamps.set(target.timestamps);
  grown.values.set(target.values);
  grown.length = target.length;
  if (target.backdated !== undefined) grown.backdated = target.backdated;
  return grown;
}

export type MatchOperator = "=" | "!=" | "=~" | "!~";

/** A label matcher as in PromQL; the metric name is the label `__name__`. Regular expressions are anchored at both ends. */
export interface Matcher {
  readonly label: string;
  readonly op: MatchOperator;
  readonly value: string;
}

/** The one text form of a series' identity: `name{a="x",b="y"}`, labels sorted, values escaped as in PromQL. */
export function seriesKey(name: string, labels: Labels): string {
  const keys = Object.keys(labels);
  if (keys.length === 0) return name;
  if (keys.length > 1) keys.sort();
  let text = `${name}{`;
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i];
    text += `${i ? "," : ""}${key}=${JSON.stringify(labels[key])}`;
  }
  return `${text}}`;
}
