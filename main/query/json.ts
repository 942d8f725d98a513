import type { Labels } from "all-use-agent/sdk";
import { formatFloat, formatSample } from "./number.ts";
import type { QueryResult, ResultSeries } from "./result.ts";

/** Results hand out the same label object for the same series again and again; its text is made once. */
const metricTexts = new WeakMap<Labels, string>();

function metricText(labels: Labels): string {
  let text = metricTexts.get(labels);
  if (text === undefined) {
    text = `{"metric":${JSON.stringify(labels)},`;
    metricTexts.set(labels, text);
  }
  return text;
}

/** Seconds with three decimals where there are any. */
export function timestampText(timestampMs: number): string {
  const seconds = Math.floor(Math.abs(timestampMs) / 1000);
  const rest = Math.abs(timestampMs) - seconds * 1000;
  const sign = timestampMs < 0 ? "-" : "";
  return rest === 0 ? `${sign}${seconds}` : `${sign}${seconds}.${String(rest).padStart(3, "0")}`;
}

function seriesText({ labels, timestamps, values }: ResultSeries): string {
  let text = `${metricText(labels)}"values":[`;
  let fractionMs = -1;
  let tail = "";
  for (let i = 0; i < values.length; i++) {
    const timestampMs = timestamps[i];
    if (timestampMs < 0) {
      text += `${i === 0 ? "" : ","}[${timestampText(timestampMs)},"${formatSample(values[i])}"]`;
      continue;
    }
    const seconds = Math.floor(timestampMs / 1000);
    const rest = timestampMs - seconds * 1000;
    // Steps of whole seconds share what follows the second.
    if (rest !== fractionMs) {
      fractionMs = rest;
      tail = `${rest === 0 ? "" : `.${String(rest).padStart(3, "0")}`},"`;
    }
    text += i === 0 ? "[" : ",[";
    text += seconds + tail + formatSample(values[i]) + '"]';
  }
  return `${text}]}`;
}

/** Points that go into one part of a long answer: some 5 ms of work. */
const POINTS_PER_PART = 50_000;

/**
 * The same text as `resultJson`, in parts of a few milliseconds' work each, so that a long answer can be sent without
 * holding up everything else: let the event loop have a turn between two parts.
 */
export function* resultJsonParts(result: QueryResult): Generator<string> {
  if (result.type !== "matrix") {
    yield resultJson(result);
    return;
  }
  let text = '{"resultType":"matrix","result":[';
  let points = 0;
  for (let i = 0; i < result.series.length; i++) {
    const series = result.series[i];
    text += (i === 0 ? "" : ",") + seriesText(series);
    points += series.values.length;
    if (points < POINTS_PER_PART) continue;
    yield text;
    text = "";
    points = 0;
  }
  yield `${text}]}`;
}

/** The `data` object of Prometheus' HTTP API, as text. */
export function resultJson(result: QueryResult): string {
  switch (result.type) {
    case "matrix": {
      let text = "";
      for (const part of resultJsonParts(result)) text += part;
      return text;
    }
    case "vector": {
      let text = '{"resultType":"vector","result":[';
      const { rows } = result;
      const time = rows.length === 0 ? "" : timestampText(rows[0].timestampMs);
      for (let i = 0; i < rows.length; i++) {
        const row = rows[i];
        text += `${i === 0 ? "" : ","}${metricText(row.labels)}"value":[${time},"${formatSample(row.value)}"]}`;
      }
      return `${text}]}`;
    }
    case "scalar":
      return `{"resultType":"scalar","result":[${result.timestampMs / 1000},"${formatFloat(result.value)}"]}`;
    default:
      return `{"resultType":"string","result":[${result.timestampMs / 1000},${JSON.stringify(result.value)}]}`;
  }
}
