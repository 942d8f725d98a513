export type StatsdType = "counter" | "gauge" | "timer" | "histogram" | "set";

/** One line of StatsD, with DogStatsD's tags and several values, or Influx' tags behind the name. */
export interface StatsdLine {
  readonly name: string;
  readonly type: StatsdType;
  /** As sent: a gauge's sign and a set's text count. */
  readonly values: readonly string[];
  /** Of what happened, this share was sent: 0 < rate ≤ 1. */
  readonly rate: number;
  /** `key:value` and bare keys, in the order sent. */
  readonly tags: readonly string[];
  /** Seconds since 1970, where the sender said (DogStatsD 1.3). */
  readonly timeS: number | null;
}

/** What is wrong with a line, and at which character, from 1. */
export interface LineFault {
  readonly fault: string;
  readonly column: number;
}

const TYPES: Readonly<Record<string, StatsdType>> = {
  c: "counter",
  m: "counter",
  g: "gauge",
  ms: "timer",
  h: "histogram",
  d: "histogram",
  s: "set",
};
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const LINE_MAX_CHARACTERS = 8192;

/**
 * `name:1:2|c|@0.1|#tag:a,tag2|T1700000000`, `name,tag=a:1|c`. Never throws. Events (`_e{`) and service checks (`_sc`) are faults:
 * nothing is made of them.
 */
export function parseLine(line: string): StatsdLine | LineFault {
  if (line.length > LINE_MAX_CHARACTERS) return { fault: `longer than ${LINE_MAX_CHARACTERS} characters`, column: 1 };
  if (line.startsWith("_e{") || line.startsWith("_sc|"))
    return { fault: "an event or a service check, which are not taken", column: 1 };
  const colon = line.indexOf(":");
  const bar = line.indexOf("|", colon);
  if (colon <= 0 || bar < 0) return { fault: "no name:value|type", column: 1 };
  const sections = line.slice(bar + 1).split("|");
  const type = TYPES[sections[0].trim()];
  if (type === undefined)
    return { fault: `no type c, g, ms, h, d or s but ${JSON.stringify(sections[0].slice(0, 20))}`, column: bar + 2 };
  const [name, ...ownTags] = line.slice(0, colon).split(",");
  const values = line.slice(colon + 1, bar).split(":");
  for (const value of values)
    if (type !== "set" && !(NUMBER.test(value) && Number.isFinite(Number(value))))
      return { fault: `no number: ${JSON.stringify(value.slice(0, 40))}`, column: colon + 2 };
  let rate = 1;
  let timeS: number | null = null;
  const tags = ownTags.map((tag) => tag.replace("=", ":"));
  for (const section of sections.slice(1)) {
    if (section.startsWith("@")) rate = Number(section.slice(1));
    else if (section.startsWith("#")) tags.push(...section.slice(1).split(","));
    else if (section.startsWith("T")) timeS = Number(section.slice(1));
  }
  if (!(rate > 0 && rate <= 1)) return { fault: "a sample rate that is not above 0 and at most 1", column: bar + 1 };
  if (timeS !== null && !(timeS > 0 && timeS < 1e11)) return { fault: "a time that is none", column: bar + 1 };
  if (name === "") return { fault: "no name", column: 1 };
  return { name, type, values, rate, tags, timeS };
}
