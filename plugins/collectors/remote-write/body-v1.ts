import { errorText, type ProtobufReader, WIRE } from "all-use-agent/sdk";
import { BodyReader, type BodyLimits, SLICE_MAX_BYTES } from "./body-reader.ts";
import { metricName } from "./escape-name.ts";
import type { Families } from "./families.ts";
import { type Registrar, TOO_LONG } from "./series-book.ts";
import { NONE } from "./slice-table.ts";

/** Field 1 of TimeSeries, a message. */
const LABEL_TAG = 0x0a;

/** prometheus.WriteRequest: every series brings its labels as text. Source: prometheus.io/docs/specs/prw/remote_write_spec. */
export class BodyV1 extends BodyReader {
  constructor(limits: BodyLimits, registrar: Registrar, families: Families) {
    super(limits, registrar, families, { labels: 1, exemplars: 3, histograms: 4 });
  }

  protected walk(): void {
    const { bytes } = this;
    const end = bytes.length;
    let news = false;
    for (let at = 0; at < end;) {
      const reader = this.startAt(at, end);
      reader.next();
      if (reader.field === 1) {
        reader.expect(WIRE.bytes);
        reader.enter();
        at = reader.end;
        this.series(reader.at, at);
        continue;
      }
      if (reader.field === 3) news = this.metadata(reader) || news;
      else reader.skip();
      at = reader.at;
    }
    if (news) this.book.describe(this.families);
  }

  private series(from: number, end: number): void {
    const { bytes, slices } = this;
    const guessed = slices.guess(this.view, from, end);
    if (guessed !== NONE) {
      const labelsEnd = from + slices.lengthOf(guessed);
      if (labelsEnd === end || bytes[labelsEnd] !== LABEL_TAG) {
        slices.follow(guessed);
        return this.samplesOf(guessed, labelsEnd, end);
      }
    }
    const reader = this.startAt(from, end);
    while (reader.at < end && bytes[reader.at] === LABEL_TAG) {
      reader.at++;
      reader.raw();
    }
    const labelsEnd = reader.at;
    this.samplesOf(this.slotOf(from, labelsEnd), labelsEnd, end);
  }

  private slotOf(from: number, end: number): number {
    if (end - from > SLICE_MAX_BYTES) return TOO_LONG;
    const slot = this.slices.find(this.bytes, this.view, from, end);
    return slot === NONE ? this.learn(from, end) : slot;
  }

  private learn(from: number, end: number): number {
    const slot = this.slices.add(this.bytes, from, end);
    try {
      this.book.learn(slot, this.labels(from, end), (name) => this.families.of(name));
    } catch (error) {
      this.book.refuse(slot, errorText(error));
    }
    return slot;
  }

  private labels(from: number, end: number): string[] {
    const reader = this.startAt(from, end);
    const texts: string[] = [];
    while (reader.next()) {
      const outer = reader.enter();
      let name = "";
      let value = "";
      while (reader.next()) {
        if (reader.field === 1) name = reader.text();
        else if (reader.field === 2) value = reader.text();
        else reader.skip();
      }
      reader.leave(outer);
      texts.push(name, value);
    }
    return texts;
  }

  /** Returns whether it was news. */
  private metadata(reader: ProtobufReader): boolean {
    reader.expect(WIRE.bytes);
    const outer = reader.enter();
    let type = 0;
    let family = "";
    let help = "";
    let unit = "";
    while (reader.next()) {
      if (reader.field === 1) type = reader.varint();
      else if (reader.field === 2) family = reader.text();
      else if (reader.field === 4) help = reader.text();
      else if (reader.field === 5) unit = reader.text();
      else reader.skip();
    }
    reader.leave(outer);
    return family !== "" && this.families.learn(metricName(family), type, help, unit);
  }
}
