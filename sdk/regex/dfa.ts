import type { CharSet } from "./charset.ts";
import type { Instruction } from "./program.ts";

/** States kept; beyond it all are forgotten, so that no pattern can fill memory. */
const MAX_STATES = 1_000;

interface State {
  /** Instructions waiting for a character or for the text's end, ascending. */
  readonly waiting: readonly number[];
  /** By character class; undefined is not known yet. */
  readonly next: (State | undefined)[];
  readonly accepts: boolean;
}

/**
 * Says whether the whole text matches, in one pass: the sets of places where the machine can be are states, made when
 * first met. Time is linear in the text, whatever the pattern. Knows no word and line boundaries.
 */
export class Dfa {
  private readonly program: readonly Instruction[];
  private readonly bounds: Int32Array;
  private readonly asciiClass: Uint16Array;
  private states = new Map<string, State>();
  private readonly startInstruction: number;
  private start: State | null = null;

  constructor(program: readonly Instruction[], start: number) {
    this.program = program;
    this.startInstruction = start;
    // Characters that no set of the program tells apart are one class: where sets begin and end, classes do.
    const bounds = new Set<number>([0]);
    for (const instruction of program) if (instruction.op === "chars") addBounds(instruction.set, bounds);
    this.bounds = Int32Array.from(bounds).sort();
    this.asciiClass = Uint16Array.from({ length: 128 }, (_, code) => this.search(code));
  }

  private search(code: number): number {
    const { bounds } = this;
    let low = 0;
    let high = bounds.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (bounds[middle] <= code) low = middle;
      else high = middle;
    }
    return low;
  }

  test(text: string): boolean {
    let state = (this.start ??= this.closure([this.startInstruction], true));
    for (let i = 0; i < text.length; i++) {
      let code = text.charCodeAt(i);
      let group: number;
      if (code < 128) group = this.asciiClass[code]!;
      else {
        code = text.codePointAt(i)!;
        if (code > 0xffff) i++;
        group = this.search(code);
      }
      const known = state.next[group];
      state = known ?? this.step(state, group);
      if (state.waiting.length === 0 && !state.accepts) return false;
    }
    return state.accepts;
  }

  private step(state: State, group: number): State {
    const code = this.bounds[group];
    const reached: number[] = [];
    for (const at of state.waiting) {
      const instruction = this.program[at];
      if (instruction.op === "chars" && inSet(instruction.set, code)) reached.push(instruction.next);
    }
    const next = this.closure(reached, false);
    state.next[group] = next;
    return next;
  }

  /** The state of everything that can be reached without a character. */
  private closure(from: readonly number[], atStart: boolean): State {
    const waiting = this.reach(from, atStart, false);
    const key = `${atStart ? "^" : ""}${waiting.join(",")}`;
    let state = this.states.get(key);
    if (state === undefined) {
      if (this.states.size >= MAX_STATES) {
        this.states = new Map();
        this.start = null;
      }
      const accepts = this.reach(waiting, atStart, true).some((at) => this.program[at].op === "match");
      state = { waiting, next: [], accepts };
      this.states.set(key, state);
    }
    return state;
  }

  private reach(from: readonly number[], atStart: boolean, atEnd: boolean): number[] {
    const seen = new Set<number>();
    const kept: number[] = [];
    const stack = [...from];
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      if (seen.has(at)) continue;
      seen.add(at);
      const instruction = this.program[at];
      if (instruction.op === "split") stack.push(instruction.next, instruction.other);
      else if (instruction.op === "save") stack.push(instruction.next);
      else if (instruction.op === "assert") {
        if (instruction.what === "textStart" ? atStart : atEnd) stack.push(instruction.next);
        else if (instruction.what === "textEnd") kept.push(at);
      } else kept.push(at);
    }
    return kept.sort((a, b) => a - b);
  }
}

function addBounds(set: CharSet, bounds: Set<number>): void {
  for (let i = 0; i < set.length; i += 2) {
    bounds.add(set[i]);
    bounds.add(set[i + 1] + 1);
  }
}

function inSet(set: CharSet, code: number): boolean {
  let low = 0;
  let high = set.length / 2;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (set[middle * 2 + 1] < code) low = middle + 1;
    else high = middle;
  }
  return low * 2 < set.length && set[low * 2] <= code;
}
