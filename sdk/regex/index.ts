/**
 * Regular expressions as PromQL has them: RE2 syntax, anchored at both ends, `.` matching newlines, and time linear in
 * the text whatever the pattern. JavaScript's own have neither: they backtrack. Stands alone, on no other file of ours.
 */
import { Dfa } from "./dfa.ts";
import { parseRegex, type RegexNode } from "./parse.ts";
import { capture } from "./pike.ts";
import { compileProgram, type Instruction } from "./program.ts";

export { RegexSyntaxError } from "./parse.ts";

export interface RegexMatch {
  /** By group number; group 0 is the whole text. A group that took no part is undefined. */
  readonly groups: readonly (string | undefined)[];
  readonly names: ReadonlyMap<string, number>;
}

export interface Regex {
  /** Whether the whole text matches. */
  test(text: string): boolean;
  exec(text: string): RegexMatch | null;
}

/** Compiled expressions kept, the least recently used going first. */
const MAX_KEPT = 200;
const kept = new Map<string, Regex>();

/** Throws RegexSyntaxError. */
export function compileRegex(pattern: string): Regex {
  let regex = kept.get(pattern);
  if (regex === undefined) regex = compile(pattern);
  else kept.delete(pattern);
  kept.set(pattern, regex);
  if (kept.size > MAX_KEPT) kept.delete(kept.keys().next().value!);
  return regex;
}

function compile(pattern: string): Regex {
  const parsed = parseRegex(pattern);
  const { program, start } = compileProgram(pattern, parsed);
  const { groups, names } = parsed;
  const exec = (text: string): RegexMatch | null => {
    const places = capture(program, start, groups, text);
    if (places === null) return null;
    const found: (string | undefined)[] = [];
    for (let i = 0; i < places.length; i += 2) found.push(places[i] === -1 ? undefined : text.slice(places[i], places[i + 1]));
    return { groups: found, names };
  };
  return { test: tester(parsed.root, program, start, groups), exec };
}

function tester(root: RegexNode, program: readonly Instruction[], start: number, groups: number): (text: string) => boolean {
  const words = literals(root);
  if (words !== null) return words.size === 1 ? equals(words) : (text) => words.has(text);
  if (program.some((instruction) => instruction.op === "assert" && !instruction.what.startsWith("text"))) {
    return (text) => capture(program, start, groups, text) !== null;
  }
  const dfa = new Dfa(program, start);
  return (text) => dfa.test(text);
}

function equals(words: ReadonlySet<string>): (text: string) => boolean {
  const [word] = words;
  return (text) => text === word;
}

/** The texts that match, when the expression is nothing but words to choose from. */
function literals(root: RegexNode): Set<string> | null {
  const words = new Set<string>();
  for (const part of root.type === "choice" ? root.parts : [root]) {
    let word = "";
    for (const item of part.type === "sequence" ? part.parts : [part]) {
      if (item.type === "empty") continue;
      if (item.type !== "chars" || item.set.length !== 2 || item.set[0] !== item.set[1]) return null;
      word += String.fromCodePoint(item.set[0]);
    }
    words.add(word);
  }
  return words;
}
