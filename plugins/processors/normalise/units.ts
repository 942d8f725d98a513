/** How a unit becomes its base unit: `value * factor + offset`. */
export interface Conversion {
  readonly base: string;
  readonly factor: number;
  readonly offset: number;
}

const MINUTE_S = 60;
const HOUR_S = 3600;
const DAY_S = 86_400;

/** Base unit → other units, by the names that stand in metrics and manifests, and their factor. Their case is not told: neither mW nor MW is here. */
const UNITS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  seconds: {
    ns: 1e-9,
    nanoseconds: 1e-9,
    us: 1e-6,
    µs: 1e-6,
    microseconds: 1e-6,
    ms: 1e-3,
    milliseconds: 1e-3,
    min: MINUTE_S,
    minutes: MINUTE_S,
    h: HOUR_S,
    hours: HOUR_S,
    d: DAY_S,
    days: DAY_S,
  },
  bytes: {
    bits: 1 / 8,
    kb: 1e3,
    kilobytes: 1e3,
    mb: 1e6,
    megabytes: 1e6,
    gb: 1e9,
    gigabytes: 1e9,
    tb: 1e12,
    terabytes: 1e12,
    kib: 2 ** 10,
    kibibytes: 2 ** 10,
    mib: 2 ** 20,
    mebibytes: 2 ** 20,
    gib: 2 ** 30,
    gibibytes: 2 ** 30,
    tib: 2 ** 40,
    tebibytes: 2 ** 40,
  },
  ratio: { percent: 1e-2, "%": 1e-2, permille: 1e-3 },
  volts: { mv: 1e-3, millivolts: 1e-3, microvolts: 1e-6, kilovolts: 1e3 },
  amperes: { ma: 1e-3, milliamperes: 1e-3, microamperes: 1e-6 },
  watts: { milliwatts: 1e-3, microwatts: 1e-6, kw: 1e3, kilowatts: 1e3 },
  joules: { millijoules: 1e-3, microjoules: 1e-6, kwh: 3.6e6, wh: 3600 },
  hertz: { khz: 1e3, kilohertz: 1e3, mhz: 1e6, megahertz: 1e6, ghz: 1e9, gigahertz: 1e9 },
  meters: { mm: 1e-3, millimeters: 1e-3, cm: 1e-2, centimeters: 1e-2, km: 1e3, kilometers: 1e3 },
  grams: { mg: 1e-3, milligrams: 1e-3, kg: 1e3, kilograms: 1e3 },
  pascals: { hpa: 100, hectopascals: 100, kpa: 1e3, kilopascals: 1e3, mbar: 100, bar: 1e5 },
};

const CONVERSIONS = new Map<string, Conversion>(
  Object.entries(UNITS).flatMap(([base, others]) =>
    Object.entries(others).map(([unit, factor]) => [unit, { base, factor, offset: 0 }] as const),
  ),
);
for (const unit of ["fahrenheit", "°f"]) CONVERSIONS.set(unit, { base: "celsius", factor: 5 / 9, offset: -160 / 9 });
for (const unit of ["millicelsius", "millidegrees_celsius"]) CONVERSIONS.set(unit, { base: "celsius", factor: 1e-3, offset: 0 });

/** What makes base units of a unit; null for base units and for what nobody knows. */
export function conversionOf(unit: string | undefined): Conversion | null {
  return CONVERSIONS.get((unit ?? "").trim().toLowerCase()) ?? null;
}

/** Endings that say what a name counts, not its unit. */
const LAST = /_(?:total|bucket|sum|count|created|info)$/;

/**
 * A metric's name with its base unit in place of the unit, which stands at its end, before `_total` and its like; or added there
 * where no unit stands.
 */
export function renamed(name: string, unit: string, base: string): string {
  const last = LAST.exec(name)?.[0] ?? "";
  const stem = last === "" ? name : name.slice(0, -last.length);
  const lower = stem.toLowerCase();
  if (lower.endsWith(`_${base}`)) return name;
  for (const [word, conversion] of CONVERSIONS) {
    // Also where the manifest says `milliseconds` and the name `_ms`.
    if (conversion.base === base && lower.endsWith(`_${word}`) && sameUnit(word, unit))
      return `${stem.slice(0, -word.length)}${base}${last}`;
  }
  return `${stem}_${base}${last}`;
}

function sameUnit(one: string, other: string): boolean {
  const [a, b] = [conversionOf(one), conversionOf(other)];
  return a !== null && b !== null && a.factor === b.factor && a.offset === b.offset;
}
