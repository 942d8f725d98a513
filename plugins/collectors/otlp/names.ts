import type { MetricType } from "all-use-agent/sdk";
import type { Attributes, Metric } from "./model.ts";

/**
 * Names as the OpenTelemetry–Prometheus compatibility specification has them, suffixes for units and types included.
 * https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/
 */

/** UCUM → Prometheus' base words, of the unit before a slash. */
const UNIT: Readonly<Record<string, string>> = {
  d: "days",
  h: "hours",
  min: "minutes",
  s: "seconds",
  ms: "milliseconds",
  us: "microseconds",
  ns: "nanoseconds",
  By: "bytes",
  KiBy: "kibibytes",
  MiBy: "mebibytes",
  GiBy: "gibibytes",
  TiBy: "tibibytes",
  KBy: "kilobytes",
  MBy: "megabytes",
  GBy: "gigabytes",
  TBy: "terabytes",
  m: "meters",
  V: "volts",
  A: "amperes",
  J: "joules",
  W: "watts",
  g: "grams",
  Cel: "celsius",
  Hz: "hertz",
  "1": "",
  "%": "percent",
};
/** After a slash. */
const PER_UNIT: Readonly<Record<string, string>> = {
  s: "second",
  m: "minute",
  h: "hour",
  d: "day",
  w: "week",
  mo: "month",
  y: "year",
};
const OTHERS = /[^a-zA-Z0-9:]+/;

export interface MetricWords {
  readonly name: string;
  /** "" where the metric says none that Prometheus' names have. */
  readonly unit: string;
  readonly type: MetricType;
}

export function metricWords(metric: Metric): MetricWords {
  const { data } = metric;
  const monotonic = data?.kind === "sum" && data.monotonic;
  const tokens = metric.name.split(OTHERS).filter((token) => token !== "");
  const [main, per] = unitWords(metric.unit);
  if (main !== "" && !tokens.includes(main)) tokens.push(main);
  if (per !== "" && !tokens.includes(per)) tokens.push("per", per);
  if (monotonic) moveToEnd(tokens, "total");
  else if (metric.unit === "1" && data?.kind === "gauge") moveToEnd(tokens, "ratio");
  const joined = tokens.join("_");
  return {
    name: /^[0-9]/.test(joined) ? `_${joined}` : joined,
    unit: metric.unit === "1" && data?.kind === "gauge" ? "ratio" : main !== "" && per !== "" ? `${main}_per_${per}` : main,
    type: typeOf(data, monotonic),
  };
}

function typeOf(data: Metric["data"], monotonic: boolean): MetricType {
  if (monotonic) return "counter";
  if (data?.kind === "histogram" || data?.kind === "exponential") return "histogram";
  return data?.kind === "summary" ? "summary" : "gauge";
}

/** What stands in braces is a remark: `{request}`. */
function unitWords(unit: string): [string, string] {
  const [main = "", per = ""] = unit.trim().split("/", 2);
  return [wordOf(main, UNIT), wordOf(per, PER_UNIT)];
}

function wordOf(unit: string, words: Readonly<Record<string, string>>): string {
  const given = unit.trim();
  if (given === "" || /[{}]/.test(given)) return "";
  if (Object.hasOwn(words, given)) return words[given];
  return given
    .split(OTHERS)
    .filter((token) => token !== "")
    .join("_");
}

function moveToEnd(tokens: string[], word: string): void {
  const at = tokens.indexOf(word);
  if (at >= 0) tokens.splice(at, 1);
  tokens.push(word);
}

/** The keys of recent attributes as names: there are few, and many points have them. */
const known = new Map<string, string>();
const KNOWN_MAX = 2000;

/** An attribute's key as a label's name. */
export function labelName(key: string): string {
  let name = known.get(key);
  if (name !== undefined) return name;
  name = nameOf(key);
  if (known.size >= KNOWN_MAX) known.clear();
  if (key.length < 200) known.set(key, name);
  return name;
}

function nameOf(key: string): string {
  const name = key.replace(/[^a-zA-Z0-9_]/g, "_");
  if (/^[0-9]/.test(name)) return `key_${name}`;
  return name.startsWith("_") ? `key${name}` : name;
}

/**
 * Attributes into labels. Keys that become the same name are joined by `;` in the order of the keys; empty values are no labels, and
 * names that are in `labels` already stay as they are.
 */
export function addLabels(labels: Record<string, string>, attributes: Attributes, prefix = ""): void {
  const made: Record<string, string> = {};
  const sorted = attributes.length < 2 ? attributes : attributes.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  for (const [key, value] of sorted) {
    if (key === "" || value === "") continue;
    const name = labelName(prefix + key);
    made[name] = Object.hasOwn(made, name) ? `${made[name]};${value}` : value;
  }
  for (const [name, value] of Object.entries(made)) if (!Object.hasOwn(labels, name)) labels[name] = value;
}
