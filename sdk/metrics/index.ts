export { type BucketRows, BucketSeries } from "./bucket-series.ts";
export { type Counter, type CounterChild, counter, type CounterOptions } from "./counter.ts";
export { CounterTotal, type CounterTotalOptions } from "./counter-total.ts";
export { event, type EventChild, type EventSeries } from "./event.ts";
export {
  boundText,
  bucketBound,
  bucketIndex,
  countAtBound,
  type CumulativeBuckets,
  cumulativeBuckets,
  downscaleBuckets,
  type ExponentialBuckets,
} from "./exponential-buckets.ts";
export { ExponentialHistogram, type ExponentialHistogramOptions } from "./exponential-histogram.ts";
export type { Child, Family, FamilyOptions } from "./family.ts";
export { gauge, type Gauge, type GaugeChild } from "./gauge.ts";
export { DEFAULT_BUCKETS, type Histogram, histogram, type HistogramChild, type HistogramOptions } from "./histogram.ts";
export { type Instrument, Instruments, instruments } from "./instruments.ts";
export { infoOfText, partOfMetric } from "./metric-parts.ts";
export { QuantileSketch, type QuantileSketchOptions } from "./quantile-sketch.ts";
export { RowWriter, writeStale } from "./row-writer.ts";
export { state, type StateChild, type StateOptions, type StateSet } from "./state.ts";
export { summary, type Summary, type SummaryChild, type SummaryOptions } from "./summary.ts";
