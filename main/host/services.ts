import type {
  Batch,
  Disposable,
  Documents,
  Finding,
  MetricInfo,
  Notice,
  QueryRow,
  SeriesData,
  SeriesId,
  SeriesInfo,
  Topics,
} from "all-use-agent/sdk";

/** What the other rooms give to plugins through the host; the composition root fills it in. */
export interface HostServices {
  registerSeries(name: string, labels: SeriesInfo["labels"], metric: MetricInfo, owner?: string): SeriesId;
  seriesInfo(id: SeriesId): SeriesInfo;
  /** Returns how many rows storage refused for their time. */
  emit(batch: Batch): number;
  flush(): Promise<void>;
  /** The metrics that an expression reads; null stands for a selector that names none. Throws `query_*`. */
  queriedMetrics(expr: string): (string | null)[];
  query(expr: string, timeMs: number): Promise<QueryRow[]>;
  queryRange(expr: string, fromMs: number, toMs: number, stepMs: number): Promise<SeriesData[]>;
  latest(maxAgeMs: number, visit: (info: SeriesInfo, value: number, timestampMs: number) => void): void;
  publish(source: string, finding: Finding): void;
  on<T extends keyof Topics>(topic: T, listener: (event: Topics[T]) => void): Disposable;
  readonly documents: Documents;
  /** Tells the operator. */
  notify?(source: string, notice: Notice): void;
}
