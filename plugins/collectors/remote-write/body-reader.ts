import { AgentError, errorText, ProtobufReader, WIRE } from "all-use-agent/sdk";
import { ClassicSeries } from "./classic-series.ts";
import type { Families } from "./families.ts";
import { readHistogram } from "./native-histogram.ts";
import type { Outcome } from "./outcome.ts";
import { REFUSED, SeriesBook, type Registrar, type SeriesLimits } from "./series-book.ts";
import { SliceTable } from "./slice-table.ts";
import type { TickSink } from "./tick-sink.ts";

export interface BodyLimits extends SeriesLimits {
  readonly maxSeriesPerRequest: number;
  readonly maxSamplesPerRequest: number;
}

/** What is kept of series' bytes: beyond it everything is forgotten and learnt anew. */
const SLICES_MAX_BYTES = 32 * 1024 * 1024;
/** Of both protocols' TimeSeries, a message. */
const SAMPLE_FIELD = 2;
const SAMPLE_TAG = 0x12;
const VALUE_TAG = 0x09;
const TIME_TAG = 0x10;
const UNKNOWN = -3;
/** A series' labels beyond this are not even remembered as refused. */
export const SLICE_MAX_BYTES = 64 * 1024;

/** Where a TimeSeries has what, by field number. */
export interface SeriesFields {
  readonly labels: number;
  readonly exemplars: number;
  readonly histograms: number;
}

/**
 * Reads a request's plain bytes into a sink; what both versions of the protocol have in common. Kept from request to request: it
 * knows series again by their bytes. Every `read` throws `protobuf_invalid` for a body that is damaged, before anything of it is
 * handed on; what is wrong with a single series is counted in the outcome.
 */
export abstract class BodyReader {
  protected bytes: Uint8Array = new Uint8Array(0);
  protected view = new DataView(this.bytes.buffer);
  protected reader = new ProtobufReader(this.bytes);
  protected outcome!: Outcome;
  protected sink!: TickSink;
  protected readonly slices = new SliceTable(SLICES_MAX_BYTES);
  protected readonly book: SeriesBook;
  protected readonly families: Families;
  private readonly limits: BodyLimits;
  private readonly fields: SeriesFields;
  private readonly histograms = new Map<number, ClassicSeries>();

  constructor(limits: BodyLimits, registrar: Registrar, families: Families, fields: SeriesFields) {
    this.limits = limits;
    this.families = families;
    this.fields = fields;
    this.book = new SeriesBook(limits, registrar);
  }

  read(bytes: Uint8Array, sink: TickSink, outcome: Outcome): void {
    if (this.slices.full) this.forget();
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.reader = new ProtobufReader(bytes);
    this.sink = sink;
    this.outcome = outcome;
    this.slices.begin();
    this.walk();
  }

  protected abstract walk(): void;

  protected forget(): void {
    this.slices.clear();
    this.book.clear();
    this.histograms.clear();
  }

  /** What follows a series' labels, up to the end of its message. */
  protected samplesOf(slot: number, from: number, end: number): void {
    const { bytes, view, sink, outcome } = this;
    if (++outcome.series > this.limits.maxSeriesPerRequest)
      throw this.tooMany(`series; ${this.limits.maxSeriesPerRequest} are taken (max_series_per_request)`);
    sink.nextSeries();
    let id = UNKNOWN;
    let at = from;
    while (at < end) {
      if (bytes[at] !== SAMPLE_TAG && !this.isSample(at, end)) {
        at = this.otherField(slot, at, end);
        continue;
      }
      if (id === UNKNOWN) id = this.book.id(slot);
      // As every sender writes it: the value, then a time of six bytes, from 1971 to 2109.
      const low = at + 18 <= end && bytes[at] === SAMPLE_TAG && bytes[at + 1] === 16 ? view.getUint32(at + 12, true) : 0;
      if (
        ((low & 0x80808080) | 0) === (0x80808080 | 0) &&
        bytes[at + 2] === VALUE_TAG &&
        bytes[at + 11] === TIME_TAG &&
        bytes[at + 16] >= 0x80 &&
        bytes[at + 17] < 0x80
      ) {
        const lowBits = (low & 0x7f) | ((low >>> 1) & 0x3f80) | ((low >>> 2) & 0x1fc000) | ((low >>> 3) & 0xfe00000);
        const timeMs = ((bytes[at + 16] & 0x7f) | (bytes[at + 17] << 7)) * 0x10000000 + lowBits;
        if (id === REFUSED) this.refuseSample(slot);
        else sink.add(id, timeMs, view, at + 3);
        at += 18;
      } else at = this.anySample(slot, id, at, end);
      outcome.samples++;
    }
    if (outcome.samples > this.limits.maxSamplesPerRequest) throw this.tooManySamples();
  }

  /** A sample in whatever order its fields are; those that are absent are zero. */
  private anySample(slot: number, id: number, at: number, end: number): number {
    if (this.outcome.samples > this.limits.maxSamplesPerRequest) throw this.tooManySamples();
    const reader = this.startAt(at, end);
    reader.next();
    reader.expect(WIRE.bytes);
    const outer = reader.enter();
    const words = new Uint32Array(2);
    let timeMs = 0;
    while (reader.next()) {
      if (reader.field === 1) {
        reader.expect(WIRE.fixed64);
        reader.doubleInto(words, 0);
      } else if (reader.field === 2) {
        reader.expect(WIRE.varint);
        timeMs = reader.int64();
      } else reader.skip();
    }
    reader.leave(outer);
    if (id === REFUSED) this.refuseSample(slot);
    else this.sink.addWords(id, timeMs, words[0], words[1]);
    return reader.at;
  }

  /** A tag may be written longer than it need be. */
  private isSample(at: number, end: number): boolean {
    const reader = this.startAt(at, end);
    reader.next();
    return reader.field === SAMPLE_FIELD;
  }

  private otherField(slot: number, at: number, end: number): number {
    const reader = this.startAt(at, end);
    reader.next();
    const { field } = reader;
    if (field === this.fields.labels) throw reader.fault("a series' labels must come before its samples, all together");
    if (field === this.fields.exemplars) this.outcome.exemplars++;
    if (field === this.fields.histograms) this.histogram(slot);
    else reader.skip();
    return reader.at;
  }

  private histogram(slot: number): void {
    const { reader, outcome } = this;
    reader.expect(WIRE.bytes);
    const outer = reader.enter();
    const { end } = reader;
    outcome.histograms++;
    if (outcome.histograms > this.limits.maxSamplesPerRequest) throw this.tooManySamples();
    try {
      const identity = this.book.identity(slot);
      if (identity === null) throw new AgentError("label_invalid", this.book.reason(slot));
      let series = this.histograms.get(slot);
      if (series === undefined) {
        series = new ClassicSeries(identity, this.families.of(identity.name).help, this.book);
        this.histograms.set(slot, series);
      }
      series.add(this.sink, readHistogram(reader));
    } catch (error) {
      outcome.refusedHistograms++;
      outcome.refuse(`series ${outcome.series}: ${errorText(error)}`);
    }
    // Whatever was wrong inside: the message goes on behind it.
    reader.end = end;
    reader.leave(outer);
  }

  protected startAt(at: number, end: number): ProtobufReader {
    const { reader } = this;
    reader.at = at;
    reader.end = end;
    return reader;
  }

  private refuseSample(slot: number): void {
    const { outcome } = this;
    outcome.refusedSamples++;
    if (outcome.reason === "") outcome.refuse(`series ${outcome.series}: ${this.book.reason(slot)}`);
  }

  private tooManySamples(): AgentError {
    return this.tooMany(`samples; ${this.limits.maxSamplesPerRequest} are taken (max_samples_per_request)`);
  }

  private tooMany(what: string): AgentError {
    return new AgentError("body_too_large", `The request holds too many ${what}; send less at once.`, { where: "body" });
  }
}
