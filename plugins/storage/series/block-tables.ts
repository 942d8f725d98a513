import { brotliDecompressSync } from "node:zlib";
import { BlockDirectory } from "./block-directory.ts";
import { type BlockHeader, tableBytes } from "./block-format.ts";
import { decodeClock, stepsOf } from "./clocks.ts";
import { decodeStream, FORM } from "./column-codec.ts";
import { crc32 } from "./crc32.ts";
import { LabelIndex } from "./label-index.ts";

/** Nobody's index is larger; a damaged length must not ask for absurd memory. */
const RAW_BYTES_MAX = 256 * 1024 * 1024;

function unpack(bytes: Uint8Array, rawBytes: number): Uint8Array {
  if (rawBytes > RAW_BYTES_MAX) throw new RangeError(`a table of ${rawBytes} bytes`);
  const raw = brotliDecompressSync(bytes, { maxOutputLength: Math.max(rawBytes, 1) });
  if (raw.length !== rawBytes) throw new RangeError(`a table of ${raw.length} bytes where the header says ${rawBytes}`);
  return raw;
}

/** What a block says of its columns, checked and in memory, and how to decode them from bytes that the caller reads. */
export class BlockTables {
  readonly header: BlockHeader;
  readonly index: LabelIndex;
  readonly directory: BlockDirectory;
  private readonly checksums: Uint32Array;

  /** `bytes`: what follows the header, `tableBytes(header)` long. Throws when they are damaged. */
  constructor(header: BlockHeader, bytes: Uint8Array) {
    if (bytes.length !== tableBytes(header)) throw new RangeError("the block ends within its tables");
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const last = bytes.length - 4;
    if (view.getUint32(last, true) !== crc32(bytes.subarray(0, last)))
      throw new RangeError("the checksum of the block's tables does not fit");
    const { indexBytes, directoryBytes } = header;
    this.header = header;
    this.index = new LabelIndex(unpack(bytes.subarray(0, indexBytes), header.indexRawBytes));
    if (this.index.seriesCount !== header.series) throw new RangeError("the index has another number of series than the header");
    const rawDirectory = unpack(bytes.subarray(indexBytes, indexBytes + directoryBytes), header.directoryRawBytes);
    this.directory = new BlockDirectory(rawDirectory, header.series, header.samples, header.dataBytes);
    this.checksums = Uint32Array.from({ length: header.checksums }, (_, i) =>
      view.getUint32(indexBytes + directoryBytes + i * 4, true),
    );
    if (this.checksums.length !== this.directory.clocks.length + this.directory.streams.length)
      throw new RangeError("a checksum a stream is wanted");
  }

  get sizeBytes(): number {
    return this.index.sizeBytes + this.directory.sizeBytes + this.checksums.length * 4;
  }

  private check(part: number, bytes: Uint8Array): void {
    if (crc32(bytes) !== this.checksums[part]) throw new RangeError("the checksum does not fit");
  }

  /** A clock's times from its own bytes. Throws when they are damaged. */
  clock(clock: number, bytes: Uint8Array): Float64Array {
    this.check(clock, bytes);
    return decodeClock(this.directory.clocks[clock].head, bytes, 0);
  }

  /** Clocks that must be known before a stream can be decoded: those of its columns where rates are kept, else none. */
  clocksFor(stream: number): number[] {
    const { head, firstColumn, columns } = this.directory.streams[stream];
    if (head.form < FORM.rate) return [];
    const clocks = new Set<number>();
    for (let c = firstColumn; c < firstColumn + columns; c++)
      clocks.add(this.directory.runSets[this.directory.runSetOf[c]].clock);
    return [...clocks];
  }

  /** Values of all columns of a stream, one after the other, from its own bytes. Throws when they are damaged. */
  stream(stream: number, bytes: Uint8Array, clockTimes: (clock: number) => Float64Array): Float64Array {
    this.check(this.directory.clocks.length + stream, bytes);
    const { head, firstColumn, columns, samples } = this.directory.streams[stream];
    const out = new Float64Array(samples);
    const steps = head.form >= FORM.rate ? new Float64Array(samples) : null;
    const ends: number[] = [];
    let end = 0;
    for (let c = firstColumn; c < firstColumn + columns; c++) {
      const set = this.directory.runSets[this.directory.runSetOf[c]];
      if (steps !== null) stepsOf(clockTimes(set.clock), set.runs, steps, end);
      ends.push((end += this.directory.samplesOf[this.directory.runSetOf[c]]));
    }
    decodeStream(head, bytes, 0, bytes.length, ends, steps, out);
    return out;
  }

  /** Where a column stands within its stream's values. */
  place(column: number): { stream: number; from: number; to: number } {
    const stream = this.directory.streamOf[column];
    let from = 0;
    for (let c = this.directory.streams[stream].firstColumn; c < column; c++)
      from += this.directory.samplesOf[this.directory.runSetOf[c]];
    return { stream, from, to: from + this.directory.samplesOf[this.directory.runSetOf[column]] };
  }
}
