import { join } from "node:path";
import type { SeriesList } from "./head-part.ts";
import { LogWriter, type LogWriterOptions } from "./log-writer.ts";
import { beginRecord, endRecord, RECORD, writeDoubles, writeNumbers, writeRuns, writeSeries } from "./record.ts";
import type { IndexedSeries } from "./label-index.ts";

/** A list of series as the log knows it. */
export interface LoggedList extends SeriesList {
  /** Segment in which it was last written, and its number there. */
  segment: number;
  number: number;
}

export function segmentName(segment: number): string {
  return `${String(segment).padStart(10, "0")}.wal`;
}

/**
 * The write-ahead log: what the samples of a batch need to be understood, then the samples, then the former once more, so
 * that damage to one record costs no other. Segments stand alone: each says anew what its numbers mean.
 */
export class Log {
  readonly writer: LogWriter;
  private readonly folder: string;
  private readonly info: (number: number) => IndexedSeries;
  private segment: number;
  private lists = 0;
  /** Segment in which a series was last written. */
  private definedIn = new Float64Array(1024);
  records = 0;

  constructor(folder: string, segment: number, info: (number: number) => IndexedSeries, options: LogWriterOptions) {
    this.folder = folder;
    this.segment = segment;
    this.info = info;
    this.writer = new LogWriter(join(folder, segmentName(segment)), segment, options);
  }

  rotate(segment: number): void {
    this.segment = segment;
    this.lists = 0;
    this.writer.rotate(join(this.folder, segmentName(segment)), segment);
  }

  /** Series numbers were given to other series: they must be written again before their next use. */
  forget(): void {
    this.definedIn.fill(0);
  }

  tick(list: LoggedList, timestamp: number, values: Float64Array): void {
    const out = this.writer.out;
    const start = out.length;
    const fresh = list.segment === this.segment ? null : this.define(list.ids, list.ids.length);
    if (fresh !== null) {
      list.segment = this.segment;
      list.number = this.lists++;
      this.writeDefinitions(fresh, list);
    }
    const at = beginRecord(out, RECORD.tick);
    out.varint(list.number);
    out.f64(timestamp);
    writeDoubles(out, values, list.ids.length);
    endRecord(out, at, this.writer.salt);
    if (fresh !== null) this.writeDefinitions(fresh, list);
    this.records++;
    this.writer.added(out.length - start);
  }

  rows(ids: Uint32Array, timestamps: Float64Array, values: Float64Array, count: number): void {
    const out = this.writer.out;
    const start = out.length;
    const fresh = this.define(ids, count);
    this.writeDefinitions(fresh, null);
    const at = beginRecord(out, RECORD.rows);
    writeNumbers(out, ids, count);
    let before = timestamps[0];
    out.f64(before);
    for (let i = 0; i < count; i++) {
      out.zigzag(timestamps[i] - before);
      before = timestamps[i];
    }
    writeDoubles(out, values, count);
    endRecord(out, at, this.writer.salt);
    this.writeDefinitions(fresh, null);
    this.records++;
    this.writer.added(out.length - start);
  }

  /** Which of the series this segment does not know yet; it does from now on. */
  private define(ids: Uint32Array, count: number): number[] {
    const fresh: number[] = [];
    for (let i = 0; i < count; i++) {
      const number = ids[i];
      if (number >= this.definedIn.length) {
        const grown = new Float64Array(Math.max(number + 1, this.definedIn.length * 2));
        grown.set(this.definedIn);
        this.definedIn = grown;
      }
      if (this.definedIn[number] === this.segment) continue;
      this.definedIn[number] = this.segment;
      fresh.push(number);
    }
    return fresh;
  }

  private writeDefinitions(numbers: readonly number[], list: LoggedList | null): void {
    const out = this.writer.out;
    for (const number of numbers) {
      const at = beginRecord(out, RECORD.series);
      writeSeries(out, number, this.info(number));
      endRecord(out, at, this.writer.salt);
    }
    if (list === null) return;
    const at = beginRecord(out, RECORD.list);
    out.varint(list.number);
    writeRuns(out, list.ids);
    endRecord(out, at, this.writer.salt);
  }
}
