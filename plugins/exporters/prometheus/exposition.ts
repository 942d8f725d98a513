import type { SeriesInfo } from "all-use-agent/sdk";
import type { Format } from "./accept.ts";
import { escapeBackslashes, escapeQuotes, numberText } from "./escape.ts";

/** Texts kept between scrapes, some 150 bytes each. Beyond it they are all forgotten and made anew. */
const CACHED_SERIES_MAX = 50_000;

/** One metric name: its heads in both formats, and the series given since `begin`. */
class Family {
  readonly name: string;
  private readonly info: SeriesInfo;
  private heads: { [F in Format]?: string } = {};
  private readonly series: string[] = [];
  private readonly values: number[] = [];
  private count = 0;

  constructor(info: SeriesInfo) {
    this.name = info.name;
    this.info = info;
  }

  begin(): void {
    this.count = 0;
  }

  /** Another family came: it may need the name that this one's head has in OpenMetrics. */
  forgetHeads(): void {
    this.heads = {};
  }

  get used(): boolean {
    return this.count > 0;
  }

  add(text: string, value: number): void {
    this.series[this.count] = text;
    this.values[this.count++] = value;
  }

  write(format: Format, taken: ReadonlyMap<string, unknown>): string {
    let text = (this.heads[format] ??= format === "text" ? this.textHead() : this.openMetricsHead(taken));
    for (let i = 0; i < this.count; i++) text += `${this.series[i]} ${numberText(this.values[i])}\n`;
    return text;
  }

  private textHead(): string {
    const { type } = this.info;
    const shown = type === "counter" || type === "gauge" ? type : "untyped";
    return `# HELP ${this.name} ${escapeBackslashes(this.info.help)}\n# TYPE ${this.name} ${shown}\n`;
  }

  /**
   * OpenMetrics names a counter's family without `_total`. A counter that is not called so keeps its name, which
   * dashboards know, and is `unknown`; so does one whose shorter name another family has.
   */
  private openMetricsHead(taken: ReadonlyMap<string, unknown>): string {
    const { type, unit, help } = this.info;
    let { name } = this;
    let shown = type === "gauge" ? "gauge" : "unknown";
    const base = name.slice(0, -"_total".length);
    if (type === "counter" && name.endsWith("_total") && !taken.has(base)) {
      name = base;
      shown = "counter";
    }
    const unitLine = unit !== undefined && name.endsWith(`_${unit}`) ? `# UNIT ${name} ${unit}\n` : "";
    return `# TYPE ${name} ${shown}\n${unitLine}# HELP ${name} ${escapeQuotes(help)}\n`;
  }
}

/** The page of all newest values. `begin`, `add` each series, `write`; texts that do not change are kept. */
export class Exposition {
  private readonly families = new Map<string, Family>();
  private sorted: Family[] | null = null;
  private readonly texts = new Map<SeriesInfo, string>();

  begin(): void {
    if (this.texts.size > CACHED_SERIES_MAX) {
      this.texts.clear();
      this.families.clear();
      this.sorted = null;
    }
    for (const family of this.families.values()) family.begin();
  }

  /** A NaN says that the series ended, except in a summary, where it says that nothing was observed. */
  add(info: SeriesInfo, value: number): void {
    if (Number.isNaN(value) && info.type !== "summary") return;
    let family = this.families.get(info.name);
    if (!family) {
      family = new Family(info);
      this.families.set(info.name, family);
      this.sorted = null;
    }
    let text = this.texts.get(info);
    if (text === undefined) this.texts.set(info, (text = seriesText(info)));
    family.add(text, value);
  }

  write(format: Format): string {
    if (!this.sorted) {
      this.sorted = [...this.families.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
      for (const family of this.sorted) family.forgetHeads();
    }
    let text = "";
    for (const family of this.sorted) if (family.used) text += family.write(format, this.families);
    return format === "openmetrics" ? `${text}# EOF\n` : text;
  }
}

function seriesText({ name, labels }: SeriesInfo): string {
  const keys = Object.keys(labels).sort();
  if (keys.length === 0) return name;
  return `${name}{${keys.map((key) => `${key}="${escapeQuotes(labels[key])}"`).join(",")}}`;
}
