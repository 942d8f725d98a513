/** How many of a unit a millisecond has, or, below 1, the inverse: `precision` of versions 1 and 2. */
const PER_MS: Readonly<Record<string, number>> = {
  n: 1e6,
  ns: 1e6,
  u: 1e3,
  us: 1e3,
  µ: 1e3,
  ms: 1,
  s: 1 / 1000,
  m: 1 / 60_000,
  h: 1 / 3_600_000,
};
const INTEGER = /^-?\d{1,19}$/;
/** So many digits are exact in a number. */
const EXACT_DIGITS = 15;

/** Units in a millisecond; undefined for a precision that there is not. Nanoseconds when none is named. */
export function unitsPerMs(precision: string | null): number | undefined {
  if (precision === null || precision === "") return PER_MS["n"];
  return Object.hasOwn(PER_MS, precision) ? PER_MS[precision] : undefined;
}

/** A timestamp in whole milliseconds, rounded down; NaN for what is none. */
export function readTime(text: string, perMs: number): number {
  if (!INTEGER.test(text)) return NaN;
  if (perMs <= 1) return Math.round(Number(text) / perMs);
  if (text.length <= EXACT_DIGITS) return Math.floor(Number(text) / perMs);
  // Beyond what a number holds exactly the last digits, which are below a millisecond, are left out of it.
  const cut = perMs === 1e6 ? 6 : 3;
  const whole = Number(text.slice(0, -cut));
  return text.startsWith("-") && Number(text.slice(-cut)) !== 0 ? whole - 1 : whole;
}
