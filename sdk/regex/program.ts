import type { CharSet } from "./charset.ts";
import { type Assertion, type ParsedRegex, type RegexNode, RegexSyntaxError } from "./parse.ts";

/** One step of the machine; `next` and `other` are indices. Of a split, `next` is tried first. */
export type Instruction =
  | { op: "chars"; readonly set: CharSet; next: number }
  | { op: "split"; next: number; other: number }
  | { op: "save"; readonly slot: number; next: number }
  | { op: "assert"; readonly what: Assertion; next: number }
  | { op: "match" };

/** Instructions that a pattern may become: repetitions are written out. */
const MAX_INSTRUCTIONS = 10_000;

/** Thompson's construction. The program starts at its last instruction's index, `start`. Throws RegexSyntaxError. */
export function compileProgram(pattern: string, { root }: ParsedRegex): { program: Instruction[]; start: number } {
  const program: Instruction[] = [{ op: "match" }];
  const emit = (instruction: Instruction): number => {
    if (program.length >= MAX_INSTRUCTIONS) throw new RegexSyntaxError(pattern, "expression is too large");
    program.push(instruction);
    return program.length - 1;
  };

  /** Emits `node` so that it goes on at `next`; returns where it starts. Built back to front. */
  const build = (node: RegexNode, next: number): number => {
    switch (node.type) {
      case "empty":
        return next;
      case "chars":
        return emit({ op: "chars", set: node.set, next });
      case "assert":
        return emit({ op: "assert", what: node.what, next });
      case "group":
        return emit({
          op: "save",
          slot: node.index * 2,
          next: build(node.of, emit({ op: "save", slot: node.index * 2 + 1, next })),
        });
      case "sequence":
        return node.parts.reduceRight((after, part) => build(part, after), next);
      case "choice": {
        const starts = node.parts.map((part) => build(part, next));
        return starts.reduceRight((other, first) => emit({ op: "split", next: first, other }));
      }
      default:
        return buildRepeat(node, next);
    }
  };

  const buildRepeat = (node: Extract<RegexNode, { type: "repeat" }>, next: number): number => {
    const split = (first: number, second: number): number =>
      emit(node.greedy ? { op: "split", next: first, other: second } : { op: "split", next: second, other: first });
    let start = next;
    if (node.max === Number.POSITIVE_INFINITY) {
      const loop = emit({ op: "split", next: 0, other: 0 });
      const body = build(node.of, loop);
      const target = program[loop] as Extract<Instruction, { op: "split" }>;
      target.next = node.greedy ? body : next;
      target.other = node.greedy ? next : body;
      start = loop;
    } else {
      for (let i = node.min; i < node.max; i++) start = split(build(node.of, start), next);
    }
    for (let i = 0; i < node.min; i++) start = build(node.of, start);
    return start;
  };

  return { start: build(root, 0), program };
}
