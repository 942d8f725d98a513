/**
 * Numbers, units and times as people read them. Everything the page prints goes through here.
 * Pure: no state, no DOM but the browser's list of languages.
 */

/** Between a number and its unit: they are not torn apart at a line's end. */
const JOIN = "\u00a0";

/** The catalogue is English: the reader's own kind of English if they have one, so that numbers and words fit together. */
const locale: string = (() => {
  const wanted = typeof navigator === "undefined" ? [] : navigator.languages;
  return wanted.find((tag) => tag === "en" || tag.startsWith("en-")) ?? "en-GB";
})();

const numberFormats: Intl.NumberFormat[] = [];

/** Fixed decimals, so that columns of numbers and live values do not jump. Not a number reads as a dash. */
export function formatNumber(value: number, decimals = 0): string {
  if (!Number.isFinite(value)) return "–";
  const places = Math.min(6, Math.max(0, decimals));
  const format = (numberFormats[places] ??= new Intl.NumberFormat(locale, {
    minimumFractionDigits: places,
    maximumFractionDigits: places,
  }));
  const text = format.format(value);
  // −0.0 says nothing that 0.0 does not.
  return /[1-9]/.test(text) ? text.replace("-", "−") : text.replace("-", "");
}

/** Decimals that leave `digits` significant ones, none beyond what a thousand needs. */
export function decimalsFor(value: number, digits = 3): number {
  const size = Math.abs(value);
  if (!Number.isFinite(size) || size === 0) return 0;
  return Math.min(6, Math.max(0, digits - 1 - Math.floor(Math.log10(size) + 1e-9)));
}

/** Decimals that a tick step needs to be said exactly: 2 → 0, 0.5 → 1, 0.25 → 2. */
export function placesFor(step: number): number {
  for (let places = 0; places < 6; places++) {
    const scaled = step * 10 ** places;
    if (Math.abs(scaled - Math.round(scaled)) < 1e-6 * scaled) return places;
  }
  return 6;
}

/** A unit at one size: `value * factor` is said with `symbol`. */
export interface UnitScale {
  readonly factor: number;
  readonly symbol: string;
}

const thousands = (symbols: readonly string[]): UnitScale[] => symbols.map((symbol, i) => ({ factor: 1000 ** -i, symbol }));

const BYTES = thousands(["B", "kB", "MB", "GB", "TB", "PB"]);
const BYTE_RATES = thousands(["B/s", "kB/s", "MB/s", "GB/s", "TB/s"]);
const RATES = thousands(["/s", "k/s", "M/s"]);
const COUNTS = thousands(["", "k", "M", "G"]);
const SECONDS: readonly UnitScale[] = [
  { factor: 1e6, symbol: "µs" },
  { factor: 1e3, symbol: "ms" },
  { factor: 1, symbol: "s" },
  { factor: 1 / 60, symbol: "min" },
  { factor: 1 / 3600, symbol: "h" },
  { factor: 1 / 86400, symbol: "days" },
];

function byThousands(scales: readonly UnitScale[], magnitude: number): UnitScale {
  let chosen = scales[0];
  for (const scale of scales) if (magnitude * scale.factor >= 1) chosen = scale;
  return chosen;
}

function bySeconds(seconds: number): UnitScale {
  if (seconds === 0) return SECONDS[2];
  if (seconds < 1e-3) return SECONDS[0];
  if (seconds < 1) return SECONDS[1];
  if (seconds < 180) return SECONDS[2];
  if (seconds < 3 * 3600) return SECONDS[3];
  return seconds < 3 * 86400 ? SECONDS[4] : SECONDS[5];
}

/** How to say a quantity of the given unit whose largest value is `magnitude`. Unknown units are said as they are. */
export function scaleFor(unit: string, magnitude: number): UnitScale {
  const size = Math.abs(magnitude);
  switch (unit) {
    case "percent":
      return { factor: 1, symbol: "%" };
    case "ratio":
      return { factor: 100, symbol: "%" };
    case "bytes":
      return byThousands(BYTES, size);
    case "bytes_per_second":
      return byThousands(BYTE_RATES, size);
    case "operations_per_second":
    case "per_second":
      return size < 10_000 ? RATES[0] : byThousands(RATES, size);
    case "seconds":
      return bySeconds(size);
    case "milliseconds": {
      if (size === 0) return { factor: 1, symbol: "ms" };
      const scale = bySeconds(size / 1000);
      return { factor: scale.factor / 1000, symbol: scale.symbol };
    }
    case "celsius":
      return { factor: 1, symbol: "°C" };
    case "count":
    case "":
      return size < 10_000 ? COUNTS[0] : byThousands(COUNTS, size);
    default:
      return { factor: 1, symbol: unit };
  }
}

/** One value with its unit, four significant digits at most: `1.81 GB`, `32 %`. */
export function formatQuantity(value: number, unit: string, digits = 3): string {
  if (!Number.isFinite(value)) return "–";
  const scale = scaleFor(unit, value);
  const scaled = value * scale.factor;
  const decimals = Number.isInteger(scaled) ? 0 : decimalsFor(scaled, digits);
  const text = formatNumber(scaled, decimals);
  return scale.symbol ? `${text}${JOIN}${scale.symbol}` : text;
}

/** `low to high unit`, both in one unit. */
export function formatInterval(low: number, high: number, unit: string): string {
  const scale = scaleFor(unit, Math.max(Math.abs(low), Math.abs(high)));
  const decimals = decimalsFor(high * scale.factor, 2);
  const text = `${formatNumber(low * scale.factor, decimals)} to ${formatNumber(high * scale.factor, decimals)}`;
  return scale.symbol ? `${text}${JOIN}${scale.symbol}` : text;
}

const time = (options: Intl.DateTimeFormatOptions): ((ms: number) => string) => {
  // A day has 24 hours on an instrument: two o'clock at night and in the afternoon must not look alike on an axis.
  const format = new Intl.DateTimeFormat(locale, { hourCycle: "h23", ...options });
  return (ms) => format.format(ms);
};

export const formatClock = time({ hour: "2-digit", minute: "2-digit" });
export const formatClockSeconds = time({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
export const formatDay = time({ weekday: "long", day: "numeric", month: "long" });
const formatWeekday = time({ weekday: "short" });
const formatDate = time({ day: "numeric", month: "short" });
export const formatFull = time({
  weekday: "short",
  day: "numeric",
  month: "short",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});

const DAY_MS = 86_400_000;

function startOfDay(ms: number): number {
  const date = new Date(ms);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}

/** The local midnights around a moment; 23 or 25 hours apart where the clocks change. */
export function dayAround(ms: number): { fromMs: number; toMs: number } {
  const fromMs = startOfDay(ms);
  return { fromMs, toMs: startOfDay(fromMs + 1.5 * DAY_MS) };
}

/** A moment as short as it stays clear from `nowMs`: `14:29`, `Tue 14:29`, `4 Nov 14:29`. */
export function formatMoment(ms: number, nowMs: number): string {
  const clock = formatClock(ms);
  if (startOfDay(ms) === startOfDay(nowMs)) return clock;
  const near = Math.abs(startOfDay(ms) - startOfDay(nowMs)) < 6.5 * DAY_MS;
  return `${near ? formatWeekday(ms) : formatDate(ms)} ${clock}`;
}

/** A moment on an axis whose labels are `stepMs` apart. */
export function formatAxisTime(ms: number, stepMs: number): string {
  if (stepMs < 60_000) return formatClockSeconds(ms);
  if (stepMs < DAY_MS / 2) return formatClock(ms);
  return stepMs < 7 * DAY_MS ? `${formatWeekday(ms)} ${formatDate(ms)}` : formatDate(ms);
}

/** A length of time in at most two units: `0.4 s`, `3 min 12 s`, `2 h 5 min`, `38 days`. */
export function formatDuration(ms: number): string {
  const join = (big: number, bigUnit: string, small: number, smallUnit: string): string =>
    small ? `${big}${JOIN}${bigUnit} ${small}${JOIN}${smallUnit}` : `${big}${JOIN}${bigUnit}`;
  if (!(ms > 0)) return `0${JOIN}s`;
  if (ms < 10_000) return `${formatNumber(ms / 1000, 1)}${JOIN}s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds}${JOIN}s`;
  if (seconds < 3600) return join(Math.floor(seconds / 60), "min", seconds % 60, "s");
  const minutes = Math.round(seconds / 60);
  if (minutes < 48 * 60) return join(Math.floor(minutes / 60), "h", minutes % 60, "min");
  return `${Math.round(minutes / 1440)}${JOIN}days`;
}

const UNIT_SUFFIXES: readonly (readonly [suffix: string, unit: string])[] = [
  ["bytes_per_second", "bytes_per_second"],
  ["operations_per_second", "operations_per_second"],
  ["percent_per_second", "% a second"],
  ["per_second", "per_second"],
  ["timestamp_ms", "moment"],
  ["at_ms", "moment"],
  ["timestamp_seconds", "moment_seconds"],
  ["milliseconds", "milliseconds"],
  ["seconds", "seconds"],
  ["celsius", "celsius"],
  ["percent", "percent"],
  ["ratio", "ratio"],
  ["bytes", "bytes"],
  ["count", "count"],
  ["days", "days"],
  ["hours", "hours"],
  ["ms", "milliseconds"],
];

/** The unit that ends a figure's or metric's name, and what is left of the name: `slope_bytes_per_second` is a `slope` in bytes a second. */
export function splitUnit(name: string): { readonly stem: string; readonly unit: string | null } {
  const plain = name.endsWith("_total") ? name.slice(0, -"_total".length) : name;
  for (const [suffix, unit] of UNIT_SUFFIXES) {
    if (plain === suffix) return { stem: suffix === "at_ms" ? "at" : "", unit };
    if (plain.endsWith(`_${suffix}`)) return { stem: plain.slice(0, -suffix.length - 1), unit };
  }
  return { stem: plain, unit: null };
}

/** `used_share` as a person writes it: `Used share`. */
export function formatName(name: string): string {
  const words = name.replace(/_+/g, " ").trim();
  return words ? words[0].toUpperCase() + words.slice(1) : name;
}

/** A figure by the unit in its name; `unit` where the name has none. */
export function formatFigure(value: number, unit: string | null, nowMs: number): string {
  if (unit === "moment") return formatMoment(value, nowMs);
  if (unit === "moment_seconds") return formatMoment(value * 1000, nowMs);
  const { factor, symbol } = scaleFor(unit ?? "", value);
  const scaled = value * factor;
  // Four digits, and no noughts that say nothing.
  let decimals = decimalsFor(scaled, 4);
  const exact = Number(scaled.toFixed(decimals));
  while (decimals > 0 && Number(scaled.toFixed(decimals - 1)) === exact) decimals--;
  const text = formatNumber(scaled, decimals);
  return symbol ? `${text}${JOIN}${symbol}` : text;
}

/** A message as a sentence: those of programs often begin small and end without a full stop. */
export function formatSentence(text: string): string {
  const trimmed = text.trim();
  if (!trimmed) return "";
  const begun = trimmed[0].toUpperCase() + trimmed.slice(1);
  return /[.!?…]$/.test(begun) ? begun : `${begun}.`;
}
