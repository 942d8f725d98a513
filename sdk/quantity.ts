/** A number with a unit, as an operator writes it in a configuration: `"1h30m"`, `"512 MiB"`. */
export interface Quantity {
  readonly format: "duration" | "bytes";
  /** The unit of plain numbers, which the property's name ends in: `timeout_s`. Limits of the schema are in it, too. */
  readonly unit: string;
  /** That unit in milliseconds or bytes, which is what the plugin gets. */
  readonly factor: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** What may follow a number in a text, in milliseconds. */
const DURATION_UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: MINUTE_MS,
  min: MINUTE_MS,
  h: HOUR_MS,
  d: DAY_MS,
  w: 7 * DAY_MS,
};

/** By their lower case, in bytes. */
const BYTE_UNITS: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/** What a property's name may end in → the unit in texts. */
const SUFFIXES = {
  duration: {
    ms: "ms",
    milliseconds: "ms",
    s: "s",
    seconds: "s",
    m: "m",
    min: "m",
    minutes: "m",
    h: "h",
    hours: "h",
    d: "d",
    days: "d",
    w: "w",
    weeks: "w",
  },
  bytes: { bytes: "B", kb: "kB", mb: "MB", gb: "GB", tb: "TB", kib: "KiB", mib: "MiB", gib: "GiB", tib: "TiB" },
} as const satisfies Record<Quantity["format"], Record<string, string>>;

const PART = /\s*(\d+(?:\.\d+)?)\s*([a-z]+)/giy;

/** What a property of a format is a quantity of, by its own name: null for all other formats. */
export function quantityOf(name: string, format: unknown): Quantity | null {
  if (format !== "duration" && format !== "bytes") return null;
  const suffixes: Readonly<Record<string, string>> = SUFFIXES[format];
  const suffix = name.slice(name.lastIndexOf("_") + 1).toLowerCase();
  const unit = Object.hasOwn(suffixes, suffix) ? suffixes[suffix] : format === "duration" ? "ms" : "B";
  return { format, unit, factor: factors(format)[unit.toLowerCase()] };
}

/** A text as a number in the quantity's unit; a number is one already. null for what is neither. */
export function readQuantity(quantity: Quantity, value: unknown): number | null {
  if (typeof value === "number") return value;
  if (typeof value !== "string") return null;
  const known = factors(quantity.format);
  let sum = 0;
  PART.lastIndex = 0;
  let end = 0;
  for (let match = PART.exec(value); match; match = PART.exec(value)) {
    const unit = match[2].toLowerCase();
    if (!Object.hasOwn(known, unit)) return null;
    sum += Number(match[1]) * known[unit];
    end = PART.lastIndex;
    // Bytes are one number: nobody writes 1GiB512MiB.
    if (quantity.format === "bytes") break;
  }
  if (end === 0 || value.slice(end).trim() !== "") return null;
  return tidy(sum / quantity.factor);
}

/** A number in the quantity's unit as the plugin gets it: milliseconds or whole bytes. */
export function plainQuantity(quantity: Quantity, value: number): number {
  const plain = value * quantity.factor;
  return quantity.format === "bytes" ? Math.round(plain) : tidy(plain);
}

function factors(format: Quantity["format"]): Readonly<Record<string, number>> {
  return format === "duration" ? DURATION_UNITS : BYTE_UNITS;
}

/** Without the last bits that dividing by a unit and multiplying again leave: 0.1 s is 100 ms. */
function tidy(value: number): number {
  return Number(value.toPrecision(12));
}
