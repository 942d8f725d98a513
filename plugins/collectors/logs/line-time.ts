const ISO = /^[[("]?(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?\s?(Z|[+-]\d\d:?\d\d)?/;
const JSON_TIME = /"(?:time|timestamp|ts|@timestamp)"\s*:\s*(?:"([^"]{1,40})"|(\d{9,19}(?:\.\d+)?))/;
const SYSLOG = /^(?:<\d{1,3}>)?([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d\d):(\d\d):(\d\d) /;
const CLF = /\[(\d{1,2})\/([A-Z][a-z]{2})\/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-]\d{4})\]/;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const AHEAD_MAX_MS = 10 * 60_000;
const DAY_MS = 86_400_000;
const PAST_MAX_MS = 366 * DAY_MS;

/**
 * When a record says it was written, Unix ms: ISO 8601 at its beginning, `time` in JSON, syslog's (RFC 3164, without a year) and the web
 * servers' form. Times without a zone are the machine's. `nowMs` where it says nothing, or nothing that can be true.
 */
export function lineTime(text: string, nowMs: number): number {
  const found = readTime(text, nowMs);
  return found !== null && found <= nowMs + AHEAD_MAX_MS && found >= nowMs - PAST_MAX_MS ? Math.floor(found) : nowMs;
}

function readTime(text: string, nowMs: number): number | null {
  const iso = ISO.exec(text);
  if (iso) return isoTime(iso);
  if (text.startsWith("{")) return jsonTime(text);
  const syslog = SYSLOG.exec(text);
  if (syslog) return syslogTime(syslog, nowMs);
  const clf = CLF.exec(text.length > 500 ? text.slice(0, 500) : text);
  if (!clf) return null;
  const [, day, month, year, hours, minutes, seconds, zone] = clf;
  return Date.parse(`${day} ${month} ${year} ${hours}:${minutes}:${seconds} ${zone}`) || null;
}

function isoTime([, date, time, fraction = "", zone = ""]: RegExpExecArray): number | null {
  const parsed = Date.parse(`${date}T${time}${zone}`);
  return Number.isNaN(parsed) ? null : parsed + Number(`0.${fraction || 0}`) * 1000;
}

function jsonTime(text: string): number | null {
  const match = JSON_TIME.exec(text.slice(0, 2000));
  if (!match) return null;
  if (match[1] !== undefined) {
    const iso = ISO.exec(match[1]);
    return iso ? isoTime(iso) : null;
  }
  const value = Number(match[2]);
  // Seconds, ms, µs or ns, told apart by size.
  return value < 1e11 ? value * 1000 : value < 1e14 ? value : value < 1e17 ? value / 1000 : value / 1e6;
}

function syslogTime([, month, day, hours, minutes, seconds]: RegExpExecArray, nowMs: number): number | null {
  const index = MONTHS.indexOf(month);
  if (index < 0) return null;
  const year = new Date(nowMs).getFullYear();
  const at = (inYear: number): number => new Date(inYear, index, +day, +hours, +minutes, +seconds).getTime();
  // A December line read in January is of the year before.
  return at(year) > nowMs + DAY_MS ? at(year - 1) : at(year);
}
