import { boundText, type Labels, type MetricInfo, type Reception, type SeriesId, seriesKey } from "all-use-agent/sdk";
import { type LeBuckets, leBuckets } from "./exponential.ts";
import {
  type Attributes,
  CUMULATIVE,
  DELTA,
  type ExponentialPoint,
  type HistogramPoint,
  type Metric,
  NO_RECORDED_VALUE,
  type NumberPoint,
  type Part,
  type Scope,
  type SummaryPoint,
} from "./model.ts";
import { addLabels, metricWords } from "./names.ts";
import { newStream, type Stream, type Streams } from "./streams.ts";

/** A stream that began this shortly before its first point gets a zero at its start, so that no increase is missed. */
const ZERO_WITHIN_MS = 5 * 60_000;
const TARGET_INFO: MetricInfo = { type: "gauge", help: "Target metadata." };

export interface TranslationOptions {
  readonly scopeLabels: boolean;
  readonly promoted: readonly string[];
  /** Most buckets to a power of two, as a power of two. */
  readonly exponentialScale: number;
}

interface Named {
  readonly name: string;
  readonly labels: Labels;
  readonly info: MetricInfo;
}

/** Makes samples of the parts of one request. Points that cannot be kept are counted, with the reason in the reception. */
export class Translation {
  points = 0;
  rejected = 0;
  private readonly reception: Reception;
  private readonly streams: Streams;
  private readonly options: TranslationOptions;
  private readonly nowMs: number;
  private resource: Attributes = [];
  private resourceLabels: Record<string, string> = {};
  private scopeLabels: Record<string, string> = {};
  private newestMs = 0;

  constructor(reception: Reception, streams: Streams, options: TranslationOptions, nowMs: number) {
    this.reception = reception;
    this.streams = streams;
    this.options = options;
    this.nowMs = nowMs;
  }

  take(part: Part): void {
    if (part.part === "resource") this.beginResource(part.attributes);
    else if (part.part === "scope") this.beginScope(part.scope);
    else if (part.part === "metric") this.metric(part.metric);
    else this.targetInfo();
  }

  private beginResource(attributes: Attributes): void {
    this.resource = attributes;
    this.newestMs = 0;
    const of = (key: string): string => attributes.find(([name]) => name === key)?.[1] ?? "";
    const [namespace, service, instance] = [of("service.namespace"), of("service.name"), of("service.instance.id")];
    this.resourceLabels = {};
    if (service !== "") this.resourceLabels["job"] = namespace === "" ? service : `${namespace}/${service}`;
    if (instance !== "") this.resourceLabels["instance"] = instance;
    addLabels(
      this.resourceLabels,
      attributes.filter(([key]) => this.options.promoted.includes(key)),
    );
  }

  private beginScope({ name, version, attributes }: Scope): void {
    this.scopeLabels = {};
    if (!this.options.scopeLabels) return;
    if (name !== "") this.scopeLabels["otel_scope_name"] = name;
    if (version !== "") this.scopeLabels["otel_scope_version"] = version;
    addLabels(this.scopeLabels, attributes, "otel_scope_");
  }

  /** What a resource says of itself beside job and instance, by which it is found. */
  private targetInfo(): void {
    const { job, instance } = this.resourceLabels;
    if ((job === undefined && instance === undefined) || this.newestMs === 0) return;
    const labels: Record<string, string> = { ...(job !== undefined && { job }), ...(instance !== undefined && { instance }) };
    const identifying = ["service.namespace", "service.name", "service.instance.id"];
    const others = this.resource.filter(([key]) => !identifying.includes(key));
    if (others.length === 0) return;
    addLabels(labels, others);
    const id = this.reception.series("target_info", labels, TARGET_INFO);
    if (id >= 0) this.reception.add(id, this.newestMs, 1);
  }

  private metric(metric: Metric): void {
    const { data } = metric;
    if (data === null) return;
    this.points += data.points.length;
    if ((data.kind === "sum" || data.kind === "histogram" || data.kind === "exponential") && !isTemporality(data.temporality))
      return this.reject(
        data.points.length,
        `${metric.name} has the aggregation temporality ${data.temporality}; 1 is delta, 2 cumulative`,
      );
    const { name, unit, type } = metricWords(metric);
    const info: MetricInfo = { type, help: metric.description, ...(unit !== "" && { unit }) };
    const named = (attributes: Attributes): Named => ({ name, labels: this.labelsOf(attributes), info });
    if (data.kind === "gauge") for (const point of data.points) this.gauge(named(point.attributes), point);
    else if (data.kind === "sum")
      for (const point of data.points) this.sum(named(point.attributes), point, data.temporality, data.monotonic);
    else if (data.kind === "histogram")
      for (const point of data.points) this.histogram(named(point.attributes), point, data.temporality);
    else if (data.kind === "exponential")
      for (const point of data.points) this.exponential(named(point.attributes), point, data.temporality);
    else for (const point of data.points) this.summary(named(point.attributes), point);
  }

  private labelsOf(attributes: Attributes): Labels {
    const labels: Record<string, string> = { ...this.resourceLabels };
    addLabels(labels, attributes);
    addLabels(labels, Object.entries(this.scopeLabels));
    return labels;
  }

  private gauge(of: Named, point: NumberPoint): void {
    const id = this.reception.series(of.name, of.labels, of.info);
    if (id < 0) return this.reject(1);
    const timeMs = this.timeOf(point.timeMs);
    if ((point.flags & NO_RECORDED_VALUE) !== 0) this.reception.stale(id, timeMs);
    else this.reception.add(id, timeMs, point.value);
  }

  private sum(of: Named, point: NumberPoint, temporality: number, monotonic: boolean): void {
    const stream = this.streams.of(seriesKey(of.name, of.labels), () => {
      const id = this.reception.series(of.name, of.labels, of.info);
      return id < 0 ? null : newStream(id, id);
    });
    if (stream === null) return this.reject(1);
    const timeMs = this.timeOf(point.timeMs);
    if ((point.flags & NO_RECORDED_VALUE) !== 0) return this.reception.stale(stream.id, timeMs);
    const order = this.order(of, stream, timeMs, temporality);
    if (order === "late") return;
    if (monotonic && temporality === CUMULATIVE) this.zeroes(stream, point.startMs, timeMs);
    if (temporality !== DELTA) stream.value = point.value;
    else if (order === "new") stream.value += point.value;
    if (timeMs > stream.timeMs) stream.timeMs = timeMs;
    this.reception.add(stream.id, timeMs, temporality === DELTA ? stream.value : point.value);
  }

  private histogram(of: Named, point: HistogramPoint, temporality: number): void {
    const { bounds, bucketCounts } = point;
    const counted = bucketCounts.length > 0;
    if (counted && bucketCounts.length !== bounds.length + 1)
      return this.reject(1, `${of.name} has ${bucketCounts.length} buckets for ${bounds.length} bounds; it must be one more`);
    if (bounds.some((bound, i) => Number.isNaN(bound) || (i > 0 && !(bound > bounds[i - 1]))))
      return this.reject(1, `${of.name} has bounds that do not ascend`);
    const counts: number[] = [];
    let sum = 0;
    if (counted) for (let i = 0; i < bounds.length; i++) counts.push((sum += bucketCounts[i]));
    const given = { bounds: counted ? bounds.filter((bound) => bound !== Infinity) : [], counts };
    this.cumulative(of, point, temporality, (stream, delta) => {
      if (!delta) return given;
      return { bounds: given.bounds, counts: counts.map((count, i) => count + (stream.buckets.get(bounds[i])?.count ?? 0)) };
    });
  }

  private exponential(of: Named, point: ExponentialPoint, temporality: number): void {
    if (!(point.scale >= -11 && point.scale <= 40))
      return this.reject(1, `${of.name} has the scale ${point.scale}; scales lie from -11 to 20`);
    this.cumulative(of, point, temporality, (stream, delta) =>
      leBuckets(point, this.options.exponentialScale, stream.buckets.size > 0 ? stream : null, delta),
    );
  }

  private cumulative(
    of: Named,
    point: HistogramPoint | ExponentialPoint,
    temporality: number,
    bucketsOf: (stream: Stream, delta: boolean) => LeBuckets,
  ): void {
    const { reception } = this;
    const stream = this.streams.of(seriesKey(of.name, of.labels), () => {
      const id = reception.series(`${of.name}_count`, of.labels, of.info);
      const sumId = id < 0 ? id : reception.series(`${of.name}_sum`, of.labels, of.info);
      const infinite = sumId < 0 ? sumId : this.bucket(of, Infinity);
      if (infinite < 0) return null;
      const made = newStream(id, sumId);
      made.buckets.set(Infinity, { id: infinite, count: 0 });
      return made;
    });
    if (stream === null) return this.reject(1);
    const timeMs = this.timeOf(point.timeMs);
    if ((point.flags & NO_RECORDED_VALUE) !== 0) return this.ended(stream, timeMs);
    const delta = temporality === DELTA;
    const order = this.order(of, stream, timeMs, temporality);
    if (order === "late") return;
    if (!delta && point.startMs !== stream.startMs) for (const bucket of stream.buckets.values()) bucket.count = 0;
    const infinite = stream.buckets.get(Infinity)!;
    stream.buckets.delete(Infinity);
    const kept = this.keepBuckets(of, stream, timeMs, order === "again" ? null : bucketsOf(stream, delta));
    stream.buckets.set(Infinity, infinite);
    if (!kept) return this.reject(1);
    if (!delta) this.zeroes(stream, point.startMs, timeMs);
    if (order === "new") {
      stream.count = point.count + (delta ? stream.count : 0);
      stream.value = (point.sum ?? NaN) + (delta ? stream.value : 0);
      infinite.count = stream.count;
    }
    if (timeMs > stream.timeMs) stream.timeMs = timeMs;
    for (const { id, count } of stream.buckets.values()) reception.add(id, timeMs, count);
    reception.add(stream.id, timeMs, stream.count);
    // A sum of values that may be negative is left out by who measures them.
    if (!Number.isNaN(stream.value)) reception.add(stream.sumId, timeMs, stream.value);
  }

  /** False where a bucket's series is refused. Bounds that are no longer given end. */
  private keepBuckets(of: Named, stream: Stream, timeMs: number, buckets: LeBuckets | null): boolean {
    if (buckets === null) return true;
    for (const bound of buckets.bounds) {
      if (stream.buckets.has(bound)) continue;
      const id = this.bucket(of, bound);
      if (id < 0) return false;
      stream.buckets.set(bound, { id, count: 0 });
    }
    buckets.bounds.forEach((bound, i) => (stream.buckets.get(bound)!.count = buckets.counts[i]));
    if (stream.buckets.size === buckets.bounds.length) return true;
    for (const [bound, { id }] of stream.buckets) {
      if (buckets.bounds.includes(bound)) continue;
      stream.buckets.delete(bound);
      this.reception.stale(id, timeMs);
    }
    return true;
  }

  private bucket(of: Named, bound: number): SeriesId {
    return this.reception.series(`${of.name}_bucket`, { ...of.labels, le: boundText(bound) }, of.info);
  }

  private summary(of: Named, point: SummaryPoint): void {
    const { reception } = this;
    const id = reception.series(`${of.name}_count`, of.labels, of.info);
    const sumId = reception.series(`${of.name}_sum`, of.labels, of.info);
    const quantiles = point.quantiles.map(([quantile]) =>
      reception.series(of.name, { ...of.labels, quantile: String(quantile) }, of.info),
    );
    if ([id, sumId, ...quantiles].some((one) => one < 0)) return this.reject(1);
    const timeMs = this.timeOf(point.timeMs);
    if ((point.flags & NO_RECORDED_VALUE) !== 0) {
      for (const one of [id, sumId, ...quantiles]) reception.stale(one, timeMs);
      return;
    }
    reception.add(id, timeMs, point.count);
    reception.add(sumId, timeMs, point.sum);
    quantiles.forEach((one, i) => reception.add(one, timeMs, point.quantiles[i][1]));
  }

  /** Ends all series of a histogram. */
  private ended(stream: Stream, timeMs: number): void {
    for (const { id } of stream.buckets.values()) this.reception.stale(id, timeMs);
    this.reception.stale(stream.id, timeMs);
    this.reception.stale(stream.sumId, timeMs);
  }

  /**
   * Where a delta stands: adding up needs each once and in order. One of the newest point's time is that point sent again: its
   * answer was lost, or it was not safe.
   */
  private order(of: Named, stream: Stream, timeMs: number, temporality: number): "new" | "again" | "late" {
    if (temporality !== DELTA || timeMs > stream.timeMs) return "new";
    if (timeMs === stream.timeMs) return "again";
    this.reject(1, `a delta of ${of.name} is older than one that was counted already`);
    return "late";
  }

  /** Where a cumulative stream began anew, its zero: a value that has outgrown the old one already would hide the reset. */
  private zeroes(stream: Stream, startMs: number, timeMs: number): void {
    if (startMs === stream.startMs) return;
    stream.startMs = startMs;
    if (!(startMs > stream.timeMs && startMs < timeMs && timeMs - startMs <= ZERO_WITHIN_MS && startMs > 0)) return;
    this.reception.add(stream.id, startMs, 0);
    if (stream.sumId !== stream.id) this.reception.add(stream.sumId, startMs, 0);
    for (const { id } of stream.buckets.values()) this.reception.add(id, startMs, 0);
  }

  private timeOf(timeMs: number): number {
    const known = timeMs === 0 ? this.nowMs : timeMs;
    if (known > this.newestMs) this.newestMs = known;
    return known;
  }

  private reject(points: number, reason?: string): void {
    this.rejected += points;
    if (reason !== undefined) this.reception.refuse(0, reason);
  }
}

function isTemporality(temporality: number): boolean {
  return temporality === DELTA || temporality === CUMULATIVE;
}
