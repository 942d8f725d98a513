import { type MetricInfo, type ProtobufReader, WIRE } from "all-use-agent/sdk";
import { BodyReader, type BodyLimits, SLICE_MAX_BYTES } from "./body-reader.ts";
import { type Families, infoOf } from "./families.ts";
import { type Registrar, TOO_LONG } from "./series-book.ts";
import { NONE, SliceTable } from "./slice-table.ts";

const SYMBOLS_MAX_BYTES = 16 * 1024 * 1024;
/** Field 1 of TimeSeries, packed numbers. */
const REFS_TAG = 0x0a;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * io.prometheus.write.v2.Request: texts stand once, series refer to them. A text is known again over requests by a number of
 * ours, and a series by the numbers of its texts. Source: prometheus.io/docs/specs/prw/remote_write_spec_2_0.
 */
export class BodyV2 extends BodyReader {
  private readonly symbols = new SliceTable(SYMBOLS_MAX_BYTES);
  /** Of this request's texts: our number, and where they stand. */
  private numbers = new Int32Array(1024);
  private spans = new Uint32Array(2 * 1024);
  private symbolCount = 0;
  /** A series' label references, as sent, and as bytes of our numbers. */
  private refs: number[] = [];
  private key = new Uint8Array(4 * 64);
  private keyView = new DataView(this.key.buffer);

  constructor(limits: BodyLimits, registrar: Registrar, families: Families) {
    super(limits, registrar, families, { labels: 1, exemplars: 4, histograms: 3 });
  }

  protected walk(): void {
    if (this.symbols.full) this.forget();
    this.readSymbols();
    const { bytes } = this;
    for (let at = 0; at < bytes.length;) {
      const reader = this.startAt(at, bytes.length);
      reader.next();
      if (reader.field !== 5) {
        reader.skip();
        at = reader.at;
        continue;
      }
      reader.expect(WIRE.bytes);
      reader.enter();
      at = reader.end;
      this.series(reader.at, reader.end);
    }
  }

  protected override forget(): void {
    super.forget();
    this.symbols.clear();
  }

  /** Texts may stand behind the series that refer to them. */
  private readSymbols(): void {
    const { bytes, symbols } = this;
    const reader = this.startAt(0, bytes.length);
    symbols.begin();
    this.symbolCount = 0;
    while (reader.next()) {
      if (reader.field !== 4) {
        reader.skip();
        continue;
      }
      reader.expect(WIRE.bytes);
      const outer = reader.enter();
      this.symbol(reader.at, reader.end);
      reader.leave(outer);
    }
  }

  private symbol(from: number, end: number): void {
    const { symbols } = this;
    let number = symbols.guess(this.view, from, end);
    if (number !== NONE && symbols.lengthOf(number) === end - from) symbols.follow(number);
    else {
      number = symbols.find(this.bytes, this.view, from, end);
      if (number === NONE) number = symbols.add(this.bytes, from, end);
    }
    const at = this.symbolCount++;
    if (at >= this.numbers.length) {
      const numbers = new Int32Array(this.numbers.length * 2);
      numbers.set(this.numbers);
      this.numbers = numbers;
      const spans = new Uint32Array(this.spans.length * 2);
      spans.set(this.spans);
      this.spans = spans;
    }
    this.numbers[at] = number;
    this.spans[2 * at] = from;
    this.spans[2 * at + 1] = end;
  }

  private series(from: number, end: number): void {
    const { bytes, slices, refs } = this;
    const reader = this.startAt(from, end);
    refs.length = 0;
    while (reader.at < end && (bytes[reader.at] === REFS_TAG || bytes[reader.at] === REFS_TAG - 2)) {
      reader.next();
      if (reader.wire === WIRE.varint) refs.push(reader.varint());
      else {
        const outer = reader.enter();
        while (reader.at < reader.end) refs.push(reader.varint());
        reader.leave(outer);
      }
    }
    const samplesAt = reader.at;
    if (refs.length * 4 > SLICE_MAX_BYTES) return this.samplesOf(TOO_LONG, samplesAt, end);
    const length = this.writeKey();
    let slot = slices.guess(this.keyView, 0, length);
    if (slot !== NONE && slices.lengthOf(slot) === length) slices.follow(slot);
    else {
      slot = slices.find(this.key, this.keyView, 0, length);
      if (slot === NONE) slot = this.learn(length, samplesAt, end);
    }
    this.samplesOf(slot, samplesAt, end);
  }

  /** Our numbers of the series' texts, as bytes. Returns how many. */
  private writeKey(): number {
    const { refs, numbers, symbolCount } = this;
    const length = refs.length * 4;
    if (length > this.key.length) {
      this.key = new Uint8Array(length * 2);
      this.keyView = new DataView(this.key.buffer);
    }
    for (let i = 0; i < refs.length; i++) {
      // No text: a number that none has.
      this.keyView.setInt32(i * 4, refs[i] < symbolCount ? numbers[refs[i]] : NONE, true);
    }
    return length;
  }

  private learn(keyLength: number, samplesAt: number, end: number): number {
    const slot = this.slices.add(this.key, 0, keyLength);
    const { refs } = this;
    const lost = refs.find((ref) => ref >= this.symbolCount);
    if (lost !== undefined) this.book.refuse(slot, `it refers to text ${lost} of ${this.symbolCount}`);
    else if (refs.length % 2 === 1) this.book.refuse(slot, "it has a label name without a value");
    else {
      const info = this.metadata(samplesAt, end);
      try {
        const texts = refs.map((ref) => this.text(ref));
        this.book.learn(slot, texts, (name) => info(name) ?? this.families.of(name));
      } catch {
        this.book.refuse(slot, "one of its labels is not UTF-8");
      }
    }
    return slot;
  }

  private text(ref: number): string {
    if (ref >= this.symbolCount) return "";
    return decoder.decode(this.bytes.subarray(this.spans[2 * ref], this.spans[2 * ref + 1]));
  }

  /** What a series says of itself, behind its samples. */
  private metadata(from: number, end: number): (name: string) => MetricInfo | null {
    const reader = this.startAt(from, end);
    while (reader.next()) {
      if (reader.field === 5 && reader.wire === WIRE.bytes) return this.readMetadata(reader);
      reader.skip();
    }
    return () => null;
  }

  private readMetadata(reader: ProtobufReader): (name: string) => MetricInfo | null {
    const outer = reader.enter();
    let type = 0;
    let help = 0;
    let unit = 0;
    while (reader.next()) {
      if (reader.field === 1) type = reader.varint();
      else if (reader.field === 3) help = reader.varint();
      else if (reader.field === 4) unit = reader.varint();
      else reader.skip();
    }
    reader.leave(outer);
    return (name) => (type === 0 && help === 0 ? null : infoOf(name, type, this.text(help), this.text(unit)));
  }
}
