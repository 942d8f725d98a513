import type { TextSeries } from "../exposition/index.ts";
import type { MetricInfo } from "../series.ts";

/** A part of a metric that is stored as several: `x_bucket` of `x`. */
const PART = /_(?:bucket|sum|count|total)$/;
const PARTS: Readonly<Partial<Record<MetricInfo["type"], readonly string[]>>> = {
  histogram: ["_bucket", "_sum", "_count"],
  summary: ["_sum", "_count"],
  event: ["_total"],
};

/**
 * What a name is as a part of a declared metric: `x_bucket`, `x_sum` and `x_count` of the histogram `x`, `x_sum` and `x_count` of the
 * summary `x`, the counter `x_total` of the event `x`. null where it is none.
 */
export function partOfMetric(declared: Readonly<Record<string, MetricInfo>>, name: string): MetricInfo | null {
  const suffix = PART.exec(name)?.[0];
  if (suffix === undefined) return null;
  const whole = name.slice(0, -suffix.length);
  if (!Object.hasOwn(declared, whole)) return null;
  const info = declared[whole];
  if (PARTS[info.type]?.includes(suffix) !== true) return null;
  return info.type === "event" ? { ...info, type: "counter" } : info;
}

/**
 * What a series is by the words of a text. Ours has six types, the formats have more: an untyped or unknown metric is a gauge unless its
 * name ends in `_total`, so is an `info` (its value is always 1) and all of a `gaugehistogram`, whose buckets may fall; `_created`
 * of any metric is a gauge of seconds.
 */
export function infoOfText({ name, family }: TextSeries): MetricInfo {
  const type = name.endsWith("_created") && family?.name !== name ? "gauge" : ourType(name, family?.type);
  const unit = type === "gauge" && name.endsWith("_created") ? "seconds" : family?.unit;
  return { type, help: family?.help ?? "", ...(unit ? { unit } : {}) };
}

function ourType(name: string, type: string | undefined): MetricInfo["type"] {
  switch (type) {
    case "counter":
    case "gauge":
    case "histogram":
    case "summary":
      return type;
    case "stateset":
      return "state";
    case undefined:
    case "untyped":
    case "unknown":
      return name.endsWith("_total") ? "counter" : "gauge";
    default:
      return "gauge";
  }
}
