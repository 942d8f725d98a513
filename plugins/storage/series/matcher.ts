import type { Labels, Matcher } from "all-use-agent/sdk";

/** A regular expression that does not parse. Not an AgentError: this file also runs in the sealing worker, which has no SDK. */
export class RegexError extends Error {}

/** A matcher ready to be asked. A label that a series does not have counts as the empty text. */
export interface CompiledMatcher {
  readonly label: string;
  readonly op: Matcher["op"];
  readonly value: string;
  readonly matchesEmpty: boolean;
  test(value: string): boolean;
}

/** Parsed expressions with their verdicts, the newest last: dashboards ask the same ones every second. */
const REGEX_CACHE_MAX = 64;
/** Verdicts kept a regular expression; beyond it the memory is dropped and starts afresh. */
const VERDICTS_MAX = 20_000;

const regexes = new Map<string, (value: string) => boolean>();

function regexTest(pattern: string): (value: string) => boolean {
  const known = regexes.get(pattern);
  if (known) {
    regexes.delete(pattern);
    regexes.set(pattern, known);
    return known;
  }
  let regex: RegExp;
  try {
    // The pattern alone first, so that `a)(?:b` cannot escape the anchoring group.
    new RegExp(pattern, "su");
    regex = new RegExp(`^(?:${pattern})$`, "su");
  } catch (cause) {
    throw new RegexError(`The regular expression ${JSON.stringify(pattern)} cannot be parsed.`, { cause });
  }
  const verdicts = new Map<string, boolean>();
  const test = (value: string): boolean => {
    let verdict = verdicts.get(value);
    if (verdict === undefined) {
      if (verdicts.size >= VERDICTS_MAX) verdicts.clear();
      verdict = regex.test(value);
      verdicts.set(value, verdict);
    }
    return verdict;
  };
  regexes.set(pattern, test);
  if (regexes.size > REGEX_CACHE_MAX) regexes.delete(regexes.keys().next().value as string);
  return test;
}

function testOf(matcher: Matcher): (value: string) => boolean {
  const wanted = matcher.value;
  if (matcher.op === "=") return (value) => value === wanted;
  if (matcher.op === "!=") return (value) => value !== wanted;
  const test = regexTest(wanted);
  return matcher.op === "=~" ? test : (value) => !test(value);
}

/** Throws RegexError for an expression that does not parse. */
export function compileMatchers(matchers: readonly Matcher[]): CompiledMatcher[] {
  return matchers.map((matcher) => {
    const test = testOf(matcher);
    return { label: matcher.label, op: matcher.op, value: matcher.value, matchesEmpty: test(""), test };
  });
}

export function matches(matchers: readonly CompiledMatcher[], name: string, labels: Labels): boolean {
  for (const matcher of matchers) {
    const value = matcher.label === "__name__" ? name : Object.hasOwn(labels, matcher.label) ? labels[matcher.label] : "";
    if (!matcher.test(value)) return false;
  }
  return true;
}
