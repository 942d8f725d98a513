import { errorText } from "../errors.ts";
import { type Labels, seriesKey } from "../series.ts";
import { readNumber } from "./number.ts";
import { TextParser } from "./text-parser.ts";

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const FIELDS = ["metric", "labels", "value", "timestamp_ms"];
const SPECIAL = ["NaN", "+Inf", "-Inf", "Inf"];
const KNOWN_MAX = 20_000;

/**
 * Reads samples as JSON, one or a list of them a line: `{"metric": "name", "labels": {…}, "value": 1.5, "timestamp_ms": …}`.
 * `labels` and `timestamp_ms` may be missing; `value` is a number or "NaN", "+Inf", "-Inf". In a stream (`ended` is set) a
 * reading is what came at once.
 */
export class JsonLinesParser extends TextParser {
  private readonly known = new Map<string, number>();

  override push(piece: string): void {
    super.push(piece);
    if (this.options.ended) this.endReading();
  }

  protected line(text: string, from: number, to: number): void {
    const line = text.slice(from, to);
    if (line.trim() === "") return;
    let found: unknown;
    try {
      found = JSON.parse(line);
    } catch (error) {
      const message = errorText(error);
      return this.fault(Number(/position (\d+)/.exec(message)?.[1] ?? 0), `this is not JSON: ${message.slice(0, 200)}`);
    }
    if (Array.isArray(found)) for (const [i, one] of (found as unknown[]).entries()) this.sample(one, `/${i}`);
    else this.sample(found, "");
  }

  private sample(found: unknown, where: string): void {
    if (typeof found !== "object" || found === null || Array.isArray(found))
      return this.fault(0, `${where || "/"}: expected an object with metric and value, found ${shown(found)}`);
    const { metric, labels = {}, value, timestamp_ms: time } = found as Record<string, unknown>;
    const extra = Object.keys(found).find((name) => !FIELDS.includes(name));
    if (extra !== undefined) return this.fault(0, `${where}/${extra} is not known here: the names are ${FIELDS.join(", ")}`);
    if (typeof metric !== "string" || !NAME.test(metric))
      return this.fault(0, `${where}/metric: expected a metric's name, found ${shown(metric)}`);
    if (!isLabels(labels)) return this.fault(0, `${where}/labels: expected an object of texts, found ${shown(labels)}`);
    const row = this.room();
    const { values, timestamps } = this.batch;
    if (typeof value === "number") values[row] = value;
    else if (!(typeof value === "string" && SPECIAL.includes(value) && readNumber(value, 0, value.length, values, row)))
      return this.fault(0, `${where}/value: expected a number or one of ${SPECIAL.join(", ")}, found ${shown(value)}`);
    if (time !== undefined && typeof time !== "number")
      return this.fault(0, `${where}/timestamp_ms: expected Unix milliseconds, found ${shown(time)}`);
    timestamps[row] = time === undefined ? NaN : Math.round(time);
    this.keep(row, this.idOf(metric, labels));
  }

  private idOf(name: string, labels: Labels): number {
    const key = seriesKey(name, labels);
    const known = this.known.get(key);
    if (known !== undefined) return known;
    if (this.known.size >= KNOWN_MAX) this.known.clear();
    const id = this.options.define({ name, labels, family: null });
    this.known.set(key, id);
    return id;
  }
}

function isLabels(value: unknown): value is Labels {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((one) => typeof one === "string");
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
