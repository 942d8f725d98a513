import { assert, constantFrom, letrec, oneof, property, string, tuple } from "fast-check";
import { describe, expect, test } from "vitest";
import { cpuMsOf } from "../../test/support/cpu.ts";
import { compileRegex, RegexSyntaxError } from "./index.ts";

function matches(pattern: string, text: string): boolean {
  return compileRegex(pattern).test(text);
}

/** Patterns in the part of the syntax that RE2 and JavaScript share. */
const pattern = letrec<{ node: string; leaf: string }>((tie) => ({
  leaf: constantFrom("a", "b", "c", ".", "[ab]", "[^a]", "\\d", "\\w", "1", "^", "$", "é", "\\.", "(?:)", "\\b", "\\B"),
  node: oneof(
    { maxDepth: 5, depthSize: "small" },
    tie("leaf"),
    tuple(tie("node"), tie("node")).map(([a, b]) => a + b),
    tuple(tie("node"), tie("node")).map(([a, b]) => `(${a}|${b})`),
    tuple(tie("node"), constantFrom("*", "+", "?", "{2}", "{0,2}", "*?", "+?", "??")).map(([a, times]) => `(?:${a})${times}`),
  ),
})).node;

const text = string({ unit: constantFrom("a", "b", "c", "1", ".", "é", " ", "\n", "😀"), maxLength: 8 });

describe("regular expressions", () => {
  test("agree with JavaScript's where both mean the same", () => {
    assert(
      property(pattern, text, (source, input) => {
        expect(matches(source, input)).toBe(new RegExp(`^(?:${source})$`, "su").test(input));
      }),
      { numRuns: 1_500 },
    );
  });

  test("capture what JavaScript captures", () => {
    const cases = [
      ["(a+)(b*)", "aab"],
      ["(a|ab)(c|bcd)(d*)", "abcd"],
      ["(a*?)(a*)", "aaa"],
      ["(?:(a)|b)*", "ab"],
      ["(.*)-(.*)-(.*)", "x-y-z-w"],
      ["(\\d+)(?:\\.(\\d+))?", "12"],
    ] as const;
    for (const [source, input] of cases) {
      const expected = new RegExp(`^(?:${source})$`, "su").exec(input);
      const found = compileRegex(source).exec(input)!.groups;
      expect(found[0], source).toBe(expected![0]);
      // Of a group in a loop RE2 keeps the last capture, JavaScript forgets it.
      if (source !== "(?:(a)|b)*") expect(found, source).toEqual([...expected!]);
    }
    const named = compileRegex("(?P<host>[^:]+):(?<port>\\d+)").exec("box:9100")!;
    expect(named.groups[named.names.get("port")!]).toBe("9100");
  });

  test.each([
    ["pro.*", "production", true],
    ["pro", "production", false],
    ["a|b", "ab", false],
    ["", "", true],
    [".*", "line\nline", true],
    ["(?-s).*", "line\nline", false],
    ["(?i)PRO.*", "production", true],
    ["(?i:PRO)duction", "proDUCTION", false],
    ["((?i)PRO)duction", "production", true],
    [".*((?i)DUC)TION", "production", false],
    ["(?i)é", "É", true],
    ["(?i)[a-c]x", "BX", true],
    ["[[:alpha:]]+", "abcXYZ", true],
    ["[[:^digit:]]+", "ab1", false],
    ["[]a]+", "]a]", true],
    ["[^]a]", "]", false],
    ["[a-]+", "a-a", true],
    ["[\\w.-]+", "a_b-c.d", true],
    ["\\Qa.b\\E+", "a.bbb", true],
    ["\\x41\\x{42}", "AB", true],
    ["\\101", "A", true],
    ["\\pL+", "Grüße", true],
    ["\\p{Greek}+", "αβγ", true],
    ["\\P{Lu}+", "abC", false],
    ["a{,2}", "a{,2}", true],
    ["a{2,3}", "aaaa", false],
    ["x{0}", "", true],
    ["/\\/\\-", "//-", true],
    ["\\d", "٣", false],
    ["(?m)a$\\n^b", "a\nb", true],
    ["\\bfoo\\b.*", "foo bar", true],
    ["(?U)a+.*", "aaa", true],
    ["[😀-😂]", "😁", true],
  ])("%s on %j: %s", (source, input, expected) => {
    expect(matches(source, input)).toBe(expected);
    expect(compileRegex(source).exec(input) !== null).toBe(expected);
  });

  test.each([
    "(",
    ")",
    "a)b",
    "[a",
    "*",
    "a**",
    "a{3,2}",
    "a{1001}",
    "(?=a)",
    "(?<!a)",
    "(a)\\1",
    "\\8",
    "\\y",
    "[b-a]",
    "[[:nope:]]",
    "\\p{Nope}",
    "a\\",
    "(?P<x>a)(?P<x>b)",
    "((a{1000}){1000}){10}",
    "(".repeat(300),
  ])("%s is refused", (source) => {
    expect(() => compileRegex(source)).toThrow(RegexSyntaxError);
  });

  test("patterns that make backtracking explode take linear time", () => {
    const input = `${"a".repeat(5_000)}!`;
    const tookMs = cpuMsOf(() => {
      for (const source of ["(a+)+", "(a|aa)*", "(a*)*b", "(.*)(.*)(.*)(.*)(.*)x", "(a|a)*c", "(?:a?){200}a{200}"]) {
        expect(matches(source, input)).toBe(false);
      }
      expect(compileRegex("(a+)+(b|!)").exec(input)).not.toBeNull();
    });
    // Backtracking would not end in anybody's lifetime.
    expect(tookMs).toBeLessThan(20_000);
  });

  test("a pattern with very many states stays within its memory", () => {
    const source = `.*a${".".repeat(14)}`;
    let input = "";
    for (let i = 0; i < 3_000; i++) input += (i * 2_654_435_761) % 7 < 3 ? "a" : "b";
    expect(matches(source, input)).toBe(new RegExp(`^(?:${source})$`, "su").test(input));
  });
});
