const SHAPE_MAX_CHARACTERS = 120;
const LOOK_CHARACTERS = 400;
/** In this order: what one replaces, the next does not see. */
const MASKS: readonly [RegExp, string][] = [
  [/^(?:<\d{1,3}>)?[A-Z][a-z]{2} {1,2}\d{1,2} \d\d:\d\d:\d\d /, ""],
  [/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?/g, "<time>"],
  [/"[^"]*"|'[^']*'/g, "<text>"],
  [/[\w.+-]+@[\w-]+\.[\w.-]+/g, "<mail>"],
  [/[a-z]+:\/\/\S+/gi, "<url>"],
  [/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi, "<id>"],
  [/(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?/g, "<ip>"],
  [/(?:[0-9a-f]{0,4}:){3,7}[0-9a-f]{0,4}/gi, "<ip>"],
  [/\/[\w.@-]+(?:\/[\w.@-]+)+\/?/g, "<path>"],
  [/\b(?:0x)?[0-9a-f]*\d[0-9a-f]*\b/gi, "<n>"],
  // What follows such a word is nobody's business: `token=abc`, `password: abc`.
  [/((?:pass|pwd|token|secret|key|auth)\w*\s*[=:]\s*)\S+/gi, "$1<secret>"],
  [/\d+/g, "<n>"],
];

/** What a record looks like without what changes in it; what could be private is left out with that. At most 120 characters. */
export function shapeOf(text: string): string {
  let shape = text.length > LOOK_CHARACTERS ? text.slice(0, LOOK_CHARACTERS) : text;
  for (const [mask, by] of MASKS) shape = shape.replace(mask, by);
  return shape.trim().replace(/\s+/g, " ").slice(0, SHAPE_MAX_CHARACTERS);
}
