import { type ProtobufReader, WIRE } from "all-use-agent/sdk";

const CUSTOM_BUCKETS = -53;
/** A client library keeps to 160 buckets by itself. */
const BUCKETS_MAX = 1000;
const STALE_LOW = 2;
const STALE_HIGH = 0x7ff00000;

interface Span {
  readonly offset: number;
  readonly length: number;
}

/** A histogram as classic buckets. */
export interface ClassicHistogram {
  readonly timeMs: number;
  readonly stale: boolean;
  readonly sum: number;
  readonly count: number;
  /** Upper bounds, ascending, without +Inf, and how many observations lie at or below each. */
  readonly bounds: readonly number[];
  readonly cumulative: readonly number[];
}

/**
 * Reads a native histogram, which is the same message in both versions of the protocol, and makes classic buckets of it:
 * exponential ones (schema -4 to 8) where observations were, custom ones (schema -53) all. Throws `protobuf_invalid`, also for what
 * contradicts itself. Source: prometheus.io/docs/specs/native_histograms.
 */
export function readHistogram(reader: ProtobufReader): ClassicHistogram {
  const sum = new Float64Array(1);
  const sumWords = new Uint32Array(sum.buffer);
  let count = 0;
  let schema = 0;
  let zeroThreshold = 0;
  let zeroCount = 0;
  let timeMs = 0;
  const spans: [negative: Span[], positive: Span[]] = [[], []];
  const counts: [negative: number[], positive: number[]] = [[], []];
  const customBounds: number[] = [];
  while (reader.next()) {
    const { field } = reader;
    if (field === 1) count = reader.varint();
    else if (field === 2) count = reader.double();
    else if (field === 3) reader.doubleInto(sumWords, 0);
    else if (field === 4) schema = reader.zigzag();
    else if (field === 5) zeroThreshold = reader.double();
    else if (field === 6) zeroCount = reader.varint();
    else if (field === 7) zeroCount = reader.double();
    else if (field === 8 || field === 11) bounded(reader, spans[field === 8 ? 0 : 1]).push(readSpan(reader));
    else if (field === 9 || field === 12) readDeltas(reader, counts[field === 9 ? 0 : 1]);
    else if (field === 10 || field === 13) readDoubles(reader, counts[field === 10 ? 0 : 1]);
    else if (field === 15) timeMs = reader.int64();
    else if (field === 16) readDoubles(reader, customBounds);
    else reader.skip();
  }
  const stale = sumWords[0] === STALE_LOW && sumWords[1] === STALE_HIGH;
  const bounds: number[] = [];
  const cumulative: number[] = [];
  const whole = { timeMs, stale, sum: sum[0], count, bounds, cumulative };
  if (stale) return whole;
  const indexed = spans.map((of, side) => indicesOf(reader, of, counts[side].length)) as [number[], number[]];
  let below = 0;
  const add = (bound: number, within: number): void => {
    below += within;
    if (!(bound < Infinity)) return;
    // A wide zero bucket may reach over the first of its neighbours.
    if (bounds.length > 0 && !(bound > bounds[bounds.length - 1])) cumulative[cumulative.length - 1] = below;
    else {
      bounds.push(bound);
      cumulative.push(below);
    }
  };
  if (schema === CUSTOM_BUCKETS) {
    const within = new Map(indexed[1].map((index, i) => [index, counts[1][i]]));
    for (let i = 0; i < customBounds.length; i++) add(customBounds[i], within.get(i) ?? 0);
    return whole;
  }
  if (!(schema >= -4 && schema <= 8)) throw reader.fault(`a histogram of schema ${schema}; -4 to 8 and -53 are known`);
  // The upper bound of a negative bucket is the lower one of its mirror image.
  for (let i = indexed[0].length - 1; i >= 0; i--) add(-bound(schema, indexed[0][i] - 1), counts[0][i]);
  if (zeroCount > 0 || indexed[0].length > 0) add(zeroThreshold, zeroCount);
  for (let i = 0; i < indexed[1].length; i++) add(bound(schema, indexed[1][i]), counts[1][i]);
  return whole;
}

/** The upper bound of bucket `index`: 2 to the power of index / 2^schema. */
function bound(schema: number, index: number): number {
  return 2 ** (index * 2 ** -schema);
}

function readSpan(reader: ProtobufReader): Span {
  reader.expect(WIRE.bytes);
  const outer = reader.enter();
  let offset = 0;
  let length = 0;
  while (reader.next()) {
    if (reader.field === 1) offset = reader.zigzag();
    else if (reader.field === 2) length = reader.varint();
    else reader.skip();
  }
  reader.leave(outer);
  return { offset, length };
}

/** The index of every bucket that the spans name: as many as there are counts. */
function indicesOf(reader: ProtobufReader, spans: readonly Span[], count: number): number[] {
  const indices: number[] = [];
  let index = 0;
  for (const { offset, length } of spans) {
    index += offset;
    if (indices.length + length > count) throw reader.fault("a histogram's spans name more buckets than it has counts");
    for (let i = 0; i < length; i++) indices.push(index++);
  }
  if (indices.length < count) throw reader.fault("a histogram has more counts than its spans name buckets");
  return indices;
}

/** Counts as differences from the one before. Packed, or one by one. */
function readDeltas(reader: ProtobufReader, into: number[]): void {
  const one = (): void => void bounded(reader, into).push((into.at(-1) ?? 0) + reader.zigzag());
  packed(reader, one);
}

function readDoubles(reader: ProtobufReader, into: number[]): void {
  packed(reader, () => void bounded(reader, into).push(reader.double()));
}

function packed(reader: ProtobufReader, one: () => void): void {
  if (reader.wire !== WIRE.bytes) return one();
  const outer = reader.enter();
  while (reader.at < reader.end) one();
  reader.leave(outer);
}

function bounded<T>(reader: ProtobufReader, list: T[]): T[] {
  if (list.length >= BUCKETS_MAX) throw reader.fault(`a histogram of more than ${BUCKETS_MAX} buckets`);
  return list;
}
