import { AgentError, compileRegex, type Labels, type Matcher, type MatchOperator } from "all-use-agent/sdk";

const NAME = /\s*([a-zA-Z_:][a-zA-Z0-9_:]*)/y;
const MATCHER = /\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\s*/y;

/** Whether a series is selected. */
export type Selector = (name: string, labels: Labels) => boolean;

/** Reads a PromQL selector of names and labels: `name{label="value", other=~"regex"}`. Throws `config_invalid` with the place. */
export function readSelector(text: string): Selector {
  const matchers = readMatchers(text);
  if (matchers.every(matchesNothing)) throw fault(text, 0, "it selects every series; name a metric or a label");
  const tests = matchers.map(testOf);
  return (name, labels) => tests.every((test) => test(name, labels));
}

function readMatchers(text: string): Matcher[] {
  const matchers: Matcher[] = [];
  let at = 0;
  const name = next(NAME, text, at);
  if (name) {
    matchers.push({ label: "__name__", op: "=", value: name[1] });
    at = NAME.lastIndex;
  }
  at = skip(text, at);
  if (text[at] === "{") {
    at = skip(text, at + 1);
    while (text[at] !== "}") {
      const match = next(MATCHER, text, at);
      if (!match) throw fault(text, at, 'expected label="value", with =, !=, =~ or !~');
      matchers.push({ label: match[1], op: match[2] as MatchOperator, value: unquoted(match[3]) });
      at = MATCHER.lastIndex;
      if (text[at] === ",") at = skip(text, at + 1);
      else if (text[at] !== "}") throw fault(text, at, "expected , or }");
    }
    at = skip(text, at + 1);
  }
  if (at < text.length) throw fault(text, at, "nothing may follow the selector");
  return matchers;
}

function testOf({ label, op, value }: Matcher): Selector {
  const of = (name: string, labels: Labels): string =>
    label === "__name__" ? name : Object.hasOwn(labels, label) ? labels[label] : "";
  if (op === "=") return (name, labels) => of(name, labels) === value;
  if (op === "!=") return (name, labels) => of(name, labels) !== value;
  const regex = compileRegex(value);
  return op === "=~" ? (name, labels) => regex.test(of(name, labels)) : (name, labels) => !regex.test(of(name, labels));
}

/** A matcher that the empty text passes selects nothing in particular. */
function matchesNothing(matcher: Matcher): boolean {
  return testOf(matcher)("", {});
}

function unquoted(text: string): string {
  return text.slice(1, -1).replace(/\\(.)/gs, (_, code: string) => (code === "n" ? "\n" : code === "t" ? "\t" : code));
}

function next(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

function skip(text: string, from: number): number {
  let at = from;
  while (at < text.length && /\s/.test(text[at])) at++;
  return at;
}

function fault(text: string, at: number, what: string): AgentError {
  return new AgentError("config_invalid", `match ${JSON.stringify(text)}, character ${at + 1}: ${what}`, { where: "/rules" });
}
