export type Format = "text" | "openmetrics";

export const CONTENT_TYPE: Readonly<Record<Format, string>> = {
  text: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

/** How specific a media range is, most specific last: RFC 9110 lets the most specific decide about a type. */
const TEXT_RANGES = ["*/*", "text/*", "text/plain"];

/**
 * OpenMetrics where it is asked for by name at no lower weight than the text format, otherwise text: also for those who
 * accept neither, since an answer in the oldest format helps more than a refusal.
 */
export function chooseFormat(accept: string | undefined): Format {
  let openMetrics = 0;
  let text = 0;
  let textRank = -1;
  for (const part of (accept ?? "").split(",")) {
    const [range, ...parameters] = part.split(";").map((word) => word.trim().toLowerCase());
    const weight = weightOf(parameters);
    const version = parameters
      .find((parameter) => parameter.startsWith("version="))
      ?.slice("version=".length)
      .replaceAll('"', "");
    if (range === "application/openmetrics-text" && (version === undefined || version === "1.0.0")) {
      openMetrics = Math.max(openMetrics, weight);
      continue;
    }
    const rank = TEXT_RANGES.indexOf(range);
    if (rank < textRank || rank < 0 || (version !== undefined && version !== "0.0.4")) continue;
    text = rank === textRank ? Math.max(text, weight) : weight;
    textRank = rank;
  }
  return openMetrics > 0 && openMetrics >= text ? "openmetrics" : "text";
}

function weightOf(parameters: readonly string[]): number {
  const parameter = parameters.find((word) => word.startsWith("q="));
  if (parameter === undefined) return 1;
  const weight = Number(parameter.slice(2));
  return weight >= 0 && weight <= 1 ? weight : 0;
}
