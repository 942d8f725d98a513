import type { RegexMatch } from "../regex/index.ts";

const REFERENCE = /\$(?:(\$)|\{([A-Za-z0-9_]+)\}|([A-Za-z0-9_]+))/g;

/**
 * A text with references to groups, as Go's regexp expands them: `$1`, `${name}`, `$$`; the longest name counts, so that `$1x` is the
 * group named 1x. A group that there is not, or that took no part, is empty. Any other dollar is one.
 */
export function compileTemplate(text: string): (match: RegexMatch) => string {
  const parts: (string | ((match: RegexMatch) => string))[] = [];
  let at = 0;
  for (const found of text.matchAll(REFERENCE)) {
    parts.push(text.slice(at, found.index));
    at = found.index + found[0].length;
    const group = found[2] ?? found[3];
    parts.push(found[1] ?? ((match) => groupOf(match, group)));
  }
  parts.push(text.slice(at));
  return (match) => parts.map((part) => (typeof part === "string" ? part : part(match))).join("");
}

function groupOf({ groups, names }: RegexMatch, group: string): string {
  const number = /^\d+$/.test(group) ? Number(group) : names.get(group);
  return (number === undefined ? undefined : groups[number]) ?? "";
}
