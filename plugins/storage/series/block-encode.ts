import { brotliCompressSync, constants } from "node:zlib";
import { type BlockHeader, encodeHeader, HEADER_BYTES } from "./block-format.ts";
import { encodeDirectory } from "./block-directory.ts";
import { ClockTable, encodeClock, stepsOf } from "./clocks.ts";
import { encodeStream, type EncodedStream, fitForm } from "./column-codec.ts";
import { crc32 } from "./crc32.ts";
import { encodeLabelIndex, type IndexedSeries } from "./label-index.ts";

/**
 * One series' samples, times strictly ascending, at least one. Columns with the same times should share the array. `values`
 * may be called several times; it is not kept, so that a merge needs only one stream's values in memory.
 */
export interface SeriesColumn extends IndexedSeries {
  readonly timestamps: Float64Array;
  values(): Float64Array;
}

/** Columns shorter than this share a stream with others of their metric and carry the coder's model on. */
const SHORT_SAMPLES = 400;
/** A shared stream is closed at this many samples: decoding one column decodes them all. */
const SHARED_SAMPLES = 1024;
/** Brotli's window, 2^18 bytes: larger ones gain nothing on tables of this size. */
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_LGWIN]: 18 } };

/** What the caller decides about the block; the rest of the header follows from the columns. */
export type BlockPlace = Pick<BlockHeader, "level" | "last" | "minSegment" | "maxSegment" | "windowStart" | "windowEnd">;

interface Ordered {
  readonly column: SeriesColumn;
  readonly setText: string;
  readonly short: boolean;
  runSet: number;
}

function order(columns: readonly SeriesColumn[]): Ordered[] {
  const ordered = columns.map((column) => ({
    column,
    setText: Object.keys(column.labels)
      .sort()
      .map((key) => `${key}\u0000${column.labels[key]}`)
      .join("\u0001"),
    short: column.timestamps.length < SHORT_SAMPLES,
    runSet: 0,
  }));
  const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  return ordered.sort(
    (a, b) => compare(a.column.name, b.column.name) || Number(a.short) - Number(b.short) || compare(a.setText, b.setText),
  );
}

/** Cuts the ordered columns into streams: [from, to) each. */
function cut(ordered: readonly Ordered[]): { from: number; to: number }[] {
  const streams: { from: number; to: number }[] = [];
  let open: { form: string; samples: number } | null = null;
  for (let i = 0; i < ordered.length; i++) {
    const { column, short } = ordered[i];
    const count = column.timestamps.length;
    if (!short) {
      streams.push({ from: i, to: i + 1 });
      open = null;
      continue;
    }
    const fit = fitForm(column.values(), null, count, new Float64Array(count));
    // Decimals of one metric differ in digits by chance; the larger k serves all of them.
    const form = fit === null ? "raw" : fit.form === 1 ? "decimal" : `${fit.form} ${fit.k}`;
    if (open === null || open.form !== form || open.samples >= SHARED_SAMPLES || ordered[i - 1].column.name !== column.name) {
      streams.push({ from: i, to: i + 1 });
      open = { form, samples: count };
    } else {
      streams[streams.length - 1].to = i + 1;
      open.samples += count;
    }
  }
  return streams;
}

/**
 * A whole block file. Each stream has been decoded again and compared bit for bit when this returns. `thorough` takes
 * about half as long again and saves some percent.
 */
export function encodeBlock(columns: readonly SeriesColumn[], place: BlockPlace, thorough: boolean): Uint8Array {
  const ordered = order(columns);
  const table = new ClockTable();
  const longestFirst = [...ordered].sort((a, b) => b.column.timestamps.length - a.column.timestamps.length);
  for (const one of longestFirst) one.runSet = table.add(one.column.timestamps);
  const clocks = table.clocks.map(encodeClock);

  const streams: (EncodedStream & { columns: number; length: number })[] = [];
  let samples = 0;
  for (const { from, to } of cut(ordered)) {
    let count = 0;
    const ends: number[] = [];
    for (let i = from; i < to; i++) ends.push((count += ordered[i].column.timestamps.length));
    const steps = new Float64Array(count);
    const values = to - from > 1 ? new Float64Array(count) : ordered[from].column.values();
    for (let i = from, at = 0; i < to; i++) {
      const set = table.runSets[ordered[i].runSet];
      if (to - from > 1) values.set(ordered[i].column.values(), at);
      at = stepsOf(table.clocks[set.clock], set.runs, steps, at);
    }
    const encoded = encodeStream(values, ends, steps, thorough);
    streams.push({ ...encoded, columns: to - from, length: encoded.bytes.length });
    samples += count;
  }
  return assemble(
    ordered.map((one) => one.column),
    { ...place, samples },
    encodeDirectory({
      clocks,
      runSets: table.runSets,
      runSetOf: ordered.map((one) => one.runSet),
      streams,
    }),
    [...clocks, ...streams].map((part) => part.bytes),
  );
}

function assemble(
  columns: readonly SeriesColumn[],
  place: BlockPlace & { samples: number },
  rawDirectory: Uint8Array,
  parts: readonly Uint8Array[],
): Uint8Array {
  const rawIndex = encodeLabelIndex(columns);
  const index = brotliCompressSync(rawIndex, BROTLI);
  const directory = brotliCompressSync(rawDirectory, BROTLI);
  let minTime = Infinity;
  let maxTime = -Infinity;
  for (const { timestamps } of columns) {
    minTime = Math.min(minTime, timestamps[0]);
    maxTime = Math.max(maxTime, timestamps[timestamps.length - 1]);
  }
  const dataBytes = parts.reduce((sum, part) => sum + part.length, 0);
  const header = encodeHeader({
    ...place,
    minTime,
    maxTime,
    series: columns.length,
    checksums: parts.length,
    indexBytes: index.length,
    indexRawBytes: rawIndex.length,
    directoryBytes: directory.length,
    directoryRawBytes: rawDirectory.length,
    dataBytes,
  });
  const tables = index.length + directory.length + parts.length * 4;
  const file = new Uint8Array(HEADER_BYTES + tables + 4 + dataBytes);
  const view = new DataView(file.buffer);
  file.set(header);
  file.set(index, HEADER_BYTES);
  file.set(directory, HEADER_BYTES + index.length);
  let at = HEADER_BYTES + index.length + directory.length;
  for (const part of parts) {
    view.setUint32(at, crc32(part), true);
    at += 4;
  }
  view.setUint32(at, crc32(file.subarray(HEADER_BYTES, at)), true);
  at += 4;
  for (const part of parts) {
    file.set(part, at);
    at += part.length;
  }
  return file;
}
