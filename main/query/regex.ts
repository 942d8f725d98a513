/**
 * Regular expressions as PromQL means them: RE2 syntax, anchored at both ends, `.` matching newlines. Translated to
 * JavaScript's; what the two do not share (back references, look-around) is refused as RE2 refuses it.
 */
import { AgentError } from "all-use-agent/sdk";

const POSIX: Readonly<Record<string, string>> = {
  alnum: "0-9A-Za-z",
  alpha: "A-Za-z",
  ascii: "\\x00-\\x7f",
  blank: "\\t ",
  cntrl: "\\x00-\\x1f\\x7f",
  digit: "0-9",
  graph: "!-~",
  lower: "a-z",
  print: " -~",
  punct: "!-\\/:-@\\[-`{-~",
  space: "\\t\\n\\v\\f\\r ",
  upper: "A-Z",
  word: "0-9A-Za-z_",
  xdigit: "0-9A-Fa-f",
};

const MAX_PATTERN = 10_000;

function refuse(pattern: string, why: string): AgentError {
  return new AgentError("query_parse", `error parsing regexp: ${why}: \`${pattern.slice(0, 200)}\``);
}

/** The index after a character class that opens at `i`, and its translation. */
function readClass(pattern: string, start: number): { text: string; end: number } {
  let i = start + 1;
  let text = "[";
  if (pattern[i] === "^") {
    text += "^";
    i++;
  }
  for (let first = true; ; first = false) {
    const char = pattern[i];
    if (char === undefined) throw refuse(pattern, "missing closing ]");
    if (char === "]" && !first) return { text: `${text}]`, end: i + 1 };
    if (char === "[" && pattern[i + 1] === ":") {
      const close = pattern.indexOf(":]", i + 2);
      const name = close < 0 ? "" : pattern.slice(i + 2, close);
      const negated = name.startsWith("^");
      const set = POSIX[negated ? name.slice(1) : name];
      if (set === undefined || negated) throw refuse(pattern, "invalid character class range");
      text += set;
      i = close + 2;
    } else if (char === "\\") {
      const escape = readEscape(pattern, i, true);
      text += escape.text;
      i = escape.end;
    } else {
      // `v`-less class syntax under the `u` flag: these are the only characters that need a backslash.
      text += char === "]" || char === "[" ? `\\${char}` : char;
      i++;
    }
  }
}

function readEscape(pattern: string, start: number, inClass: boolean): { text: string; end: number } {
  const letter = pattern[start + 1];
  const after = start + 2;
  if (letter === undefined) throw refuse(pattern, "trailing backslash at end of expression");
  if (/[dDsSwWfnrtv]/.test(letter)) return { text: `\\${letter}`, end: after };
  if (letter === "a") return { text: "\\x07", end: after };
  if (!inClass && (letter === "b" || letter === "B")) return { text: `\\${letter}`, end: after };
  if (!inClass && letter === "A") return { text: "(?<![^])", end: after };
  if (!inClass && letter === "z") return { text: "(?![^])", end: after };
  if (letter === "x") {
    const match = /^(?:\{([0-9a-fA-F]{1,6})\}|([0-9a-fA-F]{2}))/.exec(pattern.slice(after));
    if (match === null) throw refuse(pattern, "invalid escape sequence");
    return { text: `\\u{${match[1] ?? match[2]}}`, end: after + match[0].length };
  }
  if (letter === "p" || letter === "P") {
    const match = /^(?:\{(\^?)([A-Za-z_]+)\}|([A-Z]))/.exec(pattern.slice(after));
    if (match === null) throw refuse(pattern, "invalid character class range");
    const negated = (letter === "P") !== (match[1] === "^");
    const name = match[2] ?? match[3]!;
    const property = name.length <= 2 ? name : `Script=${name}`;
    return { text: `\\${negated ? "P" : "p"}{${property}}`, end: after + match[0].length };
  }
  if (letter === "Q" && !inClass) {
    const close = pattern.indexOf("\\E", after);
    const literal = pattern.slice(after, close < 0 ? pattern.length : close);
    return { text: literal.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"), end: close < 0 ? pattern.length : close + 2 };
  }
  if (letter === "0") return { text: "\\x00", end: after };
  if (/[1-9a-zA-Z]/.test(letter)) throw refuse(pattern, "invalid escape sequence");
  const code = letter.codePointAt(0)!;
  if (code > 127) throw refuse(pattern, "invalid escape sequence");
  if (/[\\^$.*+?()[\]{}|/]/.test(letter) || (inClass && letter === "-")) return { text: `\\${letter}`, end: after };
  return { text: `\\x${code.toString(16).padStart(2, "0")}`, end: after };
}

/** Whether `(?flags:…)` can be written in this JavaScript (from Node 23 on). */
const HAS_MODIFIERS = ((): boolean => {
  try {
    new RegExp("(?i:a)", "u");
    return true;
  } catch {
    return false;
  }
})();

interface Translated {
  readonly source: string;
  readonly ignoreCase: boolean;
}

/** RE2 → JavaScript source. A flag group in the middle, `(?i)`, becomes `(?i:` up to the end of the group it stands in. */
function translate(pattern: string): Translated {
  let source = "";
  let ignoreCase = false;
  /** How many groups opened by `(?i)` must be closed with each open group. */
  const opened = [0];
  let i = 0;
  const leading = /^\(\?([ims]+)\)/.exec(pattern);
  if (leading !== null) {
    ignoreCase = leading[1]!.includes("i");
    if (leading[1]!.includes("m")) throw refuse(pattern, "multi-line mode has no use in an anchored expression");
    i = leading[0].length;
  }
  while (i < pattern.length) {
    const char = pattern[i]!;
    if (char === "\\") {
      const escape = readEscape(pattern, i, false);
      source += escape.text;
      i = escape.end;
    } else if (char === "[") {
      const set = readClass(pattern, i);
      source += set.text;
      i = set.end;
    } else if (char === "(") {
      const group = /^\((?:\?(?:(P?)<([A-Za-z_]\w*)>|([imsU]*)(?:-([imsU]+))?([:)])))?/.exec(pattern.slice(i))!;
      if (pattern[i + 1] === "?" && group[0].length === 1) throw refuse(pattern, "invalid or unsupported Perl syntax");
      const [all, , name, on = "", off = "", close] = group;
      if ((on + off).includes("U")) throw refuse(pattern, "the flag U is not supported");
      const modifiers = flagText(on, off);
      if (name !== undefined) {
        source += `(?<${name}>`;
        opened.push(0);
      } else if (close === ":") {
        source += `(?${modifiers}:`;
        opened.push(0);
      } else if (close === ")") {
        if (modifiers !== "") {
          source += `(?${modifiers}:`;
          opened[opened.length - 1]!++;
        }
      } else {
        source += "(";
        opened.push(0);
      }
      i += all.length;
    } else if (char === ")") {
      if (opened.length === 1) throw refuse(pattern, "unexpected )");
      source += ")".repeat(opened.pop()! + 1);
      i++;
    } else if (char === "|" && opened.at(-1)! > 0) {
      throw refuse(pattern, "put an alternation that follows a flag into a group of its own, (?i:a|b)");
    } else if (char === "{" && !/^\{\d+(,\d*)?\}/.test(pattern.slice(i, i + 16))) {
      source += "\\{";
      i++;
    } else if (char === "}" || char === "]") {
      const repeat = char === "}" && /\{\d+(,\d*)?$/.test(source);
      source += repeat ? char : `\\${char}`;
      i++;
    } else {
      source += char;
      i++;
    }
  }
  if (opened.length > 1) throw refuse(pattern, "missing closing )");
  return { source: source + ")".repeat(opened[0]!), ignoreCase };
}

function flagText(on: string, off: string): string {
  const added = on.includes("i") ? "i" : "";
  const removed = off.includes("i") ? "-i" : "";
  return added + removed;
}

/** Compiled, anchored at both ends. Throws `query_parse`. */
export function compileRegex(pattern: string): RegExp {
  if (pattern.length > MAX_PATTERN) throw refuse(pattern, `longer than ${MAX_PATTERN} characters`);
  const { source, ignoreCase } = translate(pattern);
  if (!HAS_MODIFIERS && /\(\?-?i/.test(source)) {
    throw refuse(pattern, "a flag inside a group needs a newer Node.js; put (?i) at the start instead");
  }
  try {
    return new RegExp(`^(?:${source})$`, ignoreCase ? "sui" : "su");
  } catch (error) {
    throw refuse(pattern, error instanceof Error ? error.message.replace(/^.*: /, "") : "invalid");
  }
}
