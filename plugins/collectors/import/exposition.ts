import { errorText, ExpositionParser, familyInfo, type Reception, type TextSeries } from "all-use-agent/sdk";
import { breathe, type Faults, placed } from "./faults.ts";

/** Read at once: some 2,000 samples, half a millisecond. */
const PIECE_BYTES = 128 * 1024;
/** The door's own limit is the bound. */
const CHARACTERS_MAX = Number.MAX_SAFE_INTEGER;

export type ExpositionFormat = "openmetrics" | "prometheus";

/** Hands its samples on while it reads, instead of holding all of them. Knows the series of the requests before by their text. */
class ImportParser extends ExpositionParser {
  readonly format: ExpositionFormat;
  /** Where the samples of the request in hand go. */
  reception: Reception | null = null;
  /** Why a series was refused: it is not asked for again. */
  private refusal: string | undefined;

  constructor(format: ExpositionFormat) {
    super({ format, maxCharacters: CHARACTERS_MAX, define: (series) => this.define(series) });
    this.format = format;
  }

  drain(timestampMs: number): void {
    const { length, timestamps } = this.batch;
    for (let row = 0; row < length; row++) if (Number.isNaN(timestamps[row])) timestamps[row] = timestampMs;
    this.reception!.emit(this.batch);
  }

  /** Ends the request. */
  conclude(timestampMs: number): Faults {
    // The last line has no end of its own: its sample comes with the reading.
    const { batch, refused, faults, faultCount } = this.end();
    const reception = this.reception!;
    for (let row = 0; row < batch.length; row++) {
      const given = batch.timestamps[row];
      reception.add(batch.series[row], Number.isNaN(given) ? timestampMs : given, batch.values[row]);
    }
    if (refused > 0) reception.refuse(refused, this.refusal);
    this.reception = null;
    return { count: faultCount, first: faults.map(placed) };
  }

  private define(series: TextSeries): number {
    const id = this.reception!.series(series.name, series.labels, familyInfo(series));
    if (id < 0) this.refusal = this.reception!.reasons.at(-1);
    return id;
  }
}

/** Reads bodies, each with a parser of its own. The one that was last done is kept, so that who sends again and again is known. */
export class ExpositionReader {
  private kept: ImportParser | null = null;

  /** `timestampMs` is given to samples without a time of their own. Never throws: what ends the reading is a fault, too. */
  async read(body: Uint8Array, reception: Reception, format: ExpositionFormat, timestampMs: number): Promise<Faults> {
    const parser = this.kept?.format === format ? this.kept : new ImportParser(format);
    this.kept = null;
    parser.reception = reception;
    const decoder = new TextDecoder();
    const ended: string[] = [];
    try {
      for (let from = 0; from < body.length; from += PIECE_BYTES) {
        if (from > 0) await breathe();
        const piece = body.subarray(from, from + PIECE_BYTES);
        parser.push(decoder.decode(piece, { stream: from + PIECE_BYTES < body.length }));
        parser.drain(timestampMs);
      }
    } catch (error) {
      ended.push(`${errorText(error)}; nothing after it was read`);
    }
    const { count, first } = parser.conclude(timestampMs);
    this.kept = parser;
    return { count: count + ended.length, first: [...first, ...ended] };
  }
}

/**
 * By the content type, or by how the body ends: only OpenMetrics ends with `# EOF`. Their times differ: seconds there, milliseconds in
 * Prometheus' text format.
 */
export function formatOf(contentType: string | undefined, body: Uint8Array): ExpositionFormat {
  if (contentType?.startsWith("application/openmetrics-text")) return "openmetrics";
  if (contentType?.includes("version=0.0.4")) return "prometheus";
  const tail = new TextDecoder().decode(body.subarray(-16)).trimEnd();
  return tail.endsWith("# EOF") ? "openmetrics" : "prometheus";
}
