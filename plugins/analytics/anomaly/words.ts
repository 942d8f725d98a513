import { type Labels, seriesKey } from "all-use-agent/sdk";

export type Unit =
  | "percent"
  | "ratio"
  | "bytes"
  | "bytes_per_second"
  | "operations_per_second"
  | "seconds"
  | "milliseconds"
  | "celsius"
  | "count";

/** What is said about a panel; from the configuration. */
export interface PanelWords {
  readonly name: string;
  readonly unit: Unit;
  /** Smallest distance from the usual band that matters to an operator, in the unit. */
  readonly matters: number;
  readonly max?: number;
  readonly critical?: number;
  readonly direction?: "up" | "both";
}

const BYTE_STEPS = ["B", "kB", "MB", "GB", "TB", "PB"];

function figures(value: number): string {
  const size = Math.abs(value);
  const digits = size >= 100 || size === 0 ? 0 : size >= 10 ? 1 : size >= 1 ? 1 : 2;
  return String(Number(value.toFixed(digits)));
}

function stepped(value: number, steps: readonly string[], suffix: string): string {
  let rest = value;
  let step = 0;
  while (Math.abs(rest) >= 1000 && step < steps.length - 1) {
    rest /= 1000;
    step++;
  }
  return `${figures(rest)} ${steps[step]}${suffix}`.trim();
}

const COUNT_STEPS = ["", "thousand", "million", "billion"];

/** A value with its unit as an operator writes it: at most three figures. */
export function say(value: number, unit: Unit | undefined): string {
  switch (unit) {
    case "percent":
      return `${figures(value)} %`;
    case "ratio":
      return `${figures(value * 100)} %`;
    case "bytes":
      return stepped(value, BYTE_STEPS, "");
    case "bytes_per_second":
      return stepped(value, BYTE_STEPS, "/s");
    case "operations_per_second":
      return `${stepped(value, COUNT_STEPS, "")}/s`;
    case "seconds":
      return `${figures(value)} s`;
    case "milliseconds":
      return `${figures(value)} ms`;
    case "celsius":
      return `${figures(value)} °C`;
    default:
      return stepped(value, COUNT_STEPS, "");
  }
}

/** "3 to 8 %": the unit once where it is the same. */
export function sayBand(low: number, high: number, unit: Unit | undefined): string {
  const from = say(low, unit);
  const to = say(high, unit);
  if (from === to) return `about ${to}`;
  const unitOf = (text: string): string => text.slice(text.search(/[^0-9.-]/));
  return unitOf(from) === unitOf(to) ? `${from.slice(0, from.length - unitOf(from).length)} to ${to}` : `${from} to ${to}`;
}

export function sayDuration(ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return `${figures(seconds / 3600)} h`;
}

/** `Disk {mountpoint}` with the series' labels; what has no such label is left out. */
export function fillName(name: string, labels: Labels): string {
  return name
    .replace(/\{(\w+)\}/g, (_all, label: string) => labels[label] ?? "")
    .replace(/\s+/g, " ")
    .trim();
}

/** The name of a panel's series for a sentence, capitalised. */
export function panelName(words: PanelWords | undefined, labels: Labels): string {
  const rest = Object.entries(labels).filter(([label]) => label !== "panel");
  const text = words
    ? fillName(words.name, labels)
    : [labels["panel"]?.split("/").at(-1) ?? "value", ...rest.map(([, value]) => value)].join(" ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** PromQL that shows exactly this series. */
export function selector(name: string, labels: Labels): string {
  return seriesKey(name, labels);
}
