/** A sender for tests: writes the messages of both protocols by hand, so that they can also be wrong. */
import { createRequire } from "node:module";

const snappy = createRequire(import.meta.url)("snappyjs") as { compress(bytes: Uint8Array): Uint8Array };

export interface Sent {
  /** Names and values by turns, as they are. */
  readonly labels: readonly string[];
  /** A bigint is the bits of the value. */
  readonly samples?: readonly (readonly [timeMs: number, value: number | bigint])[];
  readonly histograms?: readonly Uint8Array[];
  readonly exemplars?: number;
  /** 2.0 only. */
  readonly metadata?: { readonly type: number; readonly help: string; readonly unit: string };
}

export interface SentMetadata {
  readonly family: string;
  readonly type: number;
  readonly help: string;
  readonly unit?: string;
}

export function varint(value: number | bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(rest)]);
}

export const zigzag = (value: number): Buffer => varint(value < 0 ? -2 * value - 1 : 2 * value);
export const tag = (field: number, wire: number): Buffer => varint(field * 8 + wire);
export const numberField = (field: number, value: number | bigint): Buffer => Buffer.concat([tag(field, 0), varint(value)]);
export const signedField = (field: number, value: number): Buffer => Buffer.concat([tag(field, 0), zigzag(value)]);

export function bytesField(field: number, bytes: Uint8Array | string): Buffer {
  const content = Buffer.from(bytes);
  return Buffer.concat([tag(field, 2), varint(content.length), content]);
}

export function doubleBytes(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8);
  if (typeof value === "number") bytes.writeDoubleLE(value);
  else bytes.writeBigUInt64LE(value);
  return bytes;
}

export const doubleField = (field: number, value: number | bigint): Buffer => Buffer.concat([tag(field, 1), doubleBytes(value)]);

function samplesOf({ samples = [] }: Sent): Buffer[] {
  // As Go writes them: a zero value is left out.
  return samples.map(([timeMs, value]) =>
    bytesField(2, Buffer.concat([...(value === 0 ? [] : [doubleField(1, value)]), numberField(2, timeMs)])),
  );
}

export function writeV1(series: readonly Sent[], metadata: readonly SentMetadata[] = []): Buffer {
  const label = (name: string, value: string): Buffer => bytesField(1, Buffer.concat([bytesField(1, name), bytesField(2, value)]));
  return Buffer.concat([
    ...series.map((one) => {
      const labels: Buffer[] = [];
      for (let i = 0; i < one.labels.length; i += 2) labels.push(label(one.labels[i], one.labels[i + 1]));
      const exemplars = Array.from({ length: one.exemplars ?? 0 }, () => bytesField(3, doubleField(2, 1)));
      const histograms = (one.histograms ?? []).map((histogram) => bytesField(4, histogram));
      return bytesField(1, Buffer.concat([...labels, ...samplesOf(one), ...exemplars, ...histograms]));
    }),
    ...metadata.map(({ family, type, help, unit = "" }) =>
      bytesField(3, Buffer.concat([numberField(1, type), bytesField(2, family), bytesField(4, help), bytesField(5, unit)])),
    ),
  ]);
}

export function writeV2(series: readonly Sent[]): Buffer {
  const symbols = [""];
  const ref = (text: string): Buffer => {
    if (!symbols.includes(text)) symbols.push(text);
    return varint(symbols.indexOf(text));
  };
  const messages = series.map((one) => {
    const refs = bytesField(1, Buffer.concat(one.labels.map(ref)));
    const histograms = (one.histograms ?? []).map((histogram) => bytesField(3, histogram));
    const exemplars = Array.from({ length: one.exemplars ?? 0 }, () => bytesField(4, doubleField(2, 1)));
    const { metadata } = one;
    const said = metadata
      ? [
          bytesField(
            5,
            Buffer.concat([numberField(1, metadata.type), tag(3, 0), ref(metadata.help), tag(4, 0), ref(metadata.unit)]),
          ),
        ]
      : [];
    return bytesField(5, Buffer.concat([refs, ...samplesOf(one), ...histograms, ...exemplars, ...said]));
  });
  return Buffer.concat([...symbols.map((symbol) => bytesField(4, symbol)), ...messages]);
}

export interface SentHistogram {
  readonly timeMs: number;
  readonly count: number;
  readonly sum: number | bigint;
  readonly schema: number;
  readonly zeroThreshold?: number;
  readonly zeroCount?: number;
  /** Runs of buckets, and the count of each bucket in them. */
  readonly positive?: readonly { readonly offset: number; readonly counts: readonly number[] }[];
  readonly negative?: readonly { readonly offset: number; readonly counts: readonly number[] }[];
  readonly customBounds?: readonly number[];
}

export function histogram(sent: SentHistogram): Buffer {
  const side = (runs: SentHistogram["positive"], spanField: number, deltaField: number): Buffer[] => {
    if (!runs) return [];
    const spans = runs.map(({ offset, counts }) =>
      bytesField(spanField, Buffer.concat([signedField(1, offset), numberField(2, counts.length)])),
    );
    const counts = runs.flatMap((run) => run.counts);
    const deltas = counts.map((count, i) => zigzag(count - (i === 0 ? 0 : counts[i - 1])));
    return [...spans, bytesField(deltaField, Buffer.concat(deltas))];
  };
  return Buffer.concat([
    numberField(1, sent.count),
    doubleField(3, sent.sum),
    signedField(4, sent.schema),
    doubleField(5, sent.zeroThreshold ?? 0),
    numberField(6, sent.zeroCount ?? 0),
    ...side(sent.negative, 8, 9),
    ...side(sent.positive, 11, 12),
    numberField(15, sent.timeMs),
    ...(sent.customBounds ? [bytesField(16, Buffer.concat(sent.customBounds.map(doubleBytes)))] : []),
  ]);
}

export function compressed(plain: Uint8Array): Uint8Array {
  return new Uint8Array(snappy.compress(Buffer.from(plain)));
}
