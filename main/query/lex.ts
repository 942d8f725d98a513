import { parseError } from "./errors.ts";

/** Words that PromQL reads in any case but the grammar package only in lower case, when a parenthesis follows. */
const CASELESS_CALLS = new Set(["step", "range", "min_of", "max_of", "start", "end"]);

/**
 * The text in the form that the grammar package accepts, every character in its place: comments and strings are left
 * alone, `STEP(` becomes `step(`, `2.` loses its point.
 */
export function normalize(text: string): string {
  let out = "";
  let copied = 0;
  const replace = (from: number, to: number, by: string): void => {
    out += text.slice(copied, from) + by;
    copied = to;
  };
  const token =
    /#[^\n]*|"(?:[^"\\\n]|\\[^])*"?|'(?:[^'\\\n]|\\[^])*'?|`[^`]*`?|[a-zA-Z_:][\w:]*(?=\s*\()|[a-zA-Z_:][\w:]*|\d[\d_]*\.(?![\d\w])|\.?\d[\w.]*/g;
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    const word = match[0];
    const end = match.index + word.length;
    const first = word.charCodeAt(0);
    if (first >= 0x30 && first <= 0x39) {
      if (word.endsWith(".")) replace(end - 1, end, " ");
    } else if (CASELESS_CALLS.has(word.toLowerCase()) && /^\s*\(/.test(text.slice(end, end + 32))) {
      replace(match.index, end, word.toLowerCase());
    }
  }
  return copied === 0 ? text : out + text.slice(copied);
}

const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  "'": "'",
  '"': '"',
};

/** The value of a string literal at `from..to` of `text`, by Go's rules. Bytes that are no UTF-8 become U+FFFD. Throws `query_parse`. */
export function unquote(text: string, from: number, to: number): string {
  const quote = text[from];
  if (to - from < 2 || text[to - 1] !== quote) throw parseError(text, from, "unterminated quoted string");
  const body = text.slice(from + 1, to - 1);
  if (quote === "`" || !body.includes("\\")) return body;
  let value = "";
  let bytes: number[] = [];
  const flush = (): void => {
    if (bytes.length === 0) return;
    value += new TextDecoder().decode(Uint8Array.from(bytes));
    bytes = [];
  };
  const digits = (at: number, count: number, base: 8 | 16): number => {
    const part = body.slice(at, at + count);
    const valid = part.length === count && (base === 16 ? /^[0-9a-fA-F]+$/ : /^[0-7]+$/).test(part);
    if (!valid) throw parseError(text, from + 1 + at, "invalid escape sequence in a string");
    return Number.parseInt(part, base);
  };
  for (let i = 0; i < body.length;) {
    if (body[i] !== "\\") {
      flush();
      const next = body.indexOf("\\", i);
      value += body.slice(i, next < 0 ? body.length : next);
      i = next < 0 ? body.length : next;
      continue;
    }
    const letter = body[i + 1] ?? "";
    const simple = SIMPLE_ESCAPES[letter];
    if (simple !== undefined) {
      flush();
      value += simple;
      i += 2;
    } else if (letter === "x") {
      bytes.push(digits(i + 2, 2, 16));
      i += 4;
    } else if (letter === "u" || letter === "U") {
      const count = letter === "u" ? 4 : 8;
      const code = digits(i + 2, count, 16);
      if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
        throw parseError(text, from + 1 + i, "escape is not a Unicode code point");
      flush();
      value += String.fromCodePoint(code);
      i += 2 + count;
    } else if (letter >= "0" && letter <= "7") {
      const code = digits(i + 1, 3, 8);
      if (code > 255) throw parseError(text, from + 1 + i, "octal escape is above 255");
      bytes.push(code);
      i += 4;
    } else {
      throw parseError(text, from + 1 + i, `unknown escape sequence \\${letter} in a string`);
    }
  }
  flush();
  return value;
}
