import { AgentError } from "all-use-agent/sdk";
import { describe, expect, test } from "vitest";
import { cpuMsOf } from "../../test/support/cpu.ts";
import { check } from "./check.ts";
import { format, print } from "./format.ts";
import { normalize, unquote } from "./lex.ts";
import { parse, parseSelector } from "./parse.ts";

/** The tree with every binding in parentheses. */
function bound(text: string): string {
  const show = (node: ReturnType<typeof parse>): string => {
    if (node.type === "binary") return `(${show(node.left)} ${node.op} ${show(node.right)})`;
    if (node.type === "unary") return `(${node.op}${show(node.expr)})`;
    if (node.type === "paren") return show(node.expr);
    return print(node);
  };
  return show(parse(text));
}

function failure(text: string): { code: string; message: string; where: string | undefined } {
  try {
    check(parse(text), text);
  } catch (error) {
    if (error instanceof AgentError) return { code: error.code, message: error.message, where: error.where };
    throw error;
  }
  throw new Error(`${text} was accepted`);
}

describe("binding", () => {
  test.each([
    ["a + b * c ^ d", "(a + (b * (c ^ d)))"],
    ["a ^ b ^ c", "(a ^ (b ^ c))"],
    ["a - b - c", "((a - b) - c)"],
    ["a or b and c unless d", "(a or ((b and c) unless d))"],
    ["a == b + 1 > c", "((a == (b + 1)) > c)"],
    ["-1 ^ 2", "(-(1 ^ 2))"],
    ["-a * b", "((-a) * b)"],
    ["-a ^ b", "(-(a ^ b))"],
    ["2 ^ -1", "(2 ^ -1)"],
    ["1 -1", "(1 - 1)"],
    ["a % b atan2 c", "((a % b) atan2 c)"],
    // Modifiers belong to the selector next to them, not to the whole expression before them.
    ["a + b offset 5m", "(a + b offset 5m)"],
    ["a + b offset 5m * c", "(a + (b offset 5m * c))"],
    ["-a[5m:] @ 10", "(-a[5m:] @ 10.000)"],
    ["a offset -2 ^ 2", "(a offset -2s ^ 2)"],
    ["a @ end() + b", "(a @ end() + b)"],
  ])("%s", (text, expected) => {
    expect(bound(text)).toBe(expected);
  });
});

describe("errors", () => {
  test.each([
    ["", "query_parse", "1:1", /no expression/],
    ["sum(", "query_parse", "1:5", /unexpected end of input/],
    ["a b", "query_parse", "1:3", /unexpected identifier "b"/],
    ["a +\n  * b", "query_parse", "2:3", /unexpected "\*"/],
    ["1 + foo(a)", "query_parse", "1:5", /unknown function with name "foo"/],
    ["{}", "query_parse", "1:1", /at least one non-empty matcher/],
    ['{a=~".*"}', "query_parse", "1:1", /at least one non-empty matcher/],
    ['a{b=~"("}', "query_parse", "1:6", /missing closing \)/],
    ['a{__name__="b"}', "query_parse", "1:1", /must not be set twice/],
    ["a offset 1m offset 2m", "query_parse", "1:1", /multiple times/],
    ["(a + b)[5m]", "query_parse", "1:1", /ranges only allowed/],
    ["sum(a) offset 5m", "query_parse", "1:1", /must be preceded/],
    ["a[0s]", "query_parse", "1:3", /greater than 0/],
    ['a{b="c}', "query_parse", "1:8", /end of input/],
    ["1 > 2", "query_type", "1:1", /must use BOOL/],
    ["a + bool b", "query_type", "1:1", /bool modifier/],
    ["rate(a)", "query_type", "1:6", /expected type range vector/],
    ['"a" + 1', "query_type", "1:1", /only scalar and instant vector/],
    ["1 and a", "query_type", "1:1", /set operator/],
    ["a and on (x) group_left b", "query_type", "1:1", /no grouping allowed/],
    ["a * on (x) group_left (x) b", "query_type", "1:1", /ON and GROUP/],
    ["rate(a[5m], 1)", "query_type", "1:1", /expected 1 argument/],
    ["a[5m] + 1", "query_type", "1:1", /only scalar and instant vector/],
  ])("%j", (text, code, where, message) => {
    const error = failure(text);
    expect(error.code).toBe(code);
    expect(error.where).toBe(where);
    expect(error.message).toMatch(message);
    expect(error.message.startsWith(`${where}: `)).toBe(true);
  });

  test.each([
    ["nesting", `${"(".repeat(40_000)}1`],
    ["nesting that closes", `${"(".repeat(900)}1${")".repeat(900)}`],
    ["minuses", `${"-".repeat(40_000)}1`],
    ["operators", "a+".repeat(40_000) + "a"],
    ["subqueries", `a${"[5m:]".repeat(10_000)}`],
    ["braces", "a{".repeat(40_000)],
    ["quotes", '"'.repeat(90_001)],
    ["length", "a + ".repeat(100_000)],
    ["nested durations", `a[${"(".repeat(2_000)}5m${")".repeat(2_000)}]`],
  ])("endless %s end quickly", (_, text) => {
    expect(cpuMsOf(() => expect(failure(text).code).toBe("query_parse"))).toBeLessThan(5_000);
  });

  test("what is deep but within bounds is read", () => {
    expect(check(parse(`${"(".repeat(300)}a${")".repeat(300)}`), "")).toBe("vector");
    expect(check(parse(Array.from({ length: 300 }, () => "a").join(" or ")), "")).toBe("vector");
  });
});

describe("canonical form", () => {
  test.each([
    ["sum(rate(x[5m]))by(a,b)", "sum by (a, b) (rate(x[5m]))"],
    ["SUM WITHOUT (a) (x)", "sum without (a) (x)"],
    ["a*on(x)group_left(y)b", "a * on (x) group_left (y) b"],
    ["a > bool ignoring(x) 1 * b", "a > bool ignoring (x) 1 * b"],
    ['{__name__="a",b=~"c"}', '{__name__="a",b=~"c"}'],
    ['{"my.metric","la bel"!="x"}', '{"my.metric","la bel"!="x"}'],
    ["rate(x[300s] offset -1h)", "rate(x[5m] offset -1h)"],
    ["max_over_time(x[1h:30s] @ start())", "max_over_time(x[1h:30s] @ start())"],
    ["increase(x[1m] smoothed)", "increase(x[1m] smoothed)"],
    ["a + fill(0) b", "a + fill (0) b"],
    ["x[5m+step()*2]", "x[5m + step() * 2]"],
    ["1e3 + 0x10 + 5m", "1000 + 16 + 5m"],
    ["count_values('v', x)", 'count_values("v", x)'],
  ])("%s", (text, expected) => {
    expect(format(parse(text))).toBe(expected);
    expect(format(parse(expected))).toBe(expected);
  });

  test("long lines are broken, and mean the same", () => {
    const text = `sum by (instance) (rate(${"a".repeat(90)}[5m])) / on (instance) group_left () sum by (instance) (rate(${"b".repeat(90)}[5m]))`;
    const pretty = format(parse(text));
    expect(pretty.split("\n").length).toBeGreaterThan(5);
    expect(print(parse(pretty))).toBe(print(parse(text)));
  });
});

describe("small parts", () => {
  test("text is brought into the grammar's form in place", () => {
    expect(normalize('x[STEP()] + 2. # STEP( 2.\n + y{a="STEP( 2."}')).toBe('x[step()] + 2  # STEP( 2.\n + y{a="STEP( 2."}');
  });

  test("strings are unquoted by Go's rules", () => {
    const read = (text: string): string => unquote(text, 0, text.length);
    expect(read('"a\\n\\t\\"\\x41\\101\\u00e9\\U0001F600"')).toBe('a\n\t"AAé😀');
    expect(read("'it\\'s'")).toBe("it's");
    expect(read("`a\\n`")).toBe("a\\n");
    expect(read('"\\xc3\\xa9"')).toBe("é");
    expect(() => read('"\\q"')).toThrow(/unknown escape/);
    expect(() => read('"a')).toThrow(/unterminated/);
  });

  test("match[] selectors", () => {
    expect(parseSelector('up{job=~"a|b"}')).toEqual([
      { label: "job", op: "=~", value: "a|b" },
      { label: "__name__", op: "=", value: "up" },
    ]);
    expect(() => parseSelector("up + 1")).toThrow(/series selector/);
    expect(() => parseSelector("up offset 5m")).toThrow(/series selector/);
  });
});
