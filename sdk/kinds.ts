import type { PluginContext } from "./context.ts";
import type { Finding, Forecast, Recommendation } from "./knowledge.ts";
import type { Batch, Labels, Matcher, SeriesId, SeriesInfo } from "./series.ts";

/** A series' samples in ascending time, both columns of equal length. Owned by the receiver. */
export interface SeriesData {
  readonly name: string;
  readonly labels: Labels;
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
}

/** An HTTP request that the door passes on to the plugin whose manifest names its route. */
export interface RouteRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  header(name: string): string | undefined;
  /**
   * The body within the door's size limit; decompressed, unless its `Content-Encoding` is one that the manifest's route names.
   */
  body(): Promise<Uint8Array>;
}

export interface RouteResponse {
  readonly status: number;
  /** Null with an empty body. */
  readonly contentType: string | null;
  readonly body: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What every plugin may have. `stop` is legal in any state, and twice. */
export interface PluginLifecycle {
  start?(signal: AbortSignal): void | Promise<void>;
  stop?(): void | Promise<void>;
  /** The state worth keeping over a restart. Called now and then and before stop; must be quick. */
  snapshot?(): Uint8Array | Promise<Uint8Array>;
  /** Called before `start` with the last snapshot. Throwing means "start empty": the host logs it and goes on. */
  restore?(snapshot: Uint8Array): void;
  /** Answers the routes that the manifest names. */
  handle?(request: RouteRequest, signal: AbortSignal): RouteResponse | Promise<RouteResponse>;
}

export interface Collector extends PluginLifecycle {
  /** Reads and emits once. Called at every multiple of `interval_ms` of the configuration, never twice at a time. */
  collect?(signal: AbortSignal): void | Promise<void>;
}

export interface Processor extends PluginLifecycle {
  /**
   * Changes the batch in place (manifest: `mutates`) or only looks at it. Shortening it drops samples; it is never made
   * longer. Installed, it sees the series that `metrics:read` grants; what it takes too long for goes on unprocessed.
   */
  process(batch: Batch): void;
}

export interface SelectRequest {
  /** All must match. At least one does not match the empty text. */
  readonly matchers: readonly Matcher[];
  /** Inclusive, Unix ms. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Only each series' newest sample within the range is wanted. */
  readonly lastOnly?: boolean;
  /** Throw `query_limit_samples` rather than return more than this many samples in all. */
  readonly limitSamples?: number;
  readonly signal?: AbortSignal;
}

export interface StorageStats {
  readonly series: number;
  readonly samples: number;
  readonly diskBytes: number;
  readonly oldestMs: number | null;
  readonly newestMs: number | null;
  readonly counters: Readonly<Record<string, number>>;
}

/** A time series store. Exactly one serves at a time: the manifest's `provides` says `series`. */
export interface SeriesStorage extends PluginLifecycle {
  /** Tells what a number stands for, once, before its first sample. */
  define(id: SeriesId, info: SeriesInfo): void;
  /**
   * Takes samples into memory and towards the log. Copies what it keeps; never blocks. Of two samples of a series at one time the
   * later one counts. Returns how many rows it refused for their time; nothing means none.
   */
  append(batch: Batch): number | void;
  /** Resolves when everything appended before the call survives the process being killed; rejects when it cannot be. */
  flush(): Promise<void>;
  /** Samples as they are at the time of the call: later appends do not show. Series in no particular order. */
  select(request: SelectRequest): Promise<SeriesData[]>;
  /** Label sets of series with a sample in the range. No matchers means all. */
  series(matchers: readonly Matcher[], fromMs: number, toMs: number): Promise<{ name: string; labels: Labels }[]>;
  /** Says that samples are missing between two times, and why. */
  gap(fromMs: number, toMs: number, reason: string): void;
  gaps(fromMs: number, toMs: number): { fromMs: number; toMs: number; reason: string }[];
  /** Moves all of memory into blocks now. */
  seal(): Promise<void>;
  /** Forgets matching samples in the range for good. Returns the number of series touched. */
  deleteSeries(matchers: readonly Matcher[], fromMs: number, toMs: number): Promise<number>;
  stats(): StorageStats;
}

export type DocumentFilter = Readonly<Record<string, unknown>>;

export interface DocumentQuery {
  readonly filter?: DocumentFilter;
  /** Field → 1 ascending, -1 descending. */
  readonly sort?: Readonly<Record<string, 1 | -1>>;
  readonly limit?: number;
  readonly skip?: number;
}

/** Documents by id in one bounded collection. A document is plain JSON with a text `_id`. */
export interface DocumentCollection<T extends { _id: string } = { _id: string } & Record<string, unknown>> {
  get(id: string): Promise<T | null>;
  find(query?: DocumentQuery): Promise<T[]>;
  count(filter?: DocumentFilter): Promise<number>;
  /** Inserts or replaces the whole document. */
  put(document: T): Promise<void>;
  remove(filter: DocumentFilter): Promise<number>;
}

export interface CollectionOptions {
  /** The oldest beyond this many (by `orderBy`) are removed. */
  readonly maxDocuments: number;
  /** The field that says which is oldest. */
  readonly orderBy: string;
}

export interface Documents {
  collection<T extends { _id: string }>(name: string, options: CollectionOptions): DocumentCollection<T>;
}

/** A document store: the manifest's `provides` says `documents`. */
export interface DocumentStorage extends PluginLifecycle, Documents {}

export interface Analytics extends PluginLifecycle {
  /** Sees every batch after the processors; publishes findings through the context. */
  observe(batch: Batch): void;
}

/** One series to learn from. */
export interface ForecastDataset {
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
}

export interface ModelCard {
  readonly model: string;
  readonly trainedMs: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly samples: number;
  readonly parameters: Readonly<Record<string, number | string>>;
  /** Backtested figures, for example mean absolute error against the naive forecast's. */
  readonly metrics: Readonly<Record<string, number>>;
}

export interface FittedForecast {
  readonly card: ModelCard;
  /** `count` steps of `stepMs` after the newest sample, within low..high with probability `level` (0..1). */
  predict(stepMs: number, count: number, level: number): Forecast | Promise<Forecast>;
}

export interface Model extends PluginLifecycle {
  readonly task: "forecast";
  /** Throws `model_not_enough_data` when the data cannot support an answer. */
  fit(dataset: ForecastDataset, signal: AbortSignal): FittedForecast | Promise<FittedForecast>;
}

/** What a recommender looks at: frozen views of now. */
export interface AdviceView {
  readonly nowMs: number;
  /** Findings that are open or ended within the last hour, newest first. */
  readonly findings: readonly Finding[];
  query(expr: string, timeMs?: number): Promise<{ labels: Labels; value: number; timestampMs: number }[]>;
  queryRange(expr: string, fromMs: number, toMs: number, stepMs: number): Promise<SeriesData[]>;
  /** Forecast of one series by the live forecast model, or null with too little data. */
  forecast(
    data: ForecastDataset,
    stepMs: number,
    count: number,
    level: number,
  ): Promise<{ forecast: Forecast; card: ModelCard } | null>;
}

export interface Recommender extends PluginLifecycle {
  advise(view: AdviceView, signal: AbortSignal): Recommendation[] | Promise<Recommendation[]>;
}

export interface Exporter extends PluginLifecycle {
  /** Sends a batch away; throws RetryableError or PermanentError. Absent in exporters that only answer a route. */
  send?(batch: Batch, signal: AbortSignal): Promise<void>;
}

export interface PluginKinds {
  collector: Collector;
  processor: Processor;
  storage: SeriesStorage | DocumentStorage;
  analytics: Analytics;
  model: Model;
  recommender: Recommender;
  exporter: Exporter;
}

export type PluginKind = keyof PluginKinds;

export type PluginFactory<K extends PluginKind = PluginKind, C = Record<string, unknown>> = (
  ctx: PluginContext,
  config: C,
) => PluginKinds[K];

/**
 * What a plugin's module may export as `migrate` beside its factory: the operator's values as an earlier version of the
 * plugin knew them, in the words of this one. `fromVersion` is the manifest's `configVersion` that they were written for.
 * Only what the operator set is there, without defaults and without secrets, which stay at their pointers. Called again for
 * each named instance. What it returns is checked like any configuration; throwing leaves everything as it was.
 */
export type ConfigMigration = (
  config: Record<string, unknown>,
  fromVersion: number,
) => Record<string, unknown> | Promise<Record<string, unknown>>;

/** Names a plugin's default export so that its type is checked. Returns it unchanged. */
export function definePlugin<K extends PluginKind, C = Record<string, unknown>>(
  _kind: K,
  factory: PluginFactory<K, C>,
): PluginFactory<K, C> {
  return factory;
}
