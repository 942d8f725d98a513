import type { PluginContext } from "../context.ts";
import { errorText } from "../errors.ts";
import { ExpositionParser } from "../exposition/exposition-parser.ts";
import { SERIES_REFUSED, type TextFamily, type TextSeries } from "../exposition/text-parser.ts";
import { type Labels, type MetricInfo, type MetricType, seriesKey } from "../series.ts";
import type { BatchRun } from "./types.ts";

const TYPES: Readonly<Record<string, MetricType>> = {
  counter: "counter",
  gauge: "gauge",
  histogram: "histogram",
  summary: "summary",
  stateset: "state",
};

/** Reads exposition text in pieces of whole lines and hands its samples to runs. */
export function readExposition(ctx: PluginContext, format: "openmetrics" | "prometheus", constant: Labels) {
  let refusal = "";
  let refusedLine = "";
  const define = ({ name, labels, family }: TextSeries): number => {
    try {
      return ctx.series(name, { ...labels, ...constant }, infoOf(family));
    } catch (error) {
      refusal = errorText(error);
      refusedLine = seriesKey(name, labels);
      return SERIES_REFUSED;
    }
  };
  const parser = new ExpositionParser({ format, define });
  return {
    /** `timeMs` is of samples without a time; `line` the number of the lines before. */
    take(text: string, run: BatchRun, timeMs: number, where: string, line: number): void {
      parser.push(text);
      const reading = parser.end();
      run.samples(reading.batch, timeMs);
      for (const fault of reading.faults)
        run.reject("syntax", fault.message, { where, line: line + fault.line, column: fault.column }, "");
      for (let i = reading.faults.length; i < reading.faultCount; i++)
        run.reject("syntax", "like the faults before it", { where, line: line + 1 }, "");
      for (let i = 0; i < reading.refused; i++) run.reject("series", refusal, { where, line: line + 1 }, refusedLine);
    },
  };
}

function infoOf(family: TextFamily | null): MetricInfo {
  return {
    type: TYPES[family?.type ?? ""] ?? "gauge",
    help: family?.help ?? "Read by a batch collector.",
    ...(family?.unit !== undefined && family.unit !== "" && { unit: family.unit }),
  };
}
