import { AgentError, type Labels, type MetricInfo, type SeriesId, type SeriesInfo, seriesKey } from "all-use-agent/sdk";

/** Beyond this a plugin is making series up; each costs some 500 bytes. */
const SERIES_MAX = 200_000;

/**
 * The numbers of all series and the newest sample of each, in columns. Numbers are given in order and not reused.
 * `onDefine` is told of every new series before anyone can emit a sample of it.
 */
export class SeriesRegistry {
  private readonly ids = new Map<string, SeriesId>();
  private readonly infos: SeriesInfo[] = [];
  private readonly described = new Map<string, MetricInfo>();
  private readonly onDefine: (id: SeriesId, info: SeriesInfo) => void;
  private newestMs = new Float64Array(1024);
  private newestValue = new Float64Array(1024);

  constructor(onDefine: (id: SeriesId, info: SeriesInfo) => void) {
    this.onDefine = onDefine;
  }

  get size(): number {
    return this.infos.length;
  }

  /** The same number for the same name and labels; who came first is its owner. Throws `series_limit`. */
  register(name: string, labels: Labels, metric: MetricInfo, owner?: string): SeriesId {
    const key = seriesKey(name, labels);
    const known = this.ids.get(key);
    if (known !== undefined) {
      if (this.infos[known].help === "" && metric.help !== "") this.describe(known, metric);
      return known;
    }
    const id = this.infos.length;
    if (id >= SERIES_MAX)
      throw new AgentError("series_limit", `${key} would be series number ${SERIES_MAX + 1}; the limit is ${SERIES_MAX}`, {
        where: name,
      });
    const info = infoOf(name, Object.freeze({ ...labels }), metric, owner);
    this.infos.push(info);
    if (!this.described.has(name)) this.described.set(name, metric);
    this.ids.set(key, id);
    if (id >= this.newestMs.length) this.grow();
    this.onDefine(id, info);
    return id;
  }

  /** Somebody says what a series is of which nobody did when it was registered. */
  private describe(id: SeriesId, metric: MetricInfo): void {
    const { name, labels, owner } = this.infos[id];
    this.infos[id] = infoOf(name, labels, metric, owner);
    if (this.described.get(name)?.help === "") this.described.set(name, metric);
  }

  /** What every metric is that somebody registered a series of, as the first said. */
  get metrics(): ReadonlyMap<string, MetricInfo> {
    return this.described;
  }

  /** The number of a series that someone registered, or undefined. */
  find(name: string, labels: Labels): SeriesId | undefined {
    return this.ids.get(seriesKey(name, labels));
  }

  /** The newest value of a series not older than `oldestMs`, or null. */
  newest(id: SeriesId, oldestMs: number): number | null {
    return this.newestMs[id] >= oldestMs && this.newestMs[id] > 0 ? this.newestValue[id] : null;
  }

  info(id: SeriesId): SeriesInfo {
    const info = this.infos[id];
    if (!info) throw new AgentError("series_unknown", `no series has the number ${id}; get one from ctx.series()`);
    return info;
  }

  /** Whether the sample is not older than what is known of its series. */
  note(id: SeriesId, timestampMs: number, value: number): boolean {
    if (timestampMs < this.newestMs[id]) return false;
    this.newestMs[id] = timestampMs;
    this.newestValue[id] = value;
    return true;
  }

  /** Visits all series registered so far: a store that comes up later learns what there is. */
  each(visit: (id: SeriesId, info: SeriesInfo) => void): void {
    for (let id = 0; id < this.infos.length; id++) visit(id, this.infos[id]);
  }

  latest(oldestMs: number, visit: (info: SeriesInfo, value: number, timestampMs: number) => void): void {
    for (let id = 0; id < this.infos.length; id++) {
      if (this.newestMs[id] >= oldestMs && this.newestMs[id] > 0) visit(this.infos[id], this.newestValue[id], this.newestMs[id]);
    }
  }

  private grow(): void {
    const ms = new Float64Array(this.newestMs.length * 2);
    const value = new Float64Array(this.newestMs.length * 2);
    ms.set(this.newestMs);
    value.set(this.newestValue);
    this.newestMs = ms;
    this.newestValue = value;
  }
}

function infoOf(name: string, labels: Labels, { type, help, unit }: MetricInfo, owner: string | undefined): SeriesInfo {
  return Object.freeze({
    name,
    labels,
    type,
    help,
    ...(unit === undefined ? {} : { unit }),
    ...(owner === undefined ? {} : { owner }),
  });
}
