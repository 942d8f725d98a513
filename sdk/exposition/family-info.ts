import type { MetricInfo, MetricType } from "../series.ts";
import type { TextSeries } from "./text-parser.ts";

const TYPE: Readonly<Record<string, MetricType>> = {
  counter: "counter",
  gauge: "gauge",
  histogram: "histogram",
  summary: "summary",
  stateset: "state",
};

/**
 * What a text's `# TYPE`, `# HELP` and `# UNIT` say of a series, or undefined where they say nothing. Types that have no equal here
 * are gauges, but for names that end in `_total`; a `_created` time is a gauge whatever its family.
 */
export function familyInfo({ name, family }: Pick<TextSeries, "name" | "family">): MetricInfo | undefined {
  if (family === null) return undefined;
  const { type = "unknown", help = "", unit } = family;
  if (name.endsWith("_created") && name !== family.name) return { type: "gauge", unit: "seconds", help };
  const known = Object.hasOwn(TYPE, type) ? TYPE[type] : name.endsWith("_total") ? "counter" : "gauge";
  return { type: known, help, ...(unit !== undefined && unit !== "" && { unit }) };
}
