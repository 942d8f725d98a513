import {
  AgentError,
  errorText,
  ExpositionParser,
  JsonLinesParser,
  type Logger,
  type Manifest,
  type MetricInfo,
  SERIES_IGNORED,
  SERIES_REFUSED,
  type SeriesId,
  type TextParser,
  type TextReading,
  type TextSeries,
} from "all-use-agent/sdk";
import { checkLabel, metricLookup } from "../context.ts";
import type { Permissions } from "../process/permissions.ts";
import type { HostServices } from "../services.ts";

/** More series than this of one plugin are a mistake in its labels. */
const SERIES_MAX = 10_000;
/** 10,000 series with long names. */
export const READING_MAX_CHARACTERS = 2 * 1024 * 1024;
const LINE_MAX_CHARACTERS = 64 * 1024;
/** Samples further ahead than this have no true time. */
const AHEAD_MAX_MS = 24 * 3600_000;
const PART_OF_FAMILY = /_(?:bucket|count|sum|gcount|gsum)$/;

export interface ReaderParts {
  readonly manifest: Manifest;
  readonly services: Pick<HostServices, "registerSeries" | "emit">;
  readonly permissions: Permissions;
  readonly log: Logger;
  /** A series was taken that is declared so. */
  defined?(series: TextSeries, metric: MetricInfo): void;
}

/** What became of one reading. */
export interface Taken {
  readonly samples: number;
  /** What is wrong with it, of which the samples are free; null when nothing is. */
  readonly complaint: AgentError | null;
}

/** Makes samples of what a program prints: those of metrics that its manifest declares. */
export class ExecReader {
  private readonly parts: ReaderParts;
  private readonly metricOf: (name: string) => MetricInfo;
  private readonly series = new Set<SeriesId>();
  private readonly told = new Set<string>();
  /** Why the last series that was refused was refused. */
  private refusal: AgentError | null = null;

  constructor(parts: ReaderParts) {
    this.parts = parts;
    this.metricOf = metricLookup(parts.manifest);
  }

  /** A parser for the output of one program; `ended` where that is a stream of readings. */
  parser(ended?: (reading: TextReading) => void): TextParser {
    const { format } = this.parts.manifest.exec!;
    const options = {
      define: (series: TextSeries) => this.define(series),
      maxCharacters: READING_MAX_CHARACTERS,
      maxLineCharacters: LINE_MAX_CHARACTERS,
      ...(ended && { ended }),
    };
    return format === "jsonl" ? new JsonLinesParser(options) : new ExpositionParser({ ...options, format });
  }

  /** Emits a reading. Samples without a time get `nowMs`; those without a true time are left out. */
  take({ batch, faults, faultCount, refused }: TextReading, nowMs: number): Taken {
    const latestMs = nowMs + AHEAD_MAX_MS;
    const { series, timestamps, values } = batch;
    let rows = 0;
    for (let row = 0; row < batch.length; row++) {
      const timestampMs = Number.isNaN(timestamps[row]) ? nowMs : timestamps[row];
      if (!(timestampMs >= 0 && timestampMs <= latestMs)) continue;
      series[rows] = series[row];
      timestamps[rows] = timestampMs;
      values[rows++] = values[row];
    }
    const untimed = batch.length - rows;
    batch.length = rows;
    if (rows > 0) this.parts.services.emit(batch);
    if (refused > 0 && this.refusal) this.parts.permissions.count(this.refusal.message);
    return { samples: rows, complaint: this.complaintOf(faults[0], faultCount, untimed, refused) };
  }

  private complaintOf(
    fault: TextReading["faults"][number] | undefined,
    faultCount: number,
    untimed: number,
    refused: number,
  ): AgentError | null {
    if (fault) {
      const more = faultCount > 1 ? ` (and ${faultCount - 1} more)` : "";
      return new AgentError(
        "output_invalid",
        `line ${fault.line}, column ${fault.column} of its output: ${fault.message}${more}`,
      );
    }
    if (untimed > 0)
      return new AgentError("output_invalid", "samples with a time more than a day ahead, or before 1970, were left out");
    return refused > 0 ? this.refusal : null;
  }

  private define(series: TextSeries): number {
    const { manifest, permissions, services } = this.parts;
    const { name, labels } = series;
    const metrics = manifest.metrics ?? {};
    // Client libraries print beside each counter when it was made; few want it.
    if (name.endsWith("_created") && series.family && !Object.hasOwn(metrics, name)) return SERIES_IGNORED;
    try {
      const metric = this.declared(name);
      permissions.needWrite(name);
      for (const [label, value] of Object.entries(labels)) checkLabel(manifest.id, name, label, value);
      this.compare(series, metric);
      this.parts.defined?.(series, metric);
      if (this.series.size >= SERIES_MAX)
        throw new AgentError("series_limit", `${manifest.id} has more than ${SERIES_MAX} series: the rest is refused`);
      const id = services.registerSeries(name, labels, metric);
      this.series.add(id);
      return id;
    } catch (error) {
      this.refusal = error instanceof AgentError ? error : new AgentError("series_refused", errorText(error));
      return SERIES_REFUSED;
    }
  }

  /** A sample's declaration: its own, or its family's (`x_bucket` of the histogram x, `x_total` of the counter x). */
  private declared(name: string): MetricInfo {
    const metrics = this.parts.manifest.metrics ?? {};
    const family = name.replace(PART_OF_FAMILY, "");
    if (family !== name && Object.hasOwn(metrics, family) && ["histogram", "summary"].includes(metrics[family].type))
      return metrics[family];
    const counted = name.replace(/_total$/, "");
    if (counted !== name && Object.hasOwn(metrics, counted) && metrics[counted].type === "counter") return metrics[counted];
    return this.metricOf(name);
  }

  /** plugin.json is right; that the program says something else is told once. */
  private compare({ name, family }: TextSeries, metric: MetricInfo): void {
    const differences = declarationDifferences(family, metric);
    for (const difference of differences) {
      const message = `${name}: ${difference}; plugin.json is taken`;
      if (this.told.size >= 100 || this.told.has(message)) continue;
      this.told.add(message);
      this.parts.log.warn(message);
    }
  }
}

/** Where a text's TYPE and UNIT are not those of plugin.json. */
export function declarationDifferences(family: TextSeries["family"], metric: MetricInfo): string[] {
  const found: string[] = [];
  const open = ["untyped", "unknown", "info", "stateset", "gaugehistogram"];
  if (family?.type !== undefined && family.type !== metric.type && !open.includes(family.type))
    found.push(`its output says # TYPE ${family.type}, plugin.json ${metric.type}`);
  if (family?.unit && metric.unit !== undefined && family.unit !== metric.unit)
    found.push(`its output says # UNIT ${family.unit}, plugin.json ${metric.unit}`);
  return found;
}
