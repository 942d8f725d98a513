/** For tests: a parser of both formats that accepts nothing but what their specifications allow and we write. */

export interface ParsedFamily {
  readonly name: string;
  type?: string;
  unit?: string;
  help?: string;
  readonly samples: { readonly name: string; readonly labels: Record<string, string>; readonly value: number }[];
}

const NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const HEAD = new RegExp(`^# (HELP|TYPE|UNIT) (${NAME}) (.*)$`);
const LABEL = '([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\\\\n]|\\\\[\\\\"n])*)"';
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(${LABEL}(?:,${LABEL})*)\\})? ([^ ]+)$`);
const NUMBER = /^(?:[+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)|NaN)$/;
const TYPES = { text: new Set(["counter", "gauge", "untyped"]), openmetrics: new Set(["counter", "gauge", "unknown"]) };

/** The families in order. Throws at the first line that is not as it must be. */
export function parseStrictly(text: string, format: "text" | "openmetrics"): ParsedFamily[] {
  const lines = text.split("\n");
  if (lines.pop() !== "") throw new Error("the last line does not end in a newline");
  if (format === "openmetrics" && lines.pop() !== "# EOF") throw new Error("# EOF is missing");
  const families = new Map<string, ParsedFamily>();
  const seen = new Set<string>();
  let current: ParsedFamily | undefined;
  for (const line of lines) {
    const [, keyword, name, rest] = HEAD.exec(line) ?? [];
    if (keyword !== undefined) {
      if (current?.name !== name) {
        if (families.has(name)) throw new Error(`family ${name} comes twice`);
        families.set(name, (current = { name, samples: [] }));
      }
      if (current.samples.length > 0) throw new Error(`head after samples: ${line}`);
      readHead(current, keyword, rest, format);
      continue;
    }
    if (!current) throw new Error(`sample before any head: ${line}`);
    current.samples.push(readSample(line, current, format, seen));
  }
  for (const family of families.values()) {
    if (family.samples.length === 0) throw new Error(`family ${family.name} has no samples`);
    if (family.type === undefined || family.help === undefined) throw new Error(`family ${family.name} lacks type or help`);
  }
  return [...families.values()];
}

function readHead(family: ParsedFamily, keyword: string, rest: string, format: "text" | "openmetrics"): void {
  if (keyword === "TYPE") {
    if (family.type !== undefined || !TYPES[format].has(rest)) throw new Error(`bad type of ${family.name}: ${rest}`);
    family.type = rest;
  } else if (keyword === "HELP") {
    const allowed = format === "text" ? /^(?:[^\\]|\\[\\n])*$/ : /^(?:[^\\"]|\\[\\n"])*$/;
    if (family.help !== undefined || !allowed.test(rest)) throw new Error(`bad help of ${family.name}: ${rest}`);
    family.help = unescape(rest);
  } else {
    if (format === "text" || !family.name.endsWith(`_${rest}`)) throw new Error(`bad unit of ${family.name}: ${rest}`);
    family.unit = rest;
  }
}

function readSample(
  line: string,
  family: ParsedFamily,
  format: "text" | "openmetrics",
  seen: Set<string>,
): ParsedFamily["samples"][number] {
  const match = SAMPLE.exec(line);
  if (!match) throw new Error(`not a sample: ${line}`);
  const name = match[1];
  const value = match.at(-1)!;
  const expected = format === "openmetrics" && family.type === "counter" ? `${family.name}_total` : family.name;
  if (name !== expected) throw new Error(`sample ${name} in family ${family.name}`);
  if (!NUMBER.test(value)) throw new Error(`not a number: ${line}`);
  const labels: Record<string, string> = {};
  for (const [, label, labelValue] of (match[2] ?? "").matchAll(new RegExp(LABEL, "g"))) {
    if (Object.hasOwn(labels, label)) throw new Error(`label twice: ${line}`);
    labels[label] = unescape(labelValue);
  }
  const key = `${name} ${JSON.stringify(labels, Object.keys(labels).sort())}`;
  if (seen.has(key)) throw new Error(`series twice: ${line}`);
  seen.add(key);
  return { name, labels, value: Number(value.replace("Inf", "Infinity")) };
}

function unescape(text: string): string {
  return text.replace(/\\([\\n"])/g, (_, character: string) => (character === "n" ? "\n" : character));
}
