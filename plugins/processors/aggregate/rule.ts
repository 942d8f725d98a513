import { AgentError, compileSelector, type Labels, type MetricInfo, type SeriesInfo } from "all-use-agent/sdk";

export interface RuleConfig {
  match: string;
  by?: string[];
  without?: string[];
  window_ms: number;
  every_ms?: number;
  late_ms: number;
  functions: string[];
  name: string;
  drop_input: boolean;
  max_series: number;
}

export type FunctionKind = "sum" | "avg" | "min" | "max" | "count" | "stddev" | "quantile" | "rate" | "delta" | "first" | "last";

export interface AggregateFunction {
  readonly kind: FunctionKind;
  /** Of `quantile`. */
  readonly quantile: number;
  /** As it stands in names: `avg`, `p99`. */
  readonly word: string;
}

/** What the series of one group are aggregated to. */
export interface Group {
  readonly metric: string;
  readonly labels: Labels;
  readonly unit?: string;
}

/** A rule as the configuration says it, read and checked. */
export class Rule {
  readonly selects: (series: Pick<SeriesInfo, "name" | "labels">) => boolean;
  readonly functions: readonly AggregateFunction[];
  readonly windowMs: number;
  readonly everyMs: number;
  readonly lateMs: number;
  readonly maxSeries: number;
  readonly dropInput: boolean;
  /** Its words: under these its state is found again after a restart. */
  readonly key: string;
  private readonly config: RuleConfig;

  /** Throws `config_invalid`, `selector_invalid`. */
  constructor(config: RuleConfig) {
    this.config = config;
    this.selects = compileSelector(config.match);
    if (this.selects({ name: "", labels: {} })) throw fault(config.match, "selects every series; name a metric or a label");
    this.functions = config.functions.map(readFunction);
    this.windowMs = config.window_ms;
    this.everyMs = config.every_ms ?? config.window_ms;
    this.lateMs = config.late_ms;
    this.maxSeries = config.max_series;
    this.dropInput = config.drop_input;
    const { match, by, without, functions, name } = config;
    this.key = JSON.stringify({ match, by, without, windowMs: this.windowMs, everyMs: this.everyMs, functions, name });
    if (by && without) throw fault(match, "has both by and without; keep one");
    if (this.windowMs % this.everyMs !== 0 || this.windowMs / this.everyMs > 1440)
      throw fault(match, "needs a window_ms that is every_ms taken once to 1440 times");
    if (new Set(this.functions.map(({ word }) => word)).size < this.functions.length)
      throw fault(match, "has one function twice");
    if (this.functions.length > 1 && !name.includes("{function}"))
      throw fault(match, "has several functions, so its name needs {function}");
  }

  /** The group that a series belongs to, and its text for comparison. */
  groupOf({ name, labels, unit }: SeriesInfo): { readonly key: string; readonly group: Group } {
    const { by, without } = this.config;
    const kept = Object.entries(labels).filter(([label]) =>
      by ? by.includes(label) : without ? !without.includes(label) : false,
    );
    kept.sort(([a], [b]) => (a < b ? -1 : 1));
    const metric = this.config.name.includes("{metric}") ? name : "";
    return {
      key: JSON.stringify([metric, kept]),
      group: { metric, labels: Object.fromEntries(kept), ...(unit === undefined ? {} : { unit }) },
    };
  }

  /** `{metric}:{function}_{window}`; a counter's rate or delta is not called `_total`, as Prometheus' rules advise. */
  nameOf(metric: string, { kind, word }: AggregateFunction): string {
    const base = kind === "rate" || kind === "delta" ? metric.replace(/_total$/, "") : metric;
    const name = this.config.name
      .replaceAll("{metric}", base)
      .replaceAll("{function}", word)
      .replaceAll("{window}", durationText(this.windowMs))
      .replaceAll("{labels}", (this.config.by ?? []).join("_"));
    return /^[0-9]/.test(name) ? `_${name}` : name;
  }

  infoOf({ metric, unit }: Group, { kind, word }: AggregateFunction): MetricInfo {
    const help = `${word} of ${metric === "" ? this.config.match : metric} over ${durationText(this.windowMs)}.`;
    return kind === "count" || kind === "rate" || unit === undefined ? { type: "gauge", help } : { type: "gauge", help, unit };
  }

  uses(...kinds: FunctionKind[]): boolean {
    return this.functions.some(({ kind }) => kinds.includes(kind));
  }
}

function readFunction(text: string): AggregateFunction {
  const quantile = /^quantile\((.+)\)$/.exec(text);
  if (quantile === null) return { kind: text as FunctionKind, quantile: NaN, word: text };
  const q = Number(quantile[1]);
  const percent = String(Number((q * 100).toPrecision(12))).replace(".", "_");
  return { kind: "quantile", quantile: q, word: `p${percent}` };
}

/** `90s` rather than `1m30s`: the largest unit that it is a whole number of. */
export function durationText(ms: number): string {
  for (const [unit, unitMs] of [
    ["d", 86_400_000],
    ["h", 3_600_000],
    ["m", 60_000],
    ["s", 1000],
  ] as const)
    if (ms % unitMs === 0) return `${ms / unitMs}${unit}`;
  return `${ms}ms`;
}

/** Series whose value only rises, or begins anew at zero. */
export function isCounter({ type, name }: SeriesInfo): boolean {
  return type === "counter" || type === "histogram" || (type === "summary" && /_(?:sum|count)$/.test(name));
}

function fault(match: string, what: string): AgentError {
  return new AgentError("config_invalid", `the rule for ${match} ${what}`, { where: "/rules" });
}
