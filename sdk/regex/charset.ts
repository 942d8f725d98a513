/** Sets of code points as flat ascending pairs [from, to, from, to, …], both ends inclusive, never touching. */
export type CharSet = readonly number[];

export const MAX_CODE = 0x10ffff;
export const ANY: CharSet = [0, MAX_CODE];
export const ANY_BUT_NEWLINE: CharSet = [0, 9, 11, MAX_CODE];

export function union(pairs: readonly number[]): CharSet {
  const ranges: [number, number][] = [];
  for (let i = 0; i < pairs.length; i += 2) ranges.push([pairs[i], pairs[i + 1]]);
  ranges.sort((a, b) => a[0] - b[0]);
  const merged: number[] = [];
  for (const [from, to] of ranges) {
    const last = merged.length - 1;
    if (last >= 0 && from <= merged[last] + 1) merged[last] = Math.max(merged[last], to);
    else merged.push(from, to);
  }
  return merged;
}

export function invert(set: CharSet): CharSet {
  const inverted: number[] = [];
  let next = 0;
  for (let i = 0; i < set.length; i += 2) {
    if (set[i] > next) inverted.push(next, set[i] - 1);
    next = set[i + 1] + 1;
  }
  if (next <= MAX_CODE) inverted.push(next, MAX_CODE);
  return inverted;
}

export function contains(set: CharSet, code: number): boolean {
  for (let i = 0; i < set.length; i += 2) if (code <= set[i + 1]) return code >= set[i];
  return false;
}

/** Ranges longer than this are taken to hold both cases already, but for ASCII. */
const MAX_FOLDED = 2_000;

/** With the other case of every letter in it. */
export function foldCase(set: CharSet): CharSet {
  const pairs: number[] = [...set];
  for (let i = 0; i < set.length; i += 2) {
    const from = set[i];
    const to = set[i + 1] - from > MAX_FOLDED ? Math.min(set[i + 1], 0x7f) : set[i + 1];
    for (let code = from; code <= to; code++) {
      const char = String.fromCodePoint(code);
      for (const other of [char.toLowerCase(), char.toUpperCase()]) {
        const folded = other.codePointAt(0)!;
        if (folded !== code && String.fromCodePoint(folded) === other) pairs.push(folded, folded);
      }
    }
  }
  return pairs.length === set.length ? set : union(pairs);
}

const code = (text: string): number => text.charCodeAt(0);
const DIGIT: CharSet = [code("0"), code("9")];
const UPPER: CharSet = [code("A"), code("Z")];
const LOWER: CharSet = [code("a"), code("z")];
export const WORD: CharSet = union([...DIGIT, ...UPPER, ...LOWER, code("_"), code("_")]);

/** `\d` and its like: ASCII only, as in RE2. */
export const PERL: Readonly<Record<string, CharSet>> = { d: DIGIT, w: WORD, s: [9, 10, 12, 13, 32, 32] };

export const POSIX: Readonly<Record<string, CharSet>> = {
  alnum: union([...DIGIT, ...UPPER, ...LOWER]),
  alpha: union([...UPPER, ...LOWER]),
  ascii: [0, 0x7f],
  blank: [9, 9, 32, 32],
  cntrl: [0, 31, 127, 127],
  digit: DIGIT,
  graph: [33, 126],
  lower: LOWER,
  print: [32, 126],
  punct: [33, 47, 58, 64, 91, 96, 123, 126],
  space: [9, 13, 32, 32],
  upper: UPPER,
  word: WORD,
  xdigit: union([...DIGIT, code("A"), code("F"), code("a"), code("f")]),
};

const properties = new Map<string, CharSet | null>();

/** Planes of Unicode in which anything is assigned to a script or category of letters, marks, numbers or symbols. */
const PLANES = [0, 1, 2, 3, 14];

/** `\p{Greek}`, `\pL`: a category or script; null when there is none of that name. */
export function property(name: string): CharSet | null {
  let set = properties.get(name);
  if (set === undefined) {
    set = name === "Any" ? ANY : readProperty(name.length <= 2 ? name : `Script=${name}`);
    properties.set(name, set);
  }
  return set;
}

function readProperty(expression: string): CharSet | null {
  let runs: RegExp;
  try {
    runs = new RegExp(`\\p{${expression}}+`, "gu");
  } catch {
    return null;
  }
  const pairs: number[] = [];
  for (const plane of PLANES) {
    let text = "";
    // Surrogates are no characters; on their own in a string they would join to others.
    for (let i = plane << 16; i < (plane + 1) << 16; i++) if (i < 0xd800 || i > 0xdfff) text += String.fromCodePoint(i);
    for (const run of text.matchAll(runs)) {
      const first = run[0].codePointAt(0)!;
      const last = run[0].slice(-2).at(-1)!.codePointAt(0)!;
      if (first < 0xd800 && last > 0xdfff) pairs.push(first, 0xd7ff, 0xe000, last);
      else pairs.push(first, last);
    }
  }
  return union(pairs);
}
