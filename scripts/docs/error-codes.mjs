/**
 * Every error code that the sources use, by reading them; the registry of their meanings is sdk/error-codes.ts. The page
 * docs/reference/errors.md is written from both, and test/docs fails where they differ.
 */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");
const REGISTRY = "sdk/error-codes.ts";
const SOURCES = "{sdk,main,plugins}/**/*.ts";
const NOT_SOURCES = /\.test\.ts$|\.bench\.ts$|\/testdata\/|^main\/api\/testing\.ts$/;

/** Who takes a code, and as which argument. `super` is the constructor of errors.ts' own kinds. */
const TAKERS = [
  [/\bAgentError\(/g, 0],
  [/\bwithDeadline\(/g, 2],
  [/\.fail\(/g, 1],
  [/\.enter\(/g, 2],
];
const CODE = /(===|!==)?\s*"([a-z][a-z0-9]*(?:_[a-z0-9]+)*)"/g;

/** @returns {{ codes: Map<string, string[]>, words: Set<string>, endings: string[] }} code → files that use it; every quoted word; endings of codes that are made up while running. */
export function usedCodes() {
  const codes = new Map();
  const words = new Set();
  const endings = new Set();
  for (const path of globSync(SOURCES, { cwd: root }).sort()) {
    const file = path.replaceAll("\\", "/");
    if (NOT_SOURCES.test(file) || file === REGISTRY) continue;
    const text = readFileSync(join(root, file), "utf8");
    const note = (code) => codes.set(code, [...(codes.get(code) ?? []), file]);
    for (const [taker, place] of TAKERS) {
      for (const match of text.matchAll(taker)) {
        const argument = argumentsOf(text, match.index + match[0].length)[place] ?? "";
        // A word that is only compared with is no code given.
        for (const [, compared, code] of argument.matchAll(CODE)) if (compared === undefined) note(code);
        for (const [, ending] of argument.matchAll(/`\$\{[^}]*\}(_[a-z_]+)`/g)) endings.add(ending);
      }
    }
    for (const [, code] of text.matchAll(/\bsuper\("([a-z_]+)", message/g)) note(code);
    for (const [, code] of text.matchAll(/error: \{ code: "([a-z_]+)"/g)) note(code);
    for (const [, word] of text.matchAll(/"([a-z][a-z0-9_]*)"/g)) words.add(word);
  }
  return { codes, words, endings: [...endings] };
}

/** The texts of a call's arguments from behind its parenthesis on. */
function argumentsOf(text, from) {
  const found = [];
  let depth = 0;
  let quote = "";
  let begin = from;
  for (let i = from; i < text.length; i++) {
    const c = text[i];
    if (c === "\\") i++;
    else if (quote) quote = c === quote ? "" : quote;
    else if (c === '"' || c === "'" || c === "`") quote = c;
    else if ("([{".includes(c)) depth++;
    else if (")]}".includes(c) && --depth < 0) return [...found, text.slice(begin, i)];
    else if (c === "," && depth === 0) {
      found.push(text.slice(begin, i));
      begin = i + 1;
    }
  }
  return found;
}

/** What is to be changed in the registry, as sentences that say how. Empty when it and the sources agree. */
export function registryFaults(registry) {
  const { codes, words, endings } = usedCodes();
  const faults = [];
  for (const [code, files] of [...codes].sort(([a], [b]) => (a < b ? -1 : 1)))
    if (!Object.hasOwn(registry, code))
      faults.push(
        `${REGISTRY} lacks the code "${code}" of ${[...new Set(files)].join(", ")}: add a line\n  ${code}: ["what it means, as a sentence.", "What to do, as a sentence."],`,
      );
  for (const code of Object.keys(registry))
    if (!words.has(code) && !endings.some((ending) => code.endsWith(ending)))
      faults.push(`${REGISTRY} has the code "${code}", which no source uses: take its line away`);
  return faults;
}

/** Rows of the page, sorted by code. `statusOf` tells the HTTP status with which the door answers it. */
export function errorTable(registry, statusOf) {
  const rows = Object.keys(registry)
    .sort()
    .map((code) => {
      const [meaning, remedy] = registry[code];
      const status = statusOf(code);
      return `| \`${code}\` | ${meaning} | ${remedy} | ${status === 500 ? "" : status} |\n`;
    });
  return `| code | means | what to do | HTTP |\n| --- | --- | --- | --- |\n${rows.join("")}`;
}
