import { readdir } from "node:fs/promises";
import { join } from "node:path";

/** Files of one source. More are a mistake in the pattern. */
export const FILES_MAX = 200;

/**
 * The paths that a pattern stands for, sorted, at most `FILES_MAX`. `*` and `?` stand for characters of one name; a name that
 * begins with a dot must be written so. What cannot be read has no paths.
 */
export async function expandGlob(pattern: string): Promise<string[]> {
  let found = ["/"];
  const parts = pattern.split("/").filter((part) => part !== "");
  for (const part of parts) {
    if (!/[*?]/.test(part)) {
      found = found.map((folder) => join(folder, part));
      continue;
    }
    const matches = nameMatcher(part);
    const next: string[] = [];
    for (const folder of found) {
      const names = await readdir(folder).catch(() => []);
      for (const name of names.sort((a, b) => (a < b ? -1 : 1)))
        if (matches(name) && next.length < FILES_MAX) next.push(join(folder, name));
    }
    found = next;
  }
  return found;
}

/** Matches without backtracking over more than the last star. */
function nameMatcher(pattern: string): (name: string) => boolean {
  return (name) => {
    if (name.startsWith(".") && !pattern.startsWith(".")) return false;
    let at = 0;
    let want = 0;
    let star = -1;
    let starAt = 0;
    while (at < name.length) {
      if (want < pattern.length && (pattern[want] === "?" || (pattern[want] !== "*" && pattern[want] === name[at]))) {
        at++;
        want++;
      } else if (pattern[want] === "*") {
        star = want++;
        starAt = at;
      } else if (star >= 0) {
        want = star + 1;
        at = ++starAt;
      } else return false;
    }
    while (pattern[want] === "*") want++;
    return want === pattern.length;
  };
}
