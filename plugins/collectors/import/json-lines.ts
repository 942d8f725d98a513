import { errorText, type Reception, SERIES_REFUSED } from "all-use-agent/sdk";
import { breathe, type Faults, FAULTS_KEPT } from "./faults.ts";

const NEWLINE = 10;
/** A line is one series: a day of it at one second is 2 MB. */
const LINE_MAX_BYTES = 16 * 1024 * 1024;
/** Read before others have their turn. */
const BREATH_BYTES = 128 * 1024;
/** Numbers that JSON has no way to write, as VictoriaMetrics and others write them. */
const SPECIAL: Readonly<Record<string, number>> = {
  NaN: NaN,
  null: NaN,
  Inf: Infinity,
  "+Inf": Infinity,
  Infinity,
  "-Inf": -Infinity,
  "-Infinity": -Infinity,
};

interface Line {
  readonly name: string;
  readonly labels: Record<string, string>;
  readonly values: readonly unknown[];
  readonly timestamps: readonly unknown[];
}

/**
 * Reads VictoriaMetrics' JSON lines: a line is a series, `{"metric":{"__name__":…},"values":[…],"timestamps":[…]}` with Unix milliseconds.
 * A line is kept whole or not at all. Never throws.
 */
export async function readJsonLines(body: Uint8Array, reception: Reception): Promise<Faults> {
  const decoder = new TextDecoder();
  const first: string[] = [];
  let count = 0;
  let lineNumber = 0;
  let breathAt = BREATH_BYTES;
  for (let from = 0; from < body.length;) {
    const found = body.indexOf(NEWLINE, from);
    const to = found < 0 ? body.length : found;
    lineNumber++;
    try {
      if (to - from > LINE_MAX_BYTES) throw new Error(`the line is longer than ${LINE_MAX_BYTES} bytes: give it in parts`);
      const text = decoder.decode(body.subarray(from, to)).trim();
      if (text !== "") take(lineOf(text), reception);
    } catch (error) {
      count++;
      const message = errorText(error);
      const column = Number(/position (\d+)/.exec(message)?.[1] ?? 0) + 1;
      if (first.length < FAULTS_KEPT) first.push(`line ${lineNumber} column ${column}: ${message.slice(0, 300)}`);
    }
    from = to + 1;
    if (from > breathAt) {
      breathAt = from + BREATH_BYTES;
      await breathe();
    }
  }
  return { count, first };
}

function lineOf(text: string): Line {
  const found = JSON.parse(text) as Record<string, unknown> | null;
  const metric = found?.["metric"];
  const { values, timestamps } = found ?? {};
  if (typeof metric !== "object" || metric === null || !Array.isArray(values) || !Array.isArray(timestamps))
    throw new Error('expected {"metric":{"__name__":…},"values":[…],"timestamps":[…]}');
  if (values.length !== timestamps.length)
    throw new Error(`${values.length} values and ${timestamps.length} timestamps: each value needs its time`);
  const { __name__: name, ...labels } = metric as Record<string, unknown>;
  if (typeof name !== "string") throw new Error("/metric/__name__ is missing");
  for (const [label, value] of Object.entries(labels))
    if (typeof value !== "string") throw new Error(`/metric/${label.slice(0, 100)} must be text`);
  return { name, labels: labels as Record<string, string>, values: values as unknown[], timestamps: timestamps as unknown[] };
}

function take({ name, labels, values, timestamps }: Line, reception: Reception): void {
  const numbers = values.map((value, i) => {
    const number = typeof value === "number" ? value : SPECIAL[String(value)];
    if (number === undefined || (typeof value === "object" && value !== null))
      throw new Error(`/values/${i} is no number: ${JSON.stringify(value).slice(0, 60)}`);
    return number;
  });
  const times = timestamps.map((time, i) => {
    if (typeof time !== "number" || !Number.isFinite(time))
      throw new Error(`/timestamps/${i} is no Unix milliseconds: ${JSON.stringify(time).slice(0, 60)}`);
    return Math.round(time);
  });
  const id = reception.series(name, labels);
  if (id === SERIES_REFUSED) return reception.refuse(numbers.length);
  for (let i = 0; i < numbers.length; i++) reception.add(id, times[i], numbers[i]);
}
