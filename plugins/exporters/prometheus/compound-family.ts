import type { Labels, SeriesInfo } from "all-use-agent/sdk";
import type { Format } from "./accept.ts";
import { numberText } from "./escape.ts";
import { type Family, headText, type Place, seriesText } from "./family.ts";

const PART = /_(bucket|sum|count)$/;

/** One series of a compound metric: what it is a part of. */
export interface PartOf {
  readonly family: string;
  readonly part: "bucket" | "quantile" | "sum" | "count";
  /** The bucket's upper bound, or the quantile. */
  readonly at: number;
  /** The labels that all parts of one histogram or summary share. */
  readonly labels: Labels;
}

interface Part {
  readonly name: string;
  readonly text: string;
  readonly at: number;
  value: number;
  round: number;
}

/** One histogram or summary: the series of one label set. */
interface Group {
  readonly labels: Labels;
  /** Buckets by bound, or quantiles. */
  readonly steps: Part[];
  sum: Part | null;
  count: Part | null;
}

/** What a series of a histogram or summary is a part of; null where its name or labels do not say so. */
export function partOf({ type, name, labels }: SeriesInfo): PartOf | null {
  const [suffix, part] = PART.exec(name) ?? ["", ""];
  if (type === "summary" && part !== "sum" && part !== "count") return stepOf(name, "quantile", "quantile", labels);
  const family = name.slice(0, name.length - suffix.length);
  if (part === "sum" || part === "count") return { family, part, at: NaN, labels };
  return part === "bucket" ? stepOf(family, "bucket", "le", labels) : null;
}

function stepOf(family: string, part: "bucket" | "quantile", label: string, labels: Labels): PartOf | null {
  if (!Object.hasOwn(labels, label)) return null;
  const { [label]: text, ...rest } = labels;
  const at = /^\+?inf$/i.test(text) ? Infinity : Number(text);
  return text.trim() === "" || Number.isNaN(at) ? null : { family, part, at, labels: rest };
}

/**
 * A histogram or summary with all its parts under one head, those of a label set together and in order, as both formats demand.
 * A histogram without its last bucket or its count gets the one from the other; what has neither is given by its own names, untyped.
 */
export class CompoundFamily implements Family {
  readonly name: string;
  readonly type: "histogram" | "summary";
  private readonly info: SeriesInfo;
  private readonly groups = new Map<string, Group>();
  private round = 1;
  private usedRound = 0;

  constructor(name: string, info: SeriesInfo, type: "histogram" | "summary") {
    this.name = name;
    this.info = info;
    this.type = type;
  }

  get used(): boolean {
    return this.usedRound === this.round;
  }

  begin(): void {
    this.round++;
  }

  forgetHeads(): void {}

  place(info: SeriesInfo, { part, at, labels }: PartOf): Place {
    const key = seriesText("", labels);
    let group = this.groups.get(key);
    if (!group) this.groups.set(key, (group = { labels, steps: [], sum: null, count: null }));
    const own: Part = { name: info.name, text: seriesText(info.name, info.labels), at, value: 0, round: 0 };
    if (part === "sum" || part === "count") group[part] = own;
    else {
      const after = group.steps.findIndex((step) => step.at > at);
      group.steps.splice(after < 0 ? group.steps.length : after, 0, own);
    }
    return {
      give: (value) => {
        // A quantile of nothing is NaN; any other part that is NaN has ended.
        if (Number.isNaN(value) && part !== "quantile") return;
        own.value = value;
        own.round = this.usedRound = this.round;
      },
    };
  }

  write(format: Format): string {
    let text = "";
    const strays = new Map<string, string>();
    for (const group of this.groups.values())
      text += this.type === "histogram" ? this.histogramText(group, format, strays) : this.summaryText(group);
    if (text !== "") text = headText(format, this.name, this.type, this.info) + text;
    for (const [name, lines] of strays)
      text += headText(format, name, format === "text" ? "untyped" : "unknown", this.info) + lines;
    return text;
  }

  private histogramText(group: Group, format: Format, strays: Map<string, string>): string {
    const steps = group.steps.filter((step) => this.isLive(step));
    const last = steps.at(-1)?.at === Infinity ? steps.at(-1)! : null;
    const total = last?.value ?? this.valueOf(group.count);
    if (total === null) {
      for (const part of [...steps, group.sum])
        if (this.isLive(part)) strays.set(part.name, (strays.get(part.name) ?? "") + lineOf(part));
      return "";
    }
    let text = "";
    for (const step of steps) text += lineOf(step);
    if (last === null) text += `${seriesText(`${this.name}_bucket`, { ...group.labels, le: "+Inf" })} ${numberText(total)}\n`;
    // OpenMetrics: a sum that can fall is none.
    const hasSum = this.isLive(group.sum) && !(format === "openmetrics" && steps.some(({ at }) => at < 0));
    if (hasSum) text += lineOf(group.sum!);
    return `${text}${seriesText(`${this.name}_count`, group.labels)} ${numberText(total)}\n`;
  }

  private summaryText({ steps, sum, count }: Group): string {
    // Its quantiles may be NaN and there; that it ended is seen by its count.
    if (count !== null && !this.isLive(count)) return "";
    return [...steps, sum, count].map((part) => (this.isLive(part) ? lineOf(part) : "")).join("");
  }

  private isLive(part: Part | null): part is Part {
    return part !== null && part.round === this.round;
  }

  private valueOf(part: Part | null): number | null {
    return this.isLive(part) ? part.value : null;
  }
}

function lineOf({ text, value }: Part): string {
  return `${text} ${numberText(value)}\n`;
}
