import { BlockTables } from "./block-tables.ts";
import { decodeHeader, HEADER_BYTES, tableBytes } from "./block-format.ts";
import { type BlockPlace, encodeBlock, type SeriesColumn } from "./block-encode.ts";
import { timesOf } from "./clocks.ts";
import type { IndexedSeries } from "./label-index.ts";
import { compileMatchers, matches } from "./matcher.ts";
import { joined, ordered, type Samples, without, wordsOf } from "./samples.ts";
import { windowOf, windowSize } from "./windows.ts";
import type { Deletion } from "./marks.ts";

/** A head part as plain arrays over shared memory. */
export interface PartSnapshot {
  readonly lists: readonly Uint32Array[];
  readonly arenas: readonly { words: Uint32Array; ids: Uint32Array | null; timestamps: Float64Array | null }[];
  /** Entry by entry: list (-1: loose rows), arena, first row, rows, time of a tick. */
  readonly list: Int32Array;
  readonly arena: Int32Array;
  readonly offset: Uint32Array;
  readonly count: Uint32Array;
  readonly time: Float64Array;
}

export interface SealJob {
  readonly kind: "seal";
  /** Oldest first. */
  readonly parts: readonly PartSnapshot[];
  /** What the numbers in the parts stand for. */
  readonly series: ReadonlyMap<number, IndexedSeries>;
  readonly minSegment: number;
  readonly maxSegment: number;
}

export interface MergeJob {
  readonly kind: "merge";
  /** Whole block files of one window, oldest segments first. */
  readonly sources: readonly Uint8Array[];
  readonly deletions: readonly Deletion[];
  readonly place: BlockPlace;
}

export type Job = SealJob | MergeJob;

/** Whole block files, the last of a seal marked so. A merge may find that everything has been deleted. */
export interface JobResult {
  readonly blocks: readonly Uint8Array[];
}

export function runJob(job: Job): JobResult {
  return { blocks: job.kind === "seal" ? seal(job) : merge(job) };
}

/** Rows into columns, in arrival order. */
function transpose(parts: readonly PartSnapshot[], series: ReadonlyMap<number, IndexedSeries>): { one: IndexedSeries; samples: Samples }[] {
  let most = 0;
  for (const number of series.keys()) most = Math.max(most, number);
  const ends = new Uint32Array(most + 2);
  eachRow(parts, (number) => ends[number + 1]++);
  for (let i = 1; i < ends.length; i++) ends[i] += ends[i - 1];
  const cursor = ends.slice();
  const timestamps = new Float64Array(ends[most + 1]);
  const values = new Float64Array(ends[most + 1]);
  const into = wordsOf(values);
  eachRow(parts, (number, time, words, row) => {
    const to = cursor[number]++;
    timestamps[to] = time;
    into[2 * to] = words[2 * row];
    into[2 * to + 1] = words[2 * row + 1];
  });
  const columns: { one: IndexedSeries; samples: Samples }[] = [];
  for (const [number, one] of series) {
    if (ends[number + 1] === ends[number]) continue;
    const from = ends[number];
    const to = ends[number + 1];
    columns.push({ one, samples: ordered({ timestamps: timestamps.subarray(from, to), values: values.subarray(from, to) }) });
  }
  return columns;
}

function eachRow(parts: readonly PartSnapshot[], visit: (number: number, time: number, words: Uint32Array, row: number) => void): void {
  for (const part of parts) {
    for (let e = 0; e < part.list.length; e++) {
      const { words, ids, timestamps } = part.arenas[part.arena[e]];
      const offset = part.offset[e];
      const count = part.count[e];
      if (part.list[e] >= 0) {
        const list = part.lists[part.list[e]];
        for (let r = 0; r < count; r++) visit(list[r], part.time[e], words, offset + r);
      } else {
        for (let r = offset; r < offset + count; r++) visit((ids as Uint32Array)[r], (timestamps as Float64Array)[r], words, r);
      }
    }
  }
}

function seal(job: SealJob): Uint8Array[] {
  const columns = transpose(job.parts, job.series);
  let minTime = Infinity;
  let maxTime = -Infinity;
  for (const { samples } of columns) {
    minTime = Math.min(minTime, samples.timestamps[0]);
    maxTime = Math.max(maxTime, samples.timestamps[samples.timestamps.length - 1]);
  }
  const size = windowSize(minTime, maxTime);
  const windows = new Map<number, SeriesColumn[]>();
  for (const { one, samples } of columns) {
    const { timestamps, values } = samples;
    for (let from = 0; from < timestamps.length; ) {
      const window = windowOf(timestamps[from], size);
      let to = from + 1;
      while (to < timestamps.length && timestamps[to] < window + size) to++;
      const cutValues = values.subarray(from, to);
      let inWindow = windows.get(window);
      if (!inWindow) windows.set(window, (inWindow = []));
      inWindow.push({ name: one.name, labels: one.labels, type: one.type, timestamps: timestamps.subarray(from, to), values: () => cutValues });
      from = to;
    }
  }
  const starts = [...windows.keys()].sort((a, b) => a - b);
  return starts.map((start, i) => {
    const { minSegment, maxSegment } = job;
    const place = { level: 0, last: i === starts.length - 1, minSegment, maxSegment, windowStart: start, windowEnd: start + size };
    return encodeBlock(windows.get(start) as SeriesColumn[], place, true);
  });
}

/** A block in memory, decoding a stream when it is asked for and keeping the newest few. */
class Source {
  readonly tables: BlockTables;
  private readonly data: Uint8Array;
  private readonly clocks = new Map<number, Float64Array>();
  private readonly times = new Map<number, Float64Array>();
  private readonly streams = new Map<number, Float64Array>();

  constructor(file: Uint8Array) {
    const header = decodeHeader(file);
    const dataStart = HEADER_BYTES + tableBytes(header);
    this.tables = new BlockTables(header, file.subarray(HEADER_BYTES, dataStart));
    this.data = file.subarray(dataStart);
  }

  private clock(clock: number): Float64Array {
    let times = this.clocks.get(clock);
    if (!times) {
      const { start, head } = this.tables.directory.clocks[clock];
      times = this.tables.clock(clock, this.data.subarray(start, start + head.length + head.missLength));
      this.clocks.set(clock, times);
    }
    return times;
  }

  timestamps(column: number): Float64Array {
    const runSet = this.tables.directory.runSetOf[column];
    let times = this.times.get(runSet);
    if (!times) {
      const set = this.tables.directory.runSets[runSet];
      times = timesOf(this.clock(set.clock), set.runs);
      this.times.set(runSet, times);
    }
    return times;
  }

  values(column: number): Float64Array {
    const { stream, from, to } = this.tables.place(column);
    let values = this.streams.get(stream);
    if (!values) {
      const { start, length } = this.tables.directory.streams[stream];
      values = this.tables.stream(stream, this.data.subarray(start, start + length), (clock) => this.clock(clock));
      this.streams.set(stream, values);
      if (this.streams.size > 4) this.streams.delete(this.streams.keys().next().value as number);
    }
    return values.subarray(from, to);
  }
}

/** Damage in a source throws: its block then stays as it is, so that what can be read of it still can. */
function merge(job: MergeJob): Uint8Array[] {
  const sources = job.sources.map((file) => new Source(file));
  const deletions = job.deletions.map((deletion) => ({ ...deletion, matchers: compileMatchers(deletion.matchers) }));
  const bySeries = new Map<string, { one: IndexedSeries; places: { source: Source; column: number }[] }>();
  for (const source of sources) {
    for (let column = 0; column < source.tables.header.series; column++) {
      const one = source.tables.index.series(column);
      const key = source.tables.index.key(column);
      const known = bySeries.get(key);
      if (known) known.places.push({ source, column });
      else bySeries.set(key, { one, places: [{ source, column }] });
    }
  }
  const shared = new Map<string, Float64Array>();
  const columns: SeriesColumn[] = [];
  for (const { one, places } of bySeries.values()) {
    const read = (): Samples =>
      joined(
        places.map(({ source, column }) => {
          const applying = deletions.filter((deletion) => source.tables.header.maxSegment <= deletion.maxSegment && matches(deletion.matchers, one.name, one.labels));
          const samples = { timestamps: source.timestamps(column), values: source.values(column) };
          return applying.length === 0 ? samples : without(samples, (time) => applying.some((deletion) => time >= deletion.fromMs && time <= deletion.toMs));
        }),
      );
    const times = read().timestamps;
    if (times.length === 0) continue;
    // Columns with the same times share them, as the encoder wants; the ends and the length tell most others apart.
    const key = `${times.length} ${times[0]} ${times[times.length - 1]}`;
    const alike = shared.get(key);
    const timestamps = alike && alike.every((time, i) => time === times[i]) ? alike : times;
    if (timestamps === times) shared.set(key, times);
    columns.push({ name: one.name, labels: one.labels, type: one.type, timestamps, values: () => read().values });
  }
  return columns.length === 0 ? [] : [encodeBlock(columns, job.place, true)];
}
