import { AgentError } from "../errors.ts";
import { type Batch, createBatch, ensureCapacity, type Labels } from "../series.ts";

/** What a text says of a metric beside its samples. */
export interface TextFamily {
  readonly name: string;
  readonly type?: string;
  readonly unit?: string;
  readonly help?: string;
}

/** A series as a text names it, at its first sample. `family` is null where the text says nothing of it. */
export interface TextSeries {
  readonly name: string;
  readonly labels: Labels;
  readonly family: TextFamily | null;
}

/** Answers of `define` instead of a series' number: left out and counted, or left out as if it were not there. */
export const SERIES_REFUSED = -1;
export const SERIES_IGNORED = -2;

/** One place that could not be read. Lines and columns count from 1. */
export interface TextFault {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** What one text, or one reading of a stream, held. */
export interface TextReading {
  /** Its samples. A sample without a time of its own has the timestamp NaN. The parser's: valid until it is used again. */
  readonly batch: Batch;
  /** Samples of series that `define` refused. */
  readonly refused: number;
  /** The first ten faults; the samples of the lines beside them are in the batch. */
  readonly faults: readonly TextFault[];
  readonly faultCount: number;
  /** `# EOF` was read: the text is whole. */
  readonly whole: boolean;
}

export interface TextParserOptions {
  /**
   * The number of a series, SERIES_REFUSED or SERIES_IGNORED. Asked once for each series, and again when so many were seen that
   * the first are forgotten. May not throw.
   */
  readonly define: (series: TextSeries) => number;
  /** Set for a stream of readings: called at the end of each. Without it all is one reading, which `end` returns. */
  readonly ended?: (reading: TextReading) => void;
  /** A reading with more characters than this is no reading. */
  readonly maxCharacters?: number;
  readonly maxLineCharacters?: number;
}

const READING_MAX_CHARACTERS = 64 * 2 ** 20;
const LINE_MAX_CHARACTERS = 256 * 1024;
const FAULTS_KEPT = 10;
const CARRIAGE_RETURN = 13;

/** Cuts text into lines, whatever the pieces it comes in, and gathers what they hold. Subclasses read a line. */
export abstract class TextParser {
  protected readonly options: TextParserOptions;
  protected batch: Batch = createBatch(256);
  protected whole = false;
  protected refused = 0;
  private readonly maxCharacters: number;
  private readonly maxLineCharacters: number;
  private rest = "";
  private characters = 0;
  private lineNumber = 0;
  private faults: TextFault[] = [];
  private faultCount = 0;

  constructor(options: TextParserOptions) {
    this.options = options;
    this.maxCharacters = options.maxCharacters ?? READING_MAX_CHARACTERS;
    this.maxLineCharacters = options.maxLineCharacters ?? LINE_MAX_CHARACTERS;
  }

  /** Takes the next piece of text. Throws `line_too_long`, `reading_too_large`; then the rest of the text is lost, and `end` tells of what was before. */
  push(piece: string): void {
    const text = this.rest === "" ? piece : this.rest + piece;
    let from = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", from)) {
      this.takeLine(text, from, end);
      from = end + 1;
    }
    this.rest = from === 0 ? text : text.slice(from);
    this.bound(this.rest.length);
  }

  /** The text is over: what is left is its last line. Ready for the next text afterwards. */
  end(): TextReading {
    const last = this.rest;
    this.rest = "";
    if (last !== "") this.takeLine(last, 0, last.length);
    return this.finish();
  }

  /** Reads the line between two positions. The line end is not part of it. */
  protected abstract line(text: string, from: number, to: number): void;

  /** Something could not be read; `offset` is into the line. */
  protected fault(offset: number, message: string): void {
    this.faultCount++;
    if (this.faults.length < FAULTS_KEPT) this.faults.push({ line: this.lineNumber, column: offset + 1, message });
  }

  /** Where the next sample goes: write value and time there, then `keep` it. */
  protected room(): number {
    const row = this.batch.length;
    if (row >= this.batch.series.length) this.batch = ensureCapacity(this.batch, row + 1);
    return row;
  }

  protected keep(row: number, id: number): void {
    if (id >= 0) {
      this.batch.series[row] = id;
      this.batch.length = row + 1;
    } else if (id === SERIES_REFUSED) this.refused++;
  }

  protected get isEmpty(): boolean {
    return this.batch.length === 0 && this.refused === 0 && this.faultCount === 0;
  }

  /** Ends a reading of a stream, if there is anything in it. */
  protected endReading(): void {
    if (this.isEmpty) return;
    const reading = this.finish();
    this.options.ended?.(reading);
  }

  private finish(): TextReading {
    const { batch, refused, faults, faultCount, whole } = this;
    // The rows stay readable: the next reading's samples are written over them.
    const reading = { batch: { ...batch }, refused, faults, faultCount, whole };
    batch.length = 0;
    this.refused = 0;
    this.faults = [];
    this.faultCount = 0;
    this.whole = false;
    this.characters = 0;
    this.lineNumber = 0;
    this.began();
    return reading;
  }

  /** A new reading begins. */
  protected began(): void {}

  private takeLine(text: string, from: number, end: number): void {
    this.lineNumber++;
    const to = end > from && text.charCodeAt(end - 1) === CARRIAGE_RETURN ? end - 1 : end;
    this.bound(end - from);
    this.characters += end - from + 1;
    this.line(text, from, to);
  }

  private bound(lineCharacters: number): void {
    if (lineCharacters > this.maxLineCharacters) {
      this.rest = "";
      throw new AgentError(
        "line_too_long",
        `line ${this.lineNumber || 1} has more than ${this.maxLineCharacters} characters: a sample is one line`,
      );
    }
    if (this.characters + lineCharacters > this.maxCharacters) {
      this.rest = "";
      throw new AgentError("reading_too_large", `one reading has more than ${this.maxCharacters} characters`);
    }
  }
}

/** A copy that does not keep the text alive of which it was cut. */
export function copyOf(text: string): string {
  return JSON.parse(JSON.stringify(text)) as string;
}
