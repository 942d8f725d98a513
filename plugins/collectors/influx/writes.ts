import {
  copyOf,
  errorText,
  type Receiver,
  type Reception,
  type RouteRequest,
  type RouteResponse,
  type SeriesId,
  statusOfReception,
} from "all-use-agent/sdk";
import { LineFault, LineReader, splitSeries, unescaped } from "./line-reader.ts";
import { labelsOf, metricInfo, metricName } from "./names.ts";
import { readTime, unitsPerMs } from "./precision.ts";

const FAULTS_KEPT = 5;
/** Points read before others have their turn: about a millisecond. */
const BREATH_POINTS = 1000;
/** Series texts whose numbers are remembered; of more, all are forgotten and asked for again. */
const KNOWN_MAX = 20_000;
const RETRY_AFTER_S = 5;
/** By HTTP status, as version 2 names them. */
const CODE_V2: Readonly<Record<number, string>> = {
  400: "invalid",
  413: "request too large",
  415: "invalid",
  503: "unavailable",
};

interface KnownSeries {
  readonly measurement: string;
  readonly tags: [string, string][];
  /** By the field's key as it stands. */
  readonly ids: Map<string, SeriesId>;
}

interface Outcome {
  readonly lines: number;
  readonly badLines: number;
  readonly faults: readonly string[];
}

/** Answers `/write` and `/api/v2/write`. */
export class Writes {
  private readonly receiver: Receiver;
  private readonly known = new Map<string, KnownSeries>();

  constructor(receiver: Receiver) {
    this.receiver = receiver;
  }

  async answer(request: RouteRequest): Promise<RouteResponse> {
    const v2 = request.path.startsWith("/api/v2/");
    try {
      return await this.receiver.turn(() => this.write(request, v2));
    } catch (error) {
      const status = statusOfReception(error);
      if (status === 500) throw error;
      return refusal(v2, status, errorText(error));
    }
  }

  private async write(request: RouteRequest, v2: boolean): Promise<RouteResponse> {
    const precision = request.query.get("precision");
    const perMs = unitsPerMs(precision);
    if (perMs === undefined)
      return refusal(v2, 400, `invalid precision ${JSON.stringify(precision?.slice(0, 20))} (use ns, u, ms, s, m or h)`);
    const text = new TextDecoder().decode(await request.body());
    const reception = this.receiver.open();
    const { lines, badLines, faults } = await this.read(text, perMs, reception);
    await reception.keep();
    if (badLines === 0 && reception.refused === 0) return { status: 204, contentType: null, body: "" };
    const said = [...faults, ...reception.reasons].join("; ");
    const partial = lines > badLines ? "partial write: " : "";
    const more = badLines > faults.length ? ` (and ${badLines - faults.length} more lines)` : "";
    return refusal(v2, 400, `${partial}${said}${more} dropped=${badLines + reception.refused}`);
  }

  private async read(text: string, perMs: number, reception: Reception): Promise<Outcome> {
    const reader = new LineReader(text);
    const nowMs = this.receiver.ctx.clock.now();
    const faults: string[] = [];
    let lines = 0;
    let badLines = 0;
    for (;;) {
      try {
        if (!reader.next()) break;
        lines++;
        this.take(reader, perMs, nowMs, reception);
      } catch (error) {
        if (!(error instanceof LineFault)) throw error;
        badLines++;
        if (faults.length < FAULTS_KEPT) {
          const column = error.at - reader.lineAt + 1;
          faults.push(`line ${reader.lineNumber} column ${column}: unable to parse '${reader.shown()}': ${error.message}`);
        }
      }
      if ((lines + badLines) % BREATH_POINTS === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    return { lines: lines + badLines, badLines, faults };
  }

  private take(reader: LineReader, perMs: number, nowMs: number, reception: Reception): void {
    const timestampMs = reader.time === "" ? nowMs : readTime(reader.time, perMs);
    if (Number.isNaN(timestampMs))
      throw new LineFault(reader.lineAt, `bad timestamp ${JSON.stringify(reader.time.slice(0, 40))}`);
    const series = this.known.get(reader.series) ?? this.learn(reader);
    for (const { key, value } of reader.fields) {
      // Texts are not samples.
      if (value === undefined) continue;
      let id = series.ids.get(key);
      if (id === undefined) {
        const { measurement, tags } = series;
        const field = unescaped(key);
        const name = metricName(measurement, field);
        id = reception.series(name, labelsOf(tags), metricInfo(name, measurement, field));
        if (id < 0) {
          reception.refuse(1);
          continue;
        }
        series.ids.set(copyOf(key), id);
      }
      reception.add(id, timestampMs, value);
    }
  }

  private learn(reader: LineReader): KnownSeries {
    let found: ReturnType<typeof splitSeries>;
    try {
      found = splitSeries(copyOf(reader.series));
    } catch (error) {
      if (error instanceof LineFault) throw new LineFault(reader.lineAt + error.at, error.message);
      throw error;
    }
    if (this.known.size >= KNOWN_MAX) this.known.clear();
    const series: KnownSeries = { ...found, ids: new Map() };
    this.known.set(copyOf(reader.series), series);
    return series;
  }
}

function refusal(v2: boolean, status: number, message: string): RouteResponse {
  return {
    status,
    contentType: "application/json; charset=utf-8",
    body: JSON.stringify(v2 ? { code: CODE_V2[status] ?? "internal error", message } : { error: message }),
    headers: {
      ...(status === 503 && { "Retry-After": String(RETRY_AFTER_S) }),
      "X-Influxdb-Error": headerText(message),
    },
  };
}

/** What of a message a header may hold. */
function headerText(message: string): string {
  return message.slice(0, 300).replace(/[^\x20-\x7e]/g, "?");
}
