import { errorText, ExpositionParser, familyInfo, type Reception } from "all-use-agent/sdk";
import { breathe, type Faults, placed } from "./faults.ts";

/** Read at once: some 2,000 samples, half a millisecond. */
const PIECE_BYTES = 128 * 1024;
/** The door's own limit is the bound. */
const CHARACTERS_MAX = Number.MAX_SAFE_INTEGER;

export type ExpositionFormat = "openmetrics" | "prometheus";

/** Hands its samples on while it reads, instead of holding all of them. */
class ImportParser extends ExpositionParser {
  drain(reception: Reception, timestampMs: number): void {
    const { length, timestamps } = this.batch;
    for (let row = 0; row < length; row++) if (Number.isNaN(timestamps[row])) timestamps[row] = timestampMs;
    reception.emit(this.batch);
  }
}

/** `timestampMs` is given to samples without a time of their own. Never throws: what ends the reading is a fault, too. */
export async function readExposition(
  body: Uint8Array,
  reception: Reception,
  format: ExpositionFormat,
  timestampMs: number,
): Promise<Faults> {
  const parser = new ImportParser({
    format,
    maxCharacters: CHARACTERS_MAX,
    define: (series) => reception.series(series.name, series.labels, familyInfo(series)),
  });
  const decoder = new TextDecoder();
  let ended: string[] = [];
  try {
    for (let from = 0; from < body.length; from += PIECE_BYTES) {
      if (from > 0) await breathe();
      const piece = body.subarray(from, from + PIECE_BYTES);
      parser.push(decoder.decode(piece, { stream: from + PIECE_BYTES < body.length }));
      parser.drain(reception, timestampMs);
    }
  } catch (error) {
    ended = [`${errorText(error)}; nothing after it was read`];
  }
  const { batch, refused, faults, faultCount } = parser.end();
  for (let row = 0; row < batch.length; row++) {
    const given = batch.timestamps[row];
    reception.add(batch.series[row], Number.isNaN(given) ? timestampMs : given, batch.values[row]);
  }
  reception.refuse(refused);
  return { count: faultCount + ended.length, first: [...faults.map(placed), ...ended] };
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
