/** Reader for Prometheus' PromQL test scripts: text in, commands out. */
import { formatFloat, parseDuration } from "../../main/query/index.ts";
import { unquote } from "../../main/query/lex.ts";

/** A point of a series in a script; null is no sample. */
export type Point = number | "stale" | "histogram" | null;

export interface ScriptSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly points: readonly Point[];
}

export interface Load {
  readonly kind: "load";
  readonly stepMs: number;
  readonly series: readonly ScriptSeries[];
  /** Also derives native histograms from classic ones. */
  readonly derivesHistograms: boolean;
}

export interface Eval {
  readonly kind: "eval";
  readonly line: number;
  readonly query: string;
  readonly range: { readonly fromMs: number; readonly toMs: number; readonly stepMs: number } | null;
  readonly timeMs: number;
  fail: boolean;
  failMessage: { readonly regex: boolean; readonly text: string } | null;
  ordered: boolean;
  text: string | null;
  scalar: number | null;
  /** An instant query that returns a range vector: where its points are. */
  rangeVector: { readonly fromMs: number; readonly stepMs: number } | null;
  readonly annotations: {
    readonly kind: "warn" | "info" | "no_warn" | "no_info";
    readonly match: string | null;
    readonly regex: boolean;
  }[];
  readonly expected: ScriptSeries[];
}

export type Command = { readonly kind: "clear" } | Load | Eval;

function readNumber(text: string): number | null {
  const body = text.replace(/^[+-]/, "");
  const sign = text.startsWith("-") ? -1 : 1;
  if (/^inf$/i.test(body)) return sign * Number.POSITIVE_INFINITY;
  if (/^nan$/i.test(body)) return Number.NaN;
  return /^(\d[\d_]*\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(body) || /^0x[0-9a-f]+$/i.test(body)
    ? sign * Number(body.replaceAll("_", ""))
    : null;
}

/** `name{a="b"} 1 2+3x4 _ stale` */
export function readSeries(line: string): ScriptSeries {
  const labels: Record<string, string> = {};
  const name = /^[a-zA-Z_:][\w:]*/.exec(line)?.[0] ?? "";
  if (name !== "") labels["__name__"] = name;
  let at = name.length;
  if (line[at] === "{" && line[at + 1] !== "{") {
    const body =
      /(\s*,?\s*)(?:(\})|([a-zA-Z_][\w:]*|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\s*(=)?\s*)|("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)/y;
    body.lastIndex = at + 1;
    for (let key: string | null = null; ;) {
      const match = body.exec(line);
      if (match === null) throw new Error(`cannot read the labels of ${line}`);
      if (match[2] !== undefined) break;
      if (match[5] !== undefined) {
        labels[key!] = unquote(match[5], 0, match[5].length);
        continue;
      }
      const word = match[3];
      const text = /^["']/.test(word) ? unquote(word, 0, word.length) : word;
      if (match[4] === undefined) labels["__name__"] = text;
      else {
        key = text;
        const value = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`/y;
        value.lastIndex = body.lastIndex;
        const found = value.exec(line)![0];
        labels[key] = unquote(found, 0, found.length);
        body.lastIndex = value.lastIndex;
      }
    }
    at = body.lastIndex;
  }
  for (const key of Object.keys(labels)) if (labels[key] === "") delete labels[key];
  return { labels, points: readPoints(line.slice(at)) };
}

function readPoints(text: string): Point[] {
  const points: Point[] = [];
  for (const token of text.match(/\{\{.*?\}\}(?:[+-]\{\{.*?\}\})?(?:x\d+)?|\S+/g) ?? []) {
    const repeat = Number(/x(\d+)$/.exec(token)?.[1] ?? 0);
    if (token.startsWith("{{")) {
      for (let i = 0; i <= repeat; i++) points.push("histogram");
    } else if (token.startsWith("_")) {
      for (let i = 0; i < (token === "_" ? 1 : repeat); i++) points.push(null);
    } else if (token.startsWith("stale")) {
      for (let i = 0; i <= repeat; i++) points.push("stale");
    } else {
      const match =
        /^([+-]?(?:0x[0-9a-f]+|[\d_.]+(?:e[+-]?\d+)?|inf|nan))([+-](?:[\d_.]+(?:e[+-]?\d+)?|inf|nan))?(?:x\d+)?$/i.exec(token);
      if (match === null) throw new Error(`not a point: ${token}`);
      let value = readNumber(match[1])!;
      const step = match[2] === undefined ? 0 : readNumber(match[2])!;
      for (let i = 0; i <= repeat; i++) {
        points.push(value);
        if (match[2] !== undefined) value += step;
      }
    }
  }
  return points;
}

function time(text: string): number {
  return parseDuration(text);
}

function readEval(lines: readonly string[], start: number): { next: number; command: Eval } {
  const line = lines[start];
  const instant = /^eval(?:_(fail|warn|ordered|info))?\s+instant\s+at\s+(\S+)\s+(.+)$/.exec(line);
  const range = /^eval(?:_(fail|warn|info))?\s+range\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)\s+(.+)$/.exec(line);
  const mode = (instant ?? range)![1];
  const command: Eval = {
    kind: "eval",
    line: start + 1,
    query: instant === null ? range![5] : instant[3],
    range: range === null ? null : { fromMs: time(range[2]), toMs: time(range[3]), stepMs: time(range[4]) },
    timeMs: instant === null ? 0 : time(instant[2]),
    fail: mode === "fail",
    failMessage: null,
    ordered: mode === "ordered",
    text: null,
    scalar: null,
    rangeVector: null,
    annotations: [],
    expected: [],
  };
  let i = start + 1;
  for (; i < lines.length && lines[i] !== ""; i++) {
    const part = lines[i];
    const expect = /^expect\s+(ordered|fail|warn|no_warn|info|no_info)(?:\s+(regex|msg):\s*(.+))?$/.exec(part);
    const vector = /^expect range vector\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)$/.exec(part);
    const text = /^expect string\s+(.+)$/.exec(part);
    const old = /^expected_fail_(message|regexp)\s+(.+)$/.exec(part);
    if (vector !== null) {
      command.rangeVector = { fromMs: time(vector[1]), stepMs: time(vector[3]) };
      Object.assign(command, { timeMs: time(vector[2]) });
    } else if (text !== null) {
      command.text = unquote(text[1], 0, text[1].length);
    } else if (old !== null) {
      command.failMessage = { regex: old[1] === "regexp", text: old[2] };
    } else if (expect !== null) {
      const [, what, how, message] = expect;
      if (what === "ordered") command.ordered = true;
      else if (what === "fail") {
        command.fail = true;
        if (how !== undefined) command.failMessage = { regex: how === "regex", text: message };
      } else command.annotations.push({ kind: what as "warn", match: message ?? null, regex: how === "regex" });
    } else {
      const number = readNumber(part);
      if (number !== null) command.scalar = number;
      else command.expected.push(readSeries(part));
    }
  }
  return { next: i, command };
}

export function readScript(source: string): Command[] {
  const lines = source
    .split("\n")
    .map((line) => line.trim())
    .map((line) => (line.startsWith("#") ? "" : line));
  const commands: Command[] = [];
  for (let i = 0; i < lines.length;) {
    const line = lines[i];
    if (line === "") i++;
    else if (line === "clear") {
      commands.push({ kind: "clear" });
      i++;
    } else if (line.startsWith("load")) {
      const head = /^load(_with_nhcb)?\s+(\S+)$/.exec(line)!;
      const series: ScriptSeries[] = [];
      for (i++; i < lines.length && lines[i] !== ""; i++) {
        if (/@st\s/.test(lines[i])) continue;
        series.push(readSeries(lines[i]));
      }
      commands.push({ kind: "load", stepMs: time(head[2]), series, derivesHistograms: head[1] !== undefined });
    } else {
      const { next, command } = readEval(lines, i);
      commands.push(command);
      i = next;
    }
  }
  return commands;
}

export function showSeries({ labels, points }: ScriptSeries): string {
  const shown = points.map((point) => (typeof point === "number" ? formatFloat(point) : (point ?? "_"))).join(" ");
  return `${JSON.stringify(labels)} ${shown}`;
}
