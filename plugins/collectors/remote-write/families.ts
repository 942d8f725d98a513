import type { MetricInfo } from "all-use-agent/sdk";

/** What is remembered of families; more are not, and go by their names. */
const FAMILIES_MAX = 20_000;
const TEXT_MAX = 1000;
/** MetricType of both protocols, by number. UNKNOWN goes by the name. */
const TYPE_OF_NUMBER = [null, "counter", "gauge", "histogram", "histogram", "summary", "gauge", "state"] as const;
const PART = /_(?:total|bucket|count|sum|created|info)$/;

/** What senders say of metrics, by family. 1.0 says it apart from the samples, some time after the first of them. */
export class Families {
  private readonly families = new Map<string, MetricInfo>();

  /** Returns whether it was news. */
  learn(family: string, type: number, help: string, unit: string): boolean {
    const info = infoOf(family, type, help, unit);
    const known = this.families.get(family);
    if (known !== undefined && known.type === info.type && known.help === info.help && known.unit === info.unit) return false;
    if (known === undefined && this.families.size >= FAMILIES_MAX) return false;
    this.families.set(family, info);
    return true;
  }

  /** What a series of this name is, as far as anybody said, else what its name says. */
  of(name: string): MetricInfo {
    return this.families.get(name) ?? this.families.get(name.replace(PART, "")) ?? { type: typeByName(name), help: "" };
  }

  entries(): [string, MetricInfo][] {
    return [...this.families];
  }

  restore(entries: readonly [string, MetricInfo][]): void {
    for (const [family, info] of entries.slice(0, FAMILIES_MAX)) this.families.set(family, info);
  }
}

export function infoOf(name: string, type: number, help: string, unit: string): MetricInfo {
  return {
    type: TYPE_OF_NUMBER[type] ?? typeByName(name),
    help: help.slice(0, TEXT_MAX),
    ...(unit === "" ? {} : { unit: unit.slice(0, TEXT_MAX) }),
  };
}

/** By the usual endings: what a name without any word about it most likely is. */
export function typeByName(name: string): MetricInfo["type"] {
  if (name.endsWith("_bucket")) return "histogram";
  return /_(?:total|count|sum)$/.test(name) ? "counter" : "gauge";
}
