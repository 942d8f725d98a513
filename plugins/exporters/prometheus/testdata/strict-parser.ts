/** For tests: a parser of both formats that accepts nothing but what their specifications allow and we write. */

interface ParsedSample {
  readonly name: string;
  readonly labels: Record<string, string>;
  readonly value: number;
}

export interface ParsedFamily {
  readonly name: string;
  type?: string;
  unit?: string;
  help?: string;
  readonly samples: ParsedSample[];
}

const NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const HEAD = new RegExp(`^# (HELP|TYPE|UNIT) (${NAME}) (.*)$`);
const LABEL = '([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\\\\n]|\\\\[\\\\"n])*)"';
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(${LABEL}(?:,${LABEL})*)\\})? ([^ ]+)$`);
const NUMBER = /^(?:[+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)|NaN)$/;
const TYPES = {
  text: new Set(["counter", "gauge", "untyped", "histogram", "summary"]),
  openmetrics: new Set(["counter", "gauge", "unknown", "histogram", "summary", "stateset"]),
};
/** What may follow a family's name in the names of its samples. */
const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  histogram: ["_bucket", "_sum", "_count"],
  summary: ["", "_sum", "_count"],
};

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
    checkShape(family);
  }
  return [...families.values()];
}

/** Histograms, summaries and state sets: each group's samples lie together, in order, and are whole. */
function checkShape({ name, type, samples }: ParsedFamily): void {
  if (type === "stateset") {
    for (const { labels, value } of samples)
      if (!Object.hasOwn(labels, name) || (value !== 0 && value !== 1)) throw new Error(`not a state of ${name}`);
  }
  if (type !== "histogram" && type !== "summary") return;
  const groups = new Map<string, ParsedSample[]>();
  let previous = "";
  for (const sample of samples) {
    const { le: _le, quantile: _quantile, ...rest } = sample.labels;
    const key = JSON.stringify(rest, Object.keys(rest).sort());
    if (key !== previous && groups.has(key)) throw new Error(`samples of ${name}${key} do not lie together`);
    groups.set((previous = key), [...(groups.get(key) ?? []), sample]);
  }
  for (const [key, group] of groups) {
    const steps = group.filter(({ labels }) => Object.hasOwn(labels, type === "histogram" ? "le" : "quantile"));
    const bounds = steps.map(({ labels }) => Number((labels["le"] ?? labels["quantile"]).replace("Inf", "Infinity")));
    if (bounds.some((bound, i) => i > 0 && bound <= bounds[i - 1])) throw new Error(`${name}${key} is not in order`);
    if (type === "summary") {
      if (bounds.some((bound) => !(bound >= 0 && bound <= 1))) throw new Error(`${name}${key} has a quantile outside 0..1`);
      continue;
    }
    if (bounds.at(-1) !== Infinity) throw new Error(`${name}${key} has no bucket +Inf`);
    if (steps.some(({ value }, i) => i > 0 && value < steps[i - 1].value)) throw new Error(`${name}${key} is not cumulative`);
    const count = group.find((sample) => sample.name.endsWith("_count"))?.value;
    if (count !== steps.at(-1)?.value) throw new Error(`the count of ${name}${key} is not that of its last bucket`);
  }
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

function readSample(line: string, family: ParsedFamily, format: "text" | "openmetrics", seen: Set<string>): ParsedSample {
  const match = SAMPLE.exec(line);
  if (!match) throw new Error(`not a sample: ${line}`);
  const name = match[1];
  const value = match.at(-1)!;
  const suffixes = SUFFIXES[family.type ?? ""] ?? [format === "openmetrics" && family.type === "counter" ? "_total" : ""];
  if (!suffixes.some((suffix) => name === family.name + suffix)) throw new Error(`sample ${name} in family ${family.name}`);
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
