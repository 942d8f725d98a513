import { AgentError, errorText } from "./errors.ts";
import { compileRegex } from "./regex/index.ts";
import type { Matcher, MatchOperator, SeriesInfo } from "./series.ts";

const SPACE = /\s*/y;
const NAME = /[a-zA-Z_:][a-zA-Z0-9_:]*/y;
const LABEL = /[a-zA-Z_][a-zA-Z0-9_]*/y;
const OPERATOR = /=~|!~|!=|=/y;
const QUOTED = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/y;
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", '"': '"', "'": "'", "\\": "\\" };

/** A series selector as in PromQL: `node_cpu_seconds_total{mode!="idle"}`, `{__name__=~"node_.+"}`. `{}` is every series. Throws `selector_invalid`. */
export function parseSelector(text: string): Matcher[] {
  let at = 0;
  const take = (pattern: RegExp): string | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0] ?? null;
    at += found?.length ?? 0;
    return found;
  };
  const expect = (pattern: RegExp, what: string): string => {
    const found = take(pattern);
    take(SPACE);
    if (found !== null) return found;
    throw new AgentError("selector_invalid", `expected ${what} at ${at} of the selector ${JSON.stringify(text)}`, {
      where: String(at),
    });
  };
  const matchers: Matcher[] = [];
  take(SPACE);
  const name = take(NAME);
  take(SPACE);
  if (name !== null) matchers.push({ label: "__name__", op: "=", value: name });
  if (name === null || at < text.length) {
    expect(/\{/y, "a metric name or {");
    while (take(/\}/y) === null) {
      const label = expect(LABEL, "a label's name or }");
      const op = expect(OPERATOR, "=, !=, =~ or !~") as MatchOperator;
      const value = expect(QUOTED, "a value in quotes").slice(1, -1).replace(/\\(.)/g, unescape);
      matchers.push({ label, op, value });
      if (take(/,/y) === null) {
        expect(/\}/y, ", or }");
        break;
      }
      take(SPACE);
    }
    take(SPACE);
    if (at < text.length) expect(/$/y, "the end");
  }
  return matchers;
}

function unescape(whole: string, letter: string): string {
  return ESCAPES[letter] ?? whole;
}

/** A test of series by a selector; a label that a series lacks is the empty text. Throws `selector_invalid`. */
export function compileSelector(text: string): (series: Pick<SeriesInfo, "name" | "labels">) => boolean {
  const tests = parseSelector(text).map(({ label, op, value }) => {
    const wanted = op === "=" || op === "=~";
    const test = op === "=" || op === "!=" ? (found: string) => found === value : regexOf(value, text);
    return { label, passes: (found: string): boolean => test(found) === wanted };
  });
  return ({ name, labels }) =>
    tests.every(({ label, passes }) => passes(label === "__name__" ? name : Object.hasOwn(labels, label) ? labels[label] : ""));
}

function regexOf(pattern: string, selector: string): (text: string) => boolean {
  try {
    const regex = compileRegex(pattern);
    return (text) => regex.test(text);
  } catch (error) {
    throw new AgentError(
      "selector_invalid",
      `the selector ${JSON.stringify(selector)} has a bad expression: ${errorText(error)}`,
      {
        cause: error,
      },
    );
  }
}
