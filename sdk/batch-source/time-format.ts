import { AgentError } from "../errors.ts";
import type { Cell } from "./types.ts";
import type { Zone } from "./zone.ts";

/** How a source writes its times. `pattern` follows a pattern of its own, see `patternReader`. */
export const TIME_FORMATS = ["iso8601", "unix_s", "unix_ms", "unix_us", "unix_ns", "pattern"] as const;
export type TimeFormat = (typeof TIME_FORMATS)[number];

/** A cell as whole Unix milliseconds; NaN for what is no time. */
export type TimeReader = (cell: Cell) => number;

const INTEGER = /^[+-]?\d{1,24}$/;
const DECIMAL = /^[+-]?\d{1,15}(?:\.\d*)?(?:[eE][+-]?\d{1,2})?$/;
/** Digits of a Unix time beyond milliseconds. */
const EXTRA_DIGITS = { unix_ms: 0, unix_us: 3, unix_ns: 6 } as const;
const ISO =
  /^([+-]\d{6}|\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,12}))?)?)?(?: ?([Zz]|[+-]\d\d(?::?\d\d)?))?$/;
const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const TOKEN = /YYYY|YY|MMM|MM|M|DD|D|HH|H|hh|h|mm|ss|S+|A|ZZ|Z|\[([^\]]*)\]|[^]/g;
const TEXT_MAX_CHARACTERS = 80;

/** Reads times of a format; those without an offset of their own are in `zone`. Throws `batch_config_invalid`. */
export function timeReader(format: TimeFormat, zone: Zone, pattern = ""): TimeReader {
  switch (format) {
    case "iso8601":
      return onText((text) => isoTime(text, zone));
    case "unix_s":
      return (cell) => {
        if (typeof cell === "number") return Math.round(cell * 1000);
        return typeof cell === "string" && DECIMAL.test(cell) ? Math.round(Number(cell) * 1000) : NaN;
      };
    case "pattern":
      return patternReader(pattern, zone);
    default:
      return unixReader(EXTRA_DIGITS[format]);
  }
}

/** Nanoseconds are beyond what a number holds exactly: their last digits are cut off as text. */
function unixReader(extra: number): TimeReader {
  const divisor = 10 ** extra;
  return (cell) => {
    if (typeof cell === "number") return Math.floor(cell / divisor);
    if (typeof cell !== "string") return NaN;
    if (!INTEGER.test(cell)) return DECIMAL.test(cell) ? Math.floor(Number(cell) / divisor) : NaN;
    if (cell.length <= 15) return Math.floor(Number(cell) / divisor);
    return Number(cell.slice(0, cell.length - extra));
  };
}

function onText(read: (text: string) => number): TimeReader {
  return (cell) => (typeof cell === "string" && cell.length <= TEXT_MAX_CHARACTERS ? read(cell) : NaN);
}

function isoTime(text: string, zone: Zone): number {
  const found = ISO.exec(text);
  if (found === null) return NaN;
  const [, year, month, day, hour = "0", minute = "0", second = "0", fraction = "", offset] = found;
  const wallMs = wallTime(+year, +month, +day, +hour, +minute, +second, fraction);
  return offset === undefined ? zone.toUtc(wallMs) : wallMs - offsetOf(offset);
}

/** NaN for what no calendar has. Second 60 is the leap second: the first of the next minute. */
function wallTime(y: number, m: number, d: number, h: number, min: number, s: number, fraction: string): number {
  if (m < 1 || m > 12 || d < 1 || h > 23 || min > 59 || s > 60) return NaN;
  const date = new Date(0);
  date.setUTCFullYear(y, m - 1, d);
  if (date.getUTCDate() !== d) return NaN;
  return date.getTime() + ((h * 60 + min) * 60 + s) * 1000 + Number(fraction.slice(0, 3).padEnd(3, "0"));
}

/** `Z`, `+0200`, `+02:00` or `+02` in milliseconds. */
function offsetOf(text: string): number {
  if (text === "Z" || text === "z") return 0;
  const hours = Number(text.slice(1, 3));
  const minutes = Number(text.slice(-2));
  if (hours > 23 || (text.length > 3 && minutes > 59)) return NaN;
  return (text.startsWith("-") ? -1 : 1) * (hours * 60 + (text.length > 3 ? minutes : 0)) * 60_000;
}

/**
 * Times of a form of their own: YYYY YY MMM MM M DD D HH H hh h mm ss S A (AM or PM) Z (offset); anything else, and what stands
 * in [brackets], is as it is.
 */
function patternReader(pattern: string, zone: Zone): TimeReader {
  const fields: string[] = [];
  const source = pattern.replace(TOKEN, (token, literal: string | undefined) => {
    const expression = literal === undefined ? expressionOf(token) : null;
    if (expression === null) return (literal ?? token).replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
    fields.push(token.startsWith("S") ? "S" : token);
    return `(${expression})`;
  });
  if (!["YYYY", "YY"].some((year) => fields.includes(year)) || new Set(fields.map(kindOf)).size < fields.length)
    throw new AgentError(
      "batch_config_invalid",
      `the time pattern ${JSON.stringify(pattern)} needs a year and each part at most once, as in DD.MM.YYYY HH:mm:ss`,
    );
  const expression = new RegExp(`^${source}$`, "i");
  return onText((text) => {
    const found = expression.exec(text);
    if (found === null) return NaN;
    const part = new Map(fields.map((field, i) => [kindOf(field), found[i + 1]]));
    return fromParts(part, zone);
  });
}

function fromParts(part: ReadonlyMap<string, string>, zone: Zone): number {
  const year = part.get("Y")!;
  const monthText = part.get("M") ?? "1";
  const month = /^\d/.test(monthText) ? Number(monthText) : MONTHS.indexOf(monthText.toLowerCase()) + 1;
  let hour = Number(part.get("H") ?? 0);
  const half = part.get("A")?.toLowerCase();
  if (half !== undefined) {
    if (hour < 1 || hour > 12) return NaN;
    hour = (hour % 12) + (half === "pm" ? 12 : 0);
  }
  // Two digits as POSIX has them: 69 to 99 are of the last century.
  const fullYear = year.length > 2 ? Number(year) : Number(year) + (Number(year) < 69 ? 2000 : 1900);
  const [day, minute, second] = ["D", "m", "s"].map((kind) => Number(part.get(kind) ?? (kind === "D" ? 1 : 0)));
  const wallMs = wallTime(fullYear, month, day, hour, minute, second, part.get("S") ?? "");
  const offset = part.get("Z");
  return offset === undefined ? zone.toUtc(wallMs) : wallMs - offsetOf(offset);
}

function kindOf(token: string): string {
  return token.startsWith("h") ? "H" : token.charAt(0);
}

function expressionOf(token: string): string | null {
  switch (token) {
    case "YYYY":
      return "\\d{4}";
    case "MMM":
      return MONTHS.join("|");
    case "YY":
    case "MM":
    case "DD":
    case "HH":
    case "hh":
    case "mm":
    case "ss":
      return "\\d\\d";
    case "M":
    case "D":
    case "H":
    case "h":
      return "\\d\\d?";
    case "A":
      return "am|pm";
    case "Z":
    case "ZZ":
      return "Z|[+-]\\d\\d(?::?\\d\\d)?";
    default:
      return /^S+$/.test(token) ? "\\d{1,9}" : null;
  }
}

/** The reader's inverse, for what is handed back to a source: a watermark a little earlier. `like` is a text of the same form. */
export function timeLike(like: string | number, format: TimeFormat, timeMs: number, zone: Zone): string | number | null {
  if (format === "pattern") return null;
  if (format === "iso8601") return isoLike(String(like), timeMs, zone);
  const extra = format === "unix_s" ? -3 : EXTRA_DIGITS[format];
  if (typeof like === "number") return timeMs * 10 ** extra;
  return extra < 0 ? String(timeMs / 1000) : `${Math.floor(timeMs)}${"0".repeat(extra)}`;
}

function isoLike(like: string, timeMs: number, zone: Zone): string {
  const [, , , , , , , fraction, offset] = ISO.exec(like) ?? [];
  const aheadMs = offset === undefined ? zone.offsetMs(timeMs) : offsetOf(offset);
  const text = new Date(timeMs + aheadMs).toISOString();
  const separator = like.charAt(10) || "T";
  const time =
    fraction === undefined ? text.slice(11, 19) : `${text.slice(11, 23)}${"0".repeat(Math.max(0, fraction.length - 3))}`;
  return `${text.slice(0, 10)}${separator}${time}${offset ?? ""}`;
}
