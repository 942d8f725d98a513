import { AgentError } from "../errors.ts";
import type { Cell } from "./types.ts";

export interface CsvOptions {
  /** One ASCII character; a comma when absent. */
  readonly delimiter?: string;
  /** One ASCII character, `"` when absent; empty for none. */
  readonly quote?: string;
  readonly encoding?: "utf-8" | "windows-1252";
}

/** Where a text could not be read. Lines and columns count from 1. */
export interface RowFault {
  readonly line: number;
  readonly column: number;
  readonly message: string;
  /** The line, or its beginning. */
  readonly text: string;
}

export interface RowSink {
  /** `cells` is the reader's: valid during the call. */
  record(cells: Cell[], line: number): void;
  fault(fault: RowFault): void;
}

/** Takes text in pieces and hands on whole records. */
export interface RowReader {
  /** The line that the next record begins at. */
  line: number;
  /**
   * Reads the records that `text` holds, one byte a character. Returns how many characters are done with: the rest, with what
   * follows it, belongs into the next call. After `last` nothing follows.
   */
  read(text: string, last: boolean, sink: RowSink): number;
}

const RETURN = 13;
/** Beyond it a record is a quote that nobody closed, or no text at all. */
export const RECORD_MAX_CHARACTERS = 256 * 1024;
const CELLS_MAX = 4096;
const SHOWN_CHARACTERS = 400;
const NOT_ASCII = /[\x80-\xff]/;

/**
 * CSV as RFC 4180 has it, and as it is met: any delimiter, LF or CRLF, blank lines left out, quotes inside unquoted cells as they are.
 * Bytes are characters here, so that what was read is known in bytes; cells are decoded. A record that cannot be read costs its
 * first line only: reading goes on at the next one.
 */
export class CsvReader implements RowReader {
  line = 1;
  private readonly delimiter: string;
  private readonly quote: string;
  private readonly decode: (cell: string) => string;
  private readonly cells: Cell[] = [];
  /** The rest of a line that was too long. */
  private skipping = false;

  constructor(options: CsvOptions = {}) {
    this.delimiter = options.delimiter ?? ",";
    this.quote = options.quote ?? '"';
    this.decode = decoder(options.encoding ?? "utf-8");
    const faulty = [this.delimiter, this.quote].some((text) => text.length > 1 || /[\r\n\x80-\uffff]/.test(text));
    if (faulty || this.delimiter === "" || this.delimiter === this.quote)
      throw new AgentError("batch_config_invalid", "delimiter and quote are two different ASCII characters; quote may be empty");
  }

  read(text: string, last: boolean, sink: RowSink): number {
    const foreign = NOT_ASCII.test(text);
    let at = 0;
    let quoteAt = this.nextQuote(text, 0);
    while (at < text.length) {
      let lineEnd = text.indexOf("\n", at);
      if (lineEnd < 0 && !last) return this.unfinished(text, at, sink);
      if (lineEnd < 0) lineEnd = text.length;
      const next = lineEnd + 1;
      if (this.skipping || next - at > RECORD_MAX_CHARACTERS) {
        if (!this.skipping) this.tooLong(text, at, sink);
        this.skipping = false;
        this.line++;
        at = next;
        continue;
      }
      if (quoteAt < at) quoteAt = this.nextQuote(text, at);
      const end = lineEnd > at && text.charCodeAt(lineEnd - 1) === RETURN ? lineEnd - 1 : lineEnd;
      if (end === at) {
        this.line++;
        at = next;
      } else if (quoteAt >= lineEnd) {
        this.plain(text, at, end);
        this.handOn(foreign, sink);
        this.line++;
        at = next;
      } else {
        const done = this.quoted(text, at, last, sink);
        if (done === null && text.length - at <= RECORD_MAX_CHARACTERS && !last) return at;
        if (done === null) {
          this.fault(text, at, at, "a quote is opened here and never closed", sink);
          this.line++;
          at = next;
        } else if (done < 0) {
          this.line++;
          at = next;
        } else {
          this.handOn(foreign, sink);
          this.line += newlines(text, at, done);
          at = done;
        }
      }
    }
    return Math.min(at, text.length);
  }

  private nextQuote(text: string, from: number): number {
    const at = this.quote === "" ? -1 : text.indexOf(this.quote, from);
    return at < 0 ? Infinity : at;
  }

  /** The text ends within a line. */
  private unfinished(text: string, at: number, sink: RowSink): number {
    if (this.skipping) return text.length;
    if (text.length - at <= RECORD_MAX_CHARACTERS) return at;
    this.tooLong(text, at, sink);
    this.skipping = true;
    return text.length;
  }

  private plain(text: string, from: number, end: number): void {
    const { cells, delimiter } = this;
    let n = 0;
    let at = from;
    for (;;) {
      const next = text.indexOf(delimiter, at);
      if (next < 0 || next >= end) break;
      if (n < CELLS_MAX) cells[n++] = text.slice(at, next);
      at = next + 1;
    }
    cells[n++] = text.slice(at, end);
    cells.length = n;
  }

  /** A record with quotes. Returns where the next one begins, null when it has no end, -1 after a fault. */
  private quoted(text: string, from: number, last: boolean, sink: RowSink): number | null {
    const { cells, delimiter, quote } = this;
    let n = 0;
    let at = from;
    for (;;) {
      let cell: string;
      if (text.startsWith(quote, at)) {
        let escaped = false;
        let close = at;
        for (;;) {
          close = text.indexOf(quote, close + 1);
          if (close < 0) return null;
          if (!text.startsWith(quote, close + 1)) break;
          escaped = true;
          close++;
        }
        cell = text.slice(at + 1, close);
        if (escaped) cell = cell.replaceAll(quote + quote, quote);
        at = close + 1;
      } else {
        const newline = indexOr(text, "\n", at, text.length);
        const end = Math.min(indexOr(text, delimiter, at, text.length), newline);
        cell = text.slice(at, end === newline && end > at && text.charCodeAt(end - 1) === RETURN ? end - 1 : end);
        at = end;
      }
      if (n < CELLS_MAX) cells[n++] = cell;
      if (text.startsWith(delimiter, at)) {
        at++;
        continue;
      }
      cells.length = n;
      if (at < text.length && text.charCodeAt(at) === RETURN && (at + 1 === text.length || text[at + 1] === "\n")) at++;
      if (at >= text.length) return last ? at : null;
      if (text[at] === "\n") return at + 1;
      this.fault(text, from, at, `a delimiter or the line's end must follow a closing quote`, sink);
      return -1;
    }
  }

  private handOn(foreign: boolean, sink: RowSink): void {
    const { cells } = this;
    if (foreign)
      for (let i = 0; i < cells.length; i++) if (NOT_ASCII.test(cells[i] as string)) cells[i] = this.decode(cells[i] as string);
    sink.record(cells, this.line);
  }

  private tooLong(text: string, at: number, sink: RowSink): void {
    this.fault(text, at, at, `a record has more than ${RECORD_MAX_CHARACTERS} bytes: is the file what it is said to be?`, sink);
  }

  private fault(text: string, from: number, at: number, message: string, sink: RowSink): void {
    const lineStart = at === from ? from : Math.max(from, text.lastIndexOf("\n", at - 1) + 1);
    const shown = text.slice(lineStart, Math.min(indexOr(text, "\n", lineStart, text.length), lineStart + SHOWN_CHARACTERS));
    sink.fault({
      line: this.line + newlines(text, from, lineStart),
      column: at - lineStart + 1,
      message,
      text: this.decode(shown),
    });
  }
}

/** What a text with one character a byte says. */
export function decoder(encoding: "utf-8" | "windows-1252"): (text: string) => string {
  const decoder = new TextDecoder(encoding);
  return (text) => (NOT_ASCII.test(text) ? decoder.decode(Buffer.from(text, "latin1")) : text);
}

function indexOr(text: string, wanted: string, from: number, other: number): number {
  const at = text.indexOf(wanted, from);
  return at < 0 ? other : at;
}

function newlines(text: string, from: number, to: number): number {
  let count = 0;
  for (let at = text.indexOf("\n", from); at >= 0 && at < to; at = text.indexOf("\n", at + 1)) count++;
  return count;
}
