import { compileRegex, type Labels, type Matcher } from "all-use-agent/sdk";

/** A matcher ready to be asked. A label that a series does not have counts as the empty text. */
export interface CompiledMatcher {
  readonly label: string;
  readonly op: Matcher["op"];
  readonly value: string;
  readonly matchesEmpty: boolean;
  test(value: string): boolean;
}

function testOf(matcher: Matcher): (value: string) => boolean {
  const wanted = matcher.value;
  if (matcher.op === "=") return (value) => value === wanted;
  if (matcher.op === "!=") return (value) => value !== wanted;
  const regex = compileRegex(wanted);
  return matcher.op === "=~" ? (value) => regex.test(value) : (value) => !regex.test(value);
}

/** Throws RegexSyntaxError for an expression that does not parse. */
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
