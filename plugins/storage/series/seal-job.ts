import { readFile } from "node:fs/promises";
import { type BlockPlace, encodeBlock, type SeriesColumn } from "./block-encode.ts";
import { decodeHeader, HEADER_BYTES, tableBytes } from "./block-format.ts";
import { BlockTables } from "./block-tables.ts";
import { timesOf } from "./clocks.ts";
import type { HeadPart } from "./head-part.ts";
import type { IndexedSeries } from "./label-index.ts";
import type { Deletion } from "./marks.ts";
import { compileMatchers, matches } from "./matcher.ts";
import { replaySegment } from "./replay.ts";
import { joined, ordered, type Samples, without, wordsOf } from "./samples.ts";
import { textKey } from "./series-key.ts";
import { windowOf, windowSize } from "./windows.ts";

/** Makes blocks of log segments. They are read from the disk, so that memory need not be sent to another process. */
export interface SealJob {
  readonly kind: "seal";
  /** Oldest first, each with the number of samples that memory knows of it. */
  readonly segments: readonly { readonly path: string; readonly segment: number; readonly samples: number }[];
}

export interface MergeJob {
  readonly kind: "merge";
  /** Block files of one window, oldest segments first. */
  readonly sources: readonly string[];
  readonly deletions: readonly Deletion[];
  readonly place: BlockPlace;
}

export type Job = SealJob | MergeJob;

/**
 * Whole block files, the last of a seal marked so. A merge may find that everything has been deleted. Throws when a segment
 * does not hold what memory does, or when a source is damaged.
 */
export async function runJob(job: Job): Promise<Uint8Array[]> {
  if (job.kind === "merge") return merge(job, await Promise.all(job.sources.map((path) => readFile(path))));
  const series: IndexedSeries[] = [];
  const numbers = new Map<string, number>();
  const intern = (one: IndexedSeries): number => {
    const key = textKey(one.name, one.labels);
    let number = numbers.get(key);
    if (number === undefined) {
      number = series.push(one) - 1;
      numbers.set(key, number);
    }
    return number;
  };
  const parts: HeadPart[] = [];
  for (const { path, segment, samples } of job.segments) {
    const { part } = await replaySegment(path, segment, intern);
    if (part.samples !== samples)
      throw new Error(`log segment ${segment} holds ${part.samples} samples on the disk and ${samples} in memory`);
    parts.push(part);
  }
  return sealParts(parts, series.keys(), (number) => series[number]);
}

/** Rows into columns, in arrival order. */
function transpose(parts: readonly HeadPart[], numbers: Iterable<number>): Map<number, Samples> {
  let most = 0;
  eachRow(parts, (number) => {
    if (number > most) most = number;
  });
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
  const columns = new Map<number, Samples>();
  for (const number of numbers) {
    if (number > most || ends[number + 1] === ends[number]) continue;
    const from = ends[number];
    const to = ends[number + 1];
    columns.set(number, ordered({ timestamps: timestamps.subarray(from, to), values: values.subarray(from, to) }));
  }
  return columns;
}

function eachRow(
  parts: readonly HeadPart[],
  visit: (number: number, time: number, words: Uint32Array, row: number) => void,
): void {
  for (const part of parts) {
    for (const { list, arena, offset, count, minTime } of part.entries) {
      const { words, ids, timestamps } = arena;
      if (list !== null) for (let r = 0; r < count; r++) visit(list.ids[r], minTime, words, offset + r);
      else
        for (let r = offset; r < offset + count; r++) visit((ids as Uint32Array)[r], (timestamps as Float64Array)[r], words, r);
    }
  }
}

/** Blocks of head parts, oldest first, one a window of time. `numbers`: all series that may occur. */
export function sealParts(
  parts: readonly HeadPart[],
  numbers: Iterable<number>,
  seriesOf: (number: number) => IndexedSeries,
): Uint8Array[] {
  const columns = transpose(parts, numbers);
  const minTime = parts.reduce((least, part) => Math.min(least, part.minTime), Infinity);
  const maxTime = parts.reduce((most, part) => Math.max(most, part.maxTime), -Infinity);
  const size = windowSize(minTime, maxTime);
  const windows = new Map<number, SeriesColumn[]>();
  for (const [number, { timestamps, values }] of columns) {
    for (let from = 0; from < timestamps.length;) {
      const window = windowOf(timestamps[from], size);
      let to = from + 1;
      while (to < timestamps.length && timestamps[to] < window + size) to++;
      const cutValues = values.subarray(from, to);
      let inWindow = windows.get(window);
      if (!inWindow) windows.set(window, (inWindow = []));
      inWindow.push({ ...seriesOf(number), timestamps: timestamps.subarray(from, to), values: () => cutValues });
      from = to;
    }
  }
  const starts = [...windows.keys()].sort((a, b) => a - b);
  const minSegment = parts[0].segment;
  const maxSegment = parts[parts.length - 1].segment;
  return starts.map((start, i) => {
    const place = {
      level: 0,
      last: i === starts.length - 1,
      minSegment,
      maxSegment,
      windowStart: start,
      windowEnd: start + size,
    };
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
function merge(job: MergeJob, files: readonly Uint8Array[]): Uint8Array[] {
  const sources = files.map((file) => new Source(file));
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
          const applying = deletions.filter(
            (deletion) =>
              source.tables.header.maxSegment <= deletion.maxSegment && matches(deletion.matchers, one.name, one.labels),
          );
          const samples = { timestamps: source.timestamps(column), values: source.values(column) };
          return applying.length === 0
            ? samples
            : without(samples, (time) => applying.some((deletion) => time >= deletion.fromMs && time <= deletion.toMs));
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
