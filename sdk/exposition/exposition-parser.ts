import { readNumber } from "./number.ts";
import { parseSeriesText, seriesEnd, unescaped } from "./series-text.ts";
import { copyOf, type TextFamily, TextParser, type TextParserOptions } from "./text-parser.ts";

const BLANK = 32;
const TAB = 9;
const HASH = 35;
const EOF = "# EOF";
/** What is remembered of series and families; of more, the first are forgotten and asked for again. */
const KNOWN_MAX = 20_000;
const COMMENT = /^#[ \t]+(HELP|TYPE|UNIT)[ \t]+([a-zA-Z_:][a-zA-Z0-9_:]*)(?:[ \t]+(.*))?$/s;
const TYPES = ["counter", "gauge", "histogram", "summary", "untyped", "unknown", "gaugehistogram", "info", "stateset"];
/** What the names of a family's samples may end in beside the family's own name. */
const SUFFIX = /_(?:total|created|bucket|count|sum|gcount|gsum|info)$/;

export interface ExpositionOptions extends TextParserOptions {
  /** `openmetrics`: times in seconds, exemplars. `prometheus`: times in milliseconds (text format 0.0.4). */
  readonly format: "openmetrics" | "prometheus";
}

interface Known {
  readonly text: string;
  readonly id: number;
}

/**
 * Reads OpenMetrics 1.0 and Prometheus' text format 0.0.4, in any pieces. The same parser over many readings of one source
 * knows its series again by their text, most of them by their place, and allocates nothing for a sample of those. It takes what
 * either format takes: where OpenMetrics demands an order of families, or one blank, it does not insist.
 *
 * In a stream (`ended` is set) `# EOF` or an empty line ends a reading.
 */
export class ExpositionParser extends TextParser {
  private readonly seconds: boolean;
  private readonly known = new Map<string, Known>();
  private readonly families = new Map<string, TextFamily>();
  /** The series, and the comments, of the reading before, in its order. */
  private readonly order: Known[] = [];
  private readonly comments: string[] = [];
  private cursor = 0;
  private commentCursor = 0;
  private over = false;

  constructor(options: ExpositionOptions) {
    super(options);
    this.seconds = options.format === "openmetrics";
  }

  protected override began(): void {
    this.cursor = 0;
    this.commentCursor = 0;
    this.over = false;
  }

  protected line(text: string, from: number, to: number): void {
    if (from === to) return this.options.ended && this.endReading();
    if (this.over) return this.fault(0, "nothing may follow # EOF");
    if (text.charCodeAt(from) === HASH) this.comment(text, from, to);
    else this.sample(text, from, to);
  }

  private sample(text: string, from: number, to: number): void {
    let known: Known | null = this.order[this.cursor];
    let at = from + (known?.text.length ?? 0);
    if (known === undefined || !isBlank(text.charCodeAt(at)) || !text.startsWith(known.text, from)) {
      at = seriesEnd(text, from, to);
      if (at < 0) return this.fault(to - from, "the labels are not closed by }");
      const raw = text.slice(from, at);
      known = this.known.get(raw) ?? this.learn(raw);
      if (known === null) return;
      this.order[this.cursor] = known;
    }
    this.cursor++;
    const row = this.room();
    const { values, timestamps } = this.batch;
    const valueAt = skipBlanks(text, at, to);
    at = tokenEnd(text, valueAt, to);
    if (at === valueAt) return this.fault(to - from, `the value of ${shown(known.text)} is missing`);
    if (!readNumber(text, valueAt, at, values, row))
      return this.fault(valueAt - from, `${shown(text.slice(valueAt, at))} is not a number`);
    timestamps[row] = NaN;
    const timeAt = skipBlanks(text, at, to);
    // What follows a # is an exemplar.
    if (timeAt < to && text.charCodeAt(timeAt) !== HASH) {
      at = tokenEnd(text, timeAt, to);
      if (!readNumber(text, timeAt, at, timestamps, row))
        return this.fault(timeAt - from, `${shown(text.slice(timeAt, at))} is not a time`);
      timestamps[row] = Math.round(timestamps[row] * (this.seconds ? 1000 : 1));
      const restAt = skipBlanks(text, at, to);
      if (restAt < to && text.charCodeAt(restAt) !== HASH)
        return this.fault(restAt - from, `${shown(text.slice(restAt, to))} is too much: a line is a series, a value and a time`);
    }
    this.keep(row, known.id);
  }

  private learn(raw: string): Known | null {
    const series = parseSeriesText(raw);
    if ("message" in series) {
      this.fault(series.offset, series.message);
      return null;
    }
    if (this.known.size >= KNOWN_MAX) {
      this.known.clear();
      this.order.length = 0;
    }
    const id = this.options.define({ ...series, family: this.familyOf(series.name) });
    const known: Known = { text: copyOf(raw), id };
    this.known.set(known.text, known);
    return known;
  }

  private familyOf(name: string): TextFamily | null {
    return this.families.get(name) ?? this.families.get(name.replace(SUFFIX, "")) ?? null;
  }

  private comment(text: string, from: number, to: number): void {
    if (to - from === EOF.length && text.startsWith(EOF, from)) {
      this.whole = true;
      if (this.options.ended) this.endReading();
      else this.over = true;
      return;
    }
    const before: string | undefined = this.comments[this.commentCursor];
    if (before !== undefined && before.length === to - from && text.startsWith(before, from)) {
      this.commentCursor++;
      return;
    }
    const line = text.slice(from, to);
    const parts = COMMENT.exec(line);
    if (parts === null) return;
    const [, what, name, content = ""] = parts;
    if (what === "TYPE" && !TYPES.includes(content.trim()))
      return this.fault(line.length - content.length, `expected one of ${TYPES.join(", ")}, found ${shown(content)}`);
    if (this.families.size >= KNOWN_MAX) {
      this.families.clear();
      this.comments.length = 0;
      this.commentCursor = 0;
    }
    const known = this.families.get(name) ?? { name: copyOf(name) };
    const said = copyOf(what === "HELP" ? unescaped(content) : content.trim());
    this.families.set(known.name, { ...known, [what.toLowerCase()]: said });
    if (this.commentCursor < KNOWN_MAX) this.comments[this.commentCursor++] = copyOf(line);
  }
}

function isBlank(code: number): boolean {
  return code === BLANK || code === TAB;
}

function skipBlanks(text: string, from: number, to: number): number {
  let at = from;
  while (at < to && isBlank(text.charCodeAt(at))) at++;
  return at;
}

function tokenEnd(text: string, from: number, to: number): number {
  let at = from;
  while (at < to && !isBlank(text.charCodeAt(at))) at++;
  return at;
}

function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}…` : text);
}
