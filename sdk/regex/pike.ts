import { contains, WORD } from "./charset.ts";
import type { Assertion } from "./parse.ts";
import type { Instruction } from "./program.ts";

/** A place in the program with what it captured on the way: start and end by group, -1 where there is none. */
interface Thread {
  readonly at: number;
  readonly captures: readonly number[];
}

/**
 * Runs all ways through the program side by side, the preferred ones first, and returns the captures of the best one
 * that matches the whole text, or null. Time is linear in the text times the program.
 */
export function capture(program: readonly Instruction[], start: number, groups: number, text: string): readonly number[] | null {
  let threads: Thread[] = [];
  const none: readonly number[] = Array.from({ length: (groups + 1) * 2 }, () => -1);

  /** Adds what is reached from `at` without a character, in order of preference. */
  const add = (list: Thread[], seen: Uint8Array, from: number, captured: readonly number[], position: number): void => {
    const stack: Thread[] = [{ at: from, captures: captured }];
    for (let thread = stack.pop(); thread !== undefined; thread = stack.pop()) {
      const { at, captures } = thread;
      if (seen[at] === 1) continue;
      seen[at] = 1;
      const instruction = program[at];
      if (instruction.op === "split") {
        stack.push({ at: instruction.other, captures }, { at: instruction.next, captures });
      } else if (instruction.op === "save") {
        const changed = captures.slice();
        changed[instruction.slot] = position;
        stack.push({ at: instruction.next, captures: changed });
      } else if (instruction.op === "assert") {
        if (holds(instruction.what, text, position)) stack.push({ at: instruction.next, captures });
      } else list.push(thread);
    }
  };

  add(threads, new Uint8Array(program.length), start, none, 0);
  for (let i = 0; i < text.length && threads.length > 0;) {
    const code = text.codePointAt(i)!;
    const after = i + (code > 0xffff ? 2 : 1);
    const next: Thread[] = [];
    const seen = new Uint8Array(program.length);
    for (const { at, captures } of threads) {
      const instruction = program[at];
      // A match before the end is no match of the whole text.
      if (instruction.op === "chars" && contains(instruction.set, code)) add(next, seen, instruction.next, captures, after);
    }
    threads = next;
    i = after;
  }
  const best = threads.find(({ at }) => program[at].op === "match");
  if (best === undefined) return null;
  const captures = best.captures.slice();
  captures[0] = 0;
  captures[1] = text.length;
  return captures;
}

function isWord(text: string, index: number): boolean {
  return index >= 0 && index < text.length && contains(WORD, text.charCodeAt(index));
}

function holds(what: Assertion, text: string, position: number): boolean {
  switch (what) {
    case "textStart":
      return position === 0;
    case "textEnd":
      return position === text.length;
    case "lineStart":
      return position === 0 || text[position - 1] === "\n";
    case "lineEnd":
      return position === text.length || text[position] === "\n";
    default:
      return (isWord(text, position - 1) !== isWord(text, position)) === (what === "word");
  }
}
