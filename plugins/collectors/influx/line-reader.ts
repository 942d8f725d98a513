const COMMA = 44;
const BLANK = 32;
const EQUALS = 61;
const BACKSLASH = 92;
const QUOTE = 34;
const NEWLINE = 10;
const RETURN = 13;
const HASH = 35;

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
const WHOLE = /^[+-]?\d+i$|^\d+u$/;
const TRUE = new Set(["t", "T", "true", "True", "TRUE"]);
const FALSE = new Set(["f", "F", "false", "False", "FALSE"]);

/** Why a line is none, with the offset in the text. */
export class LineFault extends Error {
  readonly at: number;

  constructor(at: number, message: string) {
    super(message);
    this.at = at;
  }
}

/** Fields of the point in hand; a text's value is undefined. */
export interface Field {
  /** Escaped, as it stands. */
  readonly key: string;
  readonly value: number | undefined;
}

/**
 * Walks line protocol point by point. Source: InfluxDB's line protocol reference; what it says of escapes and of line ends within
 * quoted texts holds here. A line is read whole before anything of it counts.
 */
export class LineReader {
  /** Of the point in hand: measurement and tags as they stand, its fields, the text of its time or "". */
  series = "";
  readonly fields: Field[] = [];
  time = "";
  /** From 1, as an editor counts. */
  lineNumber = 0;
  lineAt = 0;
  private readonly text: string;
  private at = 0;
  private linesPassed = 0;

  constructor(text: string) {
    this.text = text;
  }

  /** Goes to the next point; false at the end. Throws LineFault; the next call goes on with the line after. */
  next(): boolean {
    const { text } = this;
    for (;;) {
      while (this.at < text.length && isSpace(text.charCodeAt(this.at))) this.pass();
      if (this.at >= text.length) return false;
      if (text.charCodeAt(this.at) !== HASH) break;
      this.skipLine();
    }
    this.lineAt = this.at;
    this.lineNumber = this.linesPassed + 1;
    try {
      this.point();
      return true;
    } catch (error) {
      this.skipLine();
      throw error;
    }
  }

  /** The line in hand, for a message. */
  shown(): string {
    const end = this.text.indexOf("\n", this.lineAt);
    const line = this.text.slice(this.lineAt, Math.min(end < 0 ? this.text.length : end, this.lineAt + 80));
    return line.trimEnd();
  }

  private point(): void {
    const { text } = this;
    this.fields.length = 0;
    this.time = "";
    const seriesEnd = this.keyEnd(this.at, false);
    if (text.charCodeAt(seriesEnd) !== BLANK) throw new LineFault(seriesEnd, "missing fields");
    if (seriesEnd === this.at || text.charCodeAt(this.at) === COMMA) throw new LineFault(this.at, "missing measurement");
    this.series = text.slice(this.at, seriesEnd);
    this.at = skipBlanks(text, seriesEnd);
    for (;;) {
      this.field();
      if (text.charCodeAt(this.at) !== COMMA) break;
      this.at++;
    }
    if (text.charCodeAt(this.at) === BLANK) {
      const from = skipBlanks(text, this.at);
      let to = from;
      while (to < text.length && !isSpace(text.charCodeAt(to))) to++;
      this.time = text.slice(from, to);
      this.at = skipBlanks(text, to);
    }
    if (this.at < text.length && !isLineEnd(text.charCodeAt(this.at)))
      throw new LineFault(this.at, "nothing may follow the timestamp");
  }

  private field(): void {
    const { text } = this;
    const keyEnd = this.keyEnd(this.at, true);
    if (keyEnd === this.at) throw new LineFault(this.at, "missing field key");
    if (text.charCodeAt(keyEnd) !== EQUALS) throw new LineFault(keyEnd, "missing field value");
    const key = text.slice(this.at, keyEnd);
    const from = keyEnd + 1;
    if (text.charCodeAt(from) === QUOTE) {
      this.at = this.stringEnd(from);
      this.fields.push({ key, value: undefined });
      return;
    }
    let to = from;
    for (; to < text.length; to++) {
      const code = text.charCodeAt(to);
      if (code === COMMA || isSpace(code)) break;
    }
    const value = numberOf(text.slice(from, to));
    if (value === null)
      throw new LineFault(
        from,
        from === to ? "missing field value" : `${JSON.stringify(text.slice(from, Math.min(to, from + 60)))} is no value`,
      );
    this.fields.push({ key, value });
    this.at = to;
  }

  /** Where measurement and tags end, or a field's key: at the first blank, `=` or `,` that no backslash precedes. */
  private keyEnd(from: number, ofField: boolean): number {
    const { text } = this;
    let at = from;
    for (; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === BACKSLASH && at + 1 < text.length && !isLineEnd(text.charCodeAt(at + 1))) at++;
      else if (code === BLANK || isLineEnd(code)) break;
      else if (ofField && (code === EQUALS || code === COMMA)) break;
    }
    return at;
  }

  /** After the closing quote of a text, which may go over lines. */
  private stringEnd(quote: number): number {
    const { text } = this;
    for (let at = quote + 1; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === BACKSLASH) at++;
      else if (code === QUOTE) {
        for (let i = text.indexOf("\n", quote); i >= 0 && i < at; i = text.indexOf("\n", i + 1)) this.linesPassed++;
        return at + 1;
      }
    }
    throw new LineFault(quote, "unbalanced quotes");
  }

  private pass(): void {
    if (this.text.charCodeAt(this.at) === NEWLINE) this.linesPassed++;
    this.at++;
  }

  private skipLine(): void {
    const end = this.text.indexOf("\n", this.at);
    this.at = end < 0 ? this.text.length : end;
  }
}

/** A field's value; undefined never comes out: null is what is none. */
function numberOf(text: string): number | null {
  if (NUMBER.test(text)) return Number(text);
  if (WHOLE.test(text)) return Number(text.slice(0, -1));
  if (TRUE.has(text)) return 1;
  return FALSE.has(text) ? 0 : null;
}

/** Measurement and tags of a point's series text. Throws LineFault with the offset in that text. */
export function splitSeries(text: string): { measurement: string; tags: [string, string][] } {
  const parts = splitAt(text, COMMA);
  const tags: [string, string][] = [];
  const seen = new Set<string>();
  let at = parts[0].length + 1;
  for (const part of parts.slice(1)) {
    const [key, value, ...rest] = splitAt(part, EQUALS);
    if (key === "") throw new LineFault(at, "missing tag key");
    if (value === undefined || value === "" || rest.length > 0) throw new LineFault(at, "missing tag value");
    if (seen.has(key)) throw new LineFault(at, "duplicate tags");
    seen.add(key);
    tags.push([unescaped(key), unescaped(value)]);
    at += part.length + 1;
  }
  return { measurement: unescaped(parts[0]), tags };
}

/** Without the backslashes before commas, blanks and equals signs; any other backslash is one. */
export function unescaped(text: string): string {
  return text.includes("\\") ? text.replace(/\\([, =])/g, "$1") : text;
}

function splitAt(text: string, separator: number): string[] {
  const parts: string[] = [];
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === BACKSLASH) at++;
    else if (code === separator) {
      parts.push(text.slice(from, at));
      from = at + 1;
    }
  }
  parts.push(text.slice(from));
  return parts;
}

function skipBlanks(text: string, from: number): number {
  let at = from;
  while (text.charCodeAt(at) === BLANK) at++;
  return at;
}

function isLineEnd(code: number): boolean {
  return code === NEWLINE || code === RETURN;
}

function isSpace(code: number): boolean {
  return code === BLANK || isLineEnd(code) || code === 9;
}
