import { ANY, ANY_BUT_NEWLINE, type CharSet, foldCase, invert, PERL, POSIX, property, union } from "./charset.ts";

/** The pattern is not RE2; the message says why, as Go's regexp package does. */
export class RegexSyntaxError extends Error {
  constructor(pattern: string, why: string) {
    super(`error parsing regexp: ${why}: \`${pattern.length > 200 ? `${pattern.slice(0, 200)}…` : pattern}\``);
    this.name = "RegexSyntaxError";
  }
}

export type Assertion = "textStart" | "textEnd" | "lineStart" | "lineEnd" | "word" | "notWord";

export type RegexNode =
  | { readonly type: "empty" }
  | { readonly type: "chars"; readonly set: CharSet }
  | { readonly type: "assert"; readonly what: Assertion }
  | { readonly type: "sequence" | "choice"; readonly parts: readonly RegexNode[] }
  | { readonly type: "repeat"; readonly of: RegexNode; readonly min: number; readonly max: number; readonly greedy: boolean }
  | { readonly type: "group"; readonly of: RegexNode; readonly index: number };

export interface ParsedRegex {
  readonly root: RegexNode;
  /** Number of capturing groups. */
  readonly groups: number;
  readonly names: ReadonlyMap<string, number>;
}

interface Flags {
  readonly ignoreCase: boolean;
  readonly multiLine: boolean;
  readonly dotNewline: boolean;
  readonly swapGreed: boolean;
}

const MAX_LENGTH = 10_000;
const MAX_DEPTH = 200;
const MAX_REPEAT = 1_000;
const EMPTY: RegexNode = { type: "empty" };

/** RE2 syntax; `.` matches newlines unless told otherwise, as in PromQL. Throws RegexSyntaxError. */
export function parseRegex(pattern: string): ParsedRegex {
  if (pattern.length > MAX_LENGTH) throw new RegexSyntaxError(pattern, `longer than ${MAX_LENGTH} characters`);
  return new Parser(withoutQuotes(pattern)).parse();
}

/** `\Qa.b\E` written out as `a\.b`. */
function withoutQuotes(pattern: string): string {
  if (!pattern.includes("\\Q")) return pattern;
  return pattern.replace(/(\\[^Q])|\\Q([^]*?)(?:\\E|$)/g, (all, other: string | undefined, literal: string | undefined) =>
    other === undefined ? (literal ?? "").replace(/[\\^$.*+?()[\]{}|]/g, "\\$&") : all,
  );
}

class Parser {
  private readonly pattern: string;
  private at = 0;
  private groups = 0;
  private readonly names = new Map<string, number>();
  private flags: Flags = { ignoreCase: false, multiLine: false, dotNewline: true, swapGreed: false };

  constructor(pattern: string) {
    this.pattern = pattern;
  }

  parse(): ParsedRegex {
    const root = this.choice(0);
    if (this.at < this.pattern.length) throw this.fail("unexpected )");
    return { root, groups: this.groups, names: this.names };
  }

  private fail(why: string): RegexSyntaxError {
    return new RegexSyntaxError(this.pattern, why);
  }

  private peek(): string {
    return this.pattern[this.at] ?? "";
  }

  private choice(depth: number): RegexNode {
    if (depth > MAX_DEPTH) throw this.fail("expression nests too deeply");
    const parts: RegexNode[] = [];
    for (;;) {
      parts.push(this.sequence(depth));
      if (this.peek() !== "|") return parts.length === 1 ? parts[0] : { type: "choice", parts };
      this.at++;
    }
  }

  private sequence(depth: number): RegexNode {
    const parts: RegexNode[] = [];
    while (this.at < this.pattern.length && this.peek() !== "|" && this.peek() !== ")") {
      const start = this.at;
      const part = this.atom(depth);
      if (part !== null) parts.push(this.repeated(part, start));
    }
    return parts.length === 0 ? EMPTY : parts.length === 1 ? parts[0] : { type: "sequence", parts };
  }

  private repeated(part: RegexNode, start: number): RegexNode {
    let node = part;
    for (let times = 0; ; times++) {
      const bounds = this.repetition();
      if (bounds === null) return node;
      if (times > 0) throw this.fail(`invalid nested repetition operator ${this.pattern.slice(start, this.at)}`);
      let greedy = !this.flags.swapGreed;
      if (this.peek() === "?") {
        greedy = !greedy;
        this.at++;
      }
      node = { type: "repeat", of: node, min: bounds[0], max: bounds[1], greedy };
    }
  }

  /** Reads `*`, `+`, `?`, `{n}`, `{n,}`, `{n,m}`; anything else after `{` is a plain brace. */
  private repetition(): readonly [number, number] | null {
    const char = this.peek();
    if (char === "*" || char === "+" || char === "?") {
      this.at++;
      return [char === "+" ? 1 : 0, char === "?" ? 1 : Number.POSITIVE_INFINITY];
    }
    if (char !== "{") return null;
    const match = /^\{(\d+)(,(\d*))?\}/.exec(this.pattern.slice(this.at, this.at + 30));
    if (match === null) return null;
    this.at += match[0].length;
    const min = Number(match[1]);
    const max = match[2] === undefined ? min : match[3] === "" ? Number.POSITIVE_INFINITY : Number(match[3]);
    if (min > MAX_REPEAT || (max > MAX_REPEAT && max !== Number.POSITIVE_INFINITY) || min > max)
      throw this.fail("invalid repeat count");
    return [min, max];
  }

  private chars(set: CharSet): RegexNode {
    return { type: "chars", set: this.flags.ignoreCase ? foldCase(set) : set };
  }

  private atom(depth: number): RegexNode | null {
    const char = this.peek();
    switch (char) {
      case "(":
        return this.group(depth);
      case "[":
        return this.chars(this.charClass());
      case ".":
        this.at++;
        return { type: "chars", set: this.flags.dotNewline ? ANY : ANY_BUT_NEWLINE };
      case "^":
        this.at++;
        return { type: "assert", what: this.flags.multiLine ? "lineStart" : "textStart" };
      case "$":
        this.at++;
        return { type: "assert", what: this.flags.multiLine ? "lineEnd" : "textEnd" };
      case "*":
      case "+":
      case "?":
        throw this.fail("missing argument to repetition operator");
      case "\\":
        return this.escaped();
      default: {
        if (char === "{" && /^\{\d+(,\d*)?\}/.test(this.pattern.slice(this.at, this.at + 30))) {
          throw this.fail("missing argument to repetition operator");
        }
        const code = this.pattern.codePointAt(this.at)!;
        this.at += code > 0xffff ? 2 : 1;
        return this.chars([code, code]);
      }
    }
  }

  private group(depth: number): RegexNode | null {
    const saved = this.flags;
    const head = /^\((?:\?(?:P?<(\w+)>|([imsU]*)(?:-([imsU]+))?([:)])))?/.exec(this.pattern.slice(this.at))!;
    if (this.pattern[this.at + 1] === "?" && head[0].length === 1) throw this.fail("invalid or unsupported Perl syntax");
    this.at += head[0].length;
    const [, name, on, off, end] = head;
    if (end !== undefined) {
      if (on === "" && off === undefined && end === ")") throw this.fail("missing argument to repetition operator");
      this.flags = withFlags(withFlags(this.flags, on, true), off ?? "", false);
      // `(?i)` holds to the end of the group around it.
      if (end === ")") return null;
    }
    const index = end === undefined ? ++this.groups : 0;
    if (name !== undefined) {
      if (this.names.has(name)) throw this.fail("duplicate capture group name");
      this.names.set(name, index);
    }
    const of = this.choice(depth + 1);
    if (this.peek() !== ")") throw this.fail("missing closing )");
    this.at++;
    this.flags = saved;
    return index === 0 ? of : { type: "group", of, index };
  }

  private escaped(): RegexNode {
    const letter = this.pattern[this.at + 1];
    const assertions: Readonly<Record<string, Assertion>> = { A: "textStart", z: "textEnd", b: "word", B: "notWord" };
    if (letter !== undefined && Object.hasOwn(assertions, letter)) {
      this.at += 2;
      return { type: "assert", what: assertions[letter] };
    }
    return this.chars(this.escape());
  }

  /** What a backslash and what follows it stand for, inside and outside of classes. */
  private escape(): CharSet {
    const start = this.at;
    const letter = this.pattern[start + 1];
    if (letter === undefined) throw this.fail("trailing backslash at end of expression");
    this.at = start + 2;
    const perl = PERL[letter.toLowerCase()];
    if (perl !== undefined) return letter === letter.toLowerCase() ? perl : invert(perl);
    const simple = "afnrtv".indexOf(letter);
    if (simple >= 0) {
      const code = [7, 12, 10, 13, 9, 11][simple];
      return [code, code];
    }
    const rest = this.pattern.slice(this.at, this.at + 60);
    if (letter === "x") {
      const match = /^(?:\{([0-9a-fA-F]{1,6})\}|([0-9a-fA-F]{2}))/.exec(rest);
      const code = match === null ? Number.NaN : Number.parseInt(match[1] ?? match[2], 16);
      if (!(code <= 0x10ffff)) throw this.fail("invalid escape sequence");
      this.at += match![0].length;
      return [code, code];
    }
    if (letter === "p" || letter === "P") {
      const match = /^(?:\{(\^?)(\w+)\}|(\w))/.exec(rest);
      const set = match === null ? null : property(match[2] ?? match[3]);
      if (set === null) throw this.fail("invalid character class range");
      this.at += match![0].length;
      return (letter === "P") !== (match![1] === "^") ? invert(set) : set;
    }
    const octal = /^(?:0[0-7]{0,2}|[1-7][0-7]{1,2})/.exec(letter + rest);
    if (octal !== null) {
      this.at += octal[0].length - 1;
      const code = Number.parseInt(octal[0], 8);
      return [code, code];
    }
    const code = letter.charCodeAt(0);
    if (code > 0x7e || /[\w]/.test(letter)) throw this.fail(`invalid escape sequence \\${letter}`);
    return [code, code];
  }

  private charClass(): CharSet {
    this.at++;
    const negated = this.peek() === "^";
    if (negated) this.at++;
    const pairs: number[] = [];
    for (let first = true; ; first = false) {
      const char = this.peek();
      if (char === "") throw this.fail("missing closing ]");
      if (char === "]" && !first) break;
      if (char === "[" && this.pattern[this.at + 1] === ":") {
        const posix = /^\[:(\^?)(\w+):\]/.exec(this.pattern.slice(this.at, this.at + 20));
        if (posix !== null) {
          const set = POSIX[posix[2]];
          if (set === undefined) throw this.fail("invalid character class range");
          pairs.push(...(posix[1] === "^" ? invert(set) : set));
          this.at += posix[0].length;
          continue;
        }
      }
      const low = this.classItem();
      if (this.peek() === "-" && this.pattern[this.at + 1] !== "]" && this.at + 1 < this.pattern.length) {
        this.at++;
        const high = this.classItem();
        if (low.length !== 2 || high.length !== 2 || low[0] !== low[1] || high[0] !== high[1] || low[0] > high[0]) {
          throw this.fail("invalid character class range");
        }
        pairs.push(low[0], high[0]);
      } else pairs.push(...low);
    }
    this.at++;
    const set = union(pairs);
    return negated ? invert(this.flags.ignoreCase ? foldCase(set) : set) : set;
  }

  private classItem(): CharSet {
    if (this.peek() === "\\") return this.escape();
    const code = this.pattern.codePointAt(this.at)!;
    this.at += code > 0xffff ? 2 : 1;
    return [code, code];
  }
}

function withFlags(flags: Flags, letters: string, value: boolean): Flags {
  return {
    ignoreCase: letters.includes("i") ? value : flags.ignoreCase,
    multiLine: letters.includes("m") ? value : flags.multiLine,
    dotNewline: letters.includes("s") ? value : flags.dotNewline,
    swapGreed: letters.includes("U") ? value : flags.swapGreed,
  };
}
