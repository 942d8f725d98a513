/** Durations and sizes as an operator writes them. What a text means the agent says; here is how a number is written. Pure. */
import { formatName } from "../format.ts";

/** In what a plain number of a field is counted. */
export interface Measure {
  readonly format: "duration" | "bytes";
  readonly unit: string;
  /** That unit in milliseconds or bytes. */
  readonly factor: number;
}

interface Unit {
  /** Endings of names that say it. */
  readonly endings: readonly string[];
  readonly symbol: string;
  readonly factor: number;
}

const DURATIONS: readonly Unit[] = [
  { endings: ["ms", "milliseconds"], symbol: "ms", factor: 1 },
  { endings: ["s", "seconds"], symbol: "s", factor: 1000 },
  { endings: ["m", "min", "minutes"], symbol: "m", factor: 60_000 },
  { endings: ["h", "hours"], symbol: "h", factor: 3_600_000 },
  { endings: ["d", "days"], symbol: "d", factor: 86_400_000 },
  { endings: ["w", "weeks"], symbol: "w", factor: 7 * 86_400_000 },
];

const SIZES: readonly Unit[] = [
  { endings: ["bytes"], symbol: "B", factor: 1 },
  ...["kB", "MB", "GB", "TB"].map((symbol, i) => ({ endings: [symbol.toLowerCase()], symbol, factor: 1000 ** (i + 1) })),
  ...["KiB", "MiB", "GiB", "TiB"].map((symbol, i) => ({ endings: [symbol.toLowerCase()], symbol, factor: 1024 ** (i + 1) })),
];

const unitsOf = (format: Measure["format"]): readonly Unit[] => (format === "duration" ? DURATIONS : SIZES);

/** By the ending of the name, `timeout_s`; milliseconds or bytes when it has none. The label goes without it. */
export function measureOf(name: string, format: Measure["format"]): Measure & { readonly label: string } {
  const cut = name.lastIndexOf("_");
  const ending = name.slice(cut + 1).toLowerCase();
  const units = unitsOf(format);
  const named = units.find(({ endings }) => endings.includes(ending));
  const { symbol, factor } = named ?? units[0];
  return { format, unit: symbol, factor, label: formatName(named && cut > 0 ? name.slice(0, cut) : name) };
}

/** A number in the field's unit as the shortest exact text: `300000` ms is `5m`, `2147483648` bytes `2GiB`. */
export function measureText({ format, factor }: Measure, value: number): string {
  const plain = value * factor;
  if (plain === 0) return format === "duration" ? "0s" : "0B";
  let best = "";
  for (const unit of unitsOf(format)) {
    // Weeks are rarely meant.
    if (unit.symbol === "w" || !Number.isInteger(plain / unit.factor)) continue;
    const text = `${plain / unit.factor}${unit.symbol}`;
    if (best === "" || parseFloat(text) < parseFloat(best)) best = text;
  }
  return best || String(value);
}
