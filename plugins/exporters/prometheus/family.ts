import type { SeriesInfo } from "all-use-agent/sdk";
import type { Format } from "./accept.ts";
import { escapeBackslashes, escapeQuotes, numberText } from "./escape.ts";

/** One metric of the page: its head, and the series that were given since `begin`. */
export interface Family {
  readonly name: string;
  readonly used: boolean;
  begin(): void;
  /** Another family came: it may need the name that this one's head has in OpenMetrics. */
  forgetHeads(): void;
  write(format: Format, taken: ReadonlyMap<string, unknown>): string;
}

/** Where the values of one series go. */
export interface Place {
  give(value: number): void;
}

export function headText(format: Format, name: string, type: string, { help, unit }: Pick<SeriesInfo, "help" | "unit">): string {
  if (format === "text") return `# HELP ${name} ${escapeBackslashes(help)}\n# TYPE ${name} ${type}\n`;
  const unitLine = unit !== undefined && name.endsWith(`_${unit}`) ? `# UNIT ${name} ${unit}\n` : "";
  return `# TYPE ${name} ${type}\n${unitLine}# HELP ${name} ${escapeQuotes(help)}\n`;
}

export function seriesText(name: string, labels: SeriesInfo["labels"]): string {
  const keys = Object.keys(labels).sort();
  if (keys.length === 0) return name;
  return `${name}{${keys.map((key) => `${key}="${escapeQuotes(labels[key])}"`).join(",")}}`;
}

/** A metric whose series are its samples: gauges, counters, states. */
export class PlainFamily implements Family {
  readonly name: string;
  private readonly info: SeriesInfo;
  private heads: { [F in Format]?: string } = {};
  private readonly series: string[] = [];
  private readonly values: number[] = [];
  private count = 0;
  /** Every series says by its label which state it is, with 0 or 1. */
  private isStateSet: boolean;

  constructor(info: SeriesInfo) {
    this.name = info.name;
    this.info = info;
    this.isStateSet = info.type === "state";
  }

  get used(): boolean {
    return this.count > 0;
  }

  begin(): void {
    this.count = 0;
  }

  forgetHeads(): void {
    this.heads = {};
  }

  place({ name, labels }: SeriesInfo): Place {
    if (!Object.hasOwn(labels, name)) this.noStateSet();
    const text = seriesText(name, labels);
    return {
      give: (value) => {
        if (this.isStateSet && value !== 0 && value !== 1) this.noStateSet();
        this.series[this.count] = text;
        this.values[this.count++] = value;
      },
    };
  }

  write(format: Format, taken: ReadonlyMap<string, unknown>): string {
    let text = (this.heads[format] ??= format === "text" ? this.textHead() : this.openMetricsHead(taken));
    for (let i = 0; i < this.count; i++) text += `${this.series[i]} ${numberText(this.values[i])}\n`;
    return text;
  }

  private noStateSet(): void {
    if (this.isStateSet) this.heads = {};
    this.isStateSet = false;
  }

  private textHead(): string {
    const { type } = this.info;
    const shown = type === "state" ? "gauge" : type === "counter" || type === "gauge" ? type : "untyped";
    return headText("text", this.name, shown, this.info);
  }

  /**
   * OpenMetrics names a counter's family without `_total`. A counter that is not called so keeps its name, which
   * dashboards know, and is `unknown`; so does one whose shorter name another family has.
   */
  private openMetricsHead(taken: ReadonlyMap<string, unknown>): string {
    const { type } = this.info;
    const base = this.name.slice(0, -"_total".length);
    if (type === "counter" && this.name.endsWith("_total") && !taken.has(base))
      return headText("openmetrics", base, "counter", this.info);
    const shown = this.isStateSet ? "stateset" : type === "gauge" || type === "state" ? "gauge" : "unknown";
    return headText("openmetrics", this.name, shown, this.info);
  }
}
