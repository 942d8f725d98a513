import { ByteReader, ByteWriter } from "./bytes.ts";
import { type ClockHead, readClockHead, type RunSet, writeClockHead } from "./clocks.ts";
import { FORM_COUNT, type StreamHead } from "./column-codec.ts";
import { PREDICTOR_COUNT } from "./integer-stream.ts";

/** A stream's place: `columns` columns from `firstColumn` on, `length` bytes at `start` of the data section. */
export interface StreamPlace {
  readonly head: StreamHead;
  readonly firstColumn: number;
  readonly columns: number;
  readonly samples: number;
  readonly start: number;
  readonly length: number;
}

export interface ClockPlace {
  readonly head: ClockHead;
  readonly start: number;
}

/** What is to be written: everything but the places, which follow from the order (clocks first, then streams). */
export interface DirectoryInput {
  readonly clocks: readonly ClockHead[];
  readonly runSets: readonly RunSet[];
  /** A run set's number a column. */
  readonly runSetOf: readonly number[];
  readonly streams: readonly (StreamHead & { readonly columns: number; readonly length: number })[];
}

/** Columns of varints: like stands beside like, which is what makes the directory compress. */
export function encodeDirectory(directory: DirectoryInput): Uint8Array {
  const out = new ByteWriter(4096);
  out.varint(directory.clocks.length);
  for (const clock of directory.clocks) writeClockHead(out, clock);
  out.varint(directory.runSets.length);
  for (const set of directory.runSets) out.varint(set.clock);
  for (const set of directory.runSets) out.varint(set.runs.length / 2);
  for (const set of directory.runSets) {
    let at = 0;
    for (let i = 0; i < set.runs.length; i += 2) {
      out.varint(set.runs[i] - at);
      out.varint(set.runs[i + 1]);
      at = set.runs[i] + set.runs[i + 1];
    }
  }
  out.varint(directory.runSetOf.length);
  for (let i = 0; i < directory.runSetOf.length; i++)
    out.zigzag(directory.runSetOf[i] - (i === 0 ? 0 : directory.runSetOf[i - 1]));
  const streams = directory.streams;
  out.varint(streams.length);
  for (const stream of streams) out.varint(stream.columns);
  for (const stream of streams) out.u8(stream.form);
  for (const stream of streams) out.u8(stream.k);
  for (const stream of streams) out.u8(stream.predictor * 2 + (stream.offset < 0 ? 1 : 0));
  for (const stream of streams) out.varint(Math.abs(stream.offset));
  for (const stream of streams) out.varint(stream.factor);
  for (const stream of streams) out.varint(stream.exceptions);
  for (const stream of streams) out.varint(stream.length);
  return out.written().slice();
}

/** The directory in memory. Throws RangeError for damaged bytes. */
export class BlockDirectory {
  readonly clocks: ClockPlace[] = [];
  readonly runSets: RunSet[] = [];
  readonly runSetOf: Uint32Array;
  /** Samples of each run set. */
  readonly samplesOf: Float64Array;
  readonly streams: StreamPlace[] = [];
  /** The stream that holds a column. */
  readonly streamOf: Uint32Array;
  readonly sizeBytes: number;

  constructor(bytes: Uint8Array, columns: number, samples: number, dataBytes: number) {
    const input = new ByteReader(bytes);
    let offset = 0;
    for (let left = input.count(columns); left > 0; left--) {
      const head = readClockHead(input, samples);
      this.clocks.push({ head, start: offset });
      offset += head.length + head.missLength;
    }
    this.readRunSets(input, columns, samples);
    this.samplesOf = Float64Array.from(this.runSets, (set) => set.runs.reduce((sum, run, i) => (i % 2 ? sum + run : sum), 0));
    if (input.count(columns) !== columns) throw new RangeError("the directory has another number of columns than the header");
    this.runSetOf = new Uint32Array(columns);
    let before = 0;
    for (let i = 0; i < columns; i++) {
      before += input.zigzag();
      if (before < 0 || before >= this.runSets.length) throw new RangeError("a run set number is out of range");
      this.runSetOf[i] = before;
    }
    this.streamOf = new Uint32Array(columns);
    offset = this.readStreams(input, columns, offset);
    if (offset !== dataBytes) throw new RangeError("the streams are not as long as the data section");
    this.sizeBytes = columns * 8 + this.streams.length * 120 + this.runSets.length * 120 + this.clocks.length * 120;
  }

  private readRunSets(input: ByteReader, columns: number, samples: number): void {
    const count = input.count(columns);
    const read = (limit: number): number[] => Array.from({ length: count }, () => input.count(limit));
    const clocks = read(this.clocks.length - 1);
    const lengths = read(samples);
    for (let i = 0; i < count; i++) {
      const runs: number[] = [];
      let at = 0;
      for (let r = 0; r < lengths[i]; r++) {
        const start = at + input.varint();
        const length = input.varint();
        at = start + length;
        if (at > this.clocks[clocks[i]].head.count) throw new RangeError("a run ends behind its clock");
        runs.push(start, length);
      }
      this.runSets.push({ clock: clocks[i], runs });
    }
  }

  private readStreams(input: ByteReader, columns: number, dataStart: number): number {
    const count = input.count(columns);
    const read = (one: () => number): number[] => Array.from({ length: count }, one);
    const varint = (): number => input.varint();
    const u8 = (): number => input.u8();
    const widths = read(varint);
    const forms = read(u8);
    const ks = read(u8);
    const predictors = read(u8);
    const offsets = read(varint);
    const factors = read(varint);
    const exceptions = read(varint);
    const lengths = read(varint);
    let column = 0;
    let at = dataStart;
    for (let s = 0; s < count; s++) {
      const form = forms[s];
      const predictor = predictors[s] >> 1;
      if (form >= FORM_COUNT || predictor >= PREDICTOR_COUNT)
        throw new RangeError("a stream has a form this version does not know");
      if (column + widths[s] > columns) throw new RangeError("the streams hold more columns than the block");
      let samples = 0;
      for (let c = 0; c < widths[s]; c++) {
        samples += this.samplesOf[this.runSetOf[column + c]];
        this.streamOf[column + c] = s;
      }
      this.streams.push({
        head: {
          form,
          k: ks[s],
          predictor,
          offset: predictors[s] & 1 ? -offsets[s] : offsets[s],
          factor: factors[s],
          exceptions: exceptions[s],
        },
        firstColumn: column,
        columns: widths[s],
        samples,
        start: at,
        length: lengths[s],
      });
      column += widths[s];
      at += lengths[s];
    }
    if (column !== columns) throw new RangeError("the streams hold fewer columns than the block");
    return at;
  }
}
