/** Values as the form's notes say them. Pure. */
import { formatFigure, scaleFor } from "../format.ts";
import { pluginWords } from "../words-plugin.ts";
import type { Field } from "./field.ts";
import { type Measure, measureText } from "./measure.ts";
import type { Json } from "./json.ts";

const { form: words } = pluginWords;

/** Longer ones are not said: they can be read in the field. */
const LONGEST = 32;

/** A default in words; null when it is too long to be said beside the field. */
export function sayDefault(field: Field): string | null {
  const { fallback } = field;
  if (fallback === undefined) return null;
  const text = sayValue(field, fallback);
  return text.length > LONGEST ? null : text;
}

function sayValue(field: Field, value: Json): string {
  if (typeof value === "boolean") return value ? words.on : words.off;
  if (typeof value === "number" && field.kind === "quantity") return measureText(field.measure, value);
  if (typeof value === "number")
    return field.kind === "number" && field.unit ? formatFigure(value, field.unit, 0) : String(value);
  if (typeof value === "string") return value === "" ? words.empty : value;
  if (value === null) return words.notSet;
  if (Array.isArray(value)) {
    const parts = (value as readonly Json[]).map((one) => (typeof one === "string" ? one : JSON.stringify(one)));
    return parts.length === 0 ? words.noRows : parts.join(", ");
  }
  return JSON.stringify(value);
}

/** The unit that stands behind a number's field. */
export function unitSymbol(unit: string): string {
  if (unit === "bytes") return "bytes";
  return scaleFor(unit, 1).factor === 1 ? scaleFor(unit, 1).symbol : unit === "milliseconds" ? "ms" : unit;
}

/** `300000` of milliseconds as `5 min`: large numbers are easier to judge so. Null where that says nothing new. */
export function sayQuantity(text: string, unit: string | null): string | null {
  const value = Number(text);
  if (!unit || text.trim() === "" || !Number.isFinite(value) || Math.abs(value) < 1000) return null;
  if (unit !== "milliseconds" && unit !== "seconds" && unit !== "bytes" && unit !== "bytes_per_second") return null;
  return formatFigure(value, unit, 0);
}

/** A plain number typed into a duration or size, with its unit; null where the text has one. */
export function sayMeasure(text: string, { format, factor }: Measure): string | null {
  if (!/^\s*\d+(\.\d+)?\s*$/.test(text)) return null;
  return formatFigure(Number(text) * factor, format === "duration" ? "milliseconds" : "bytes", 0);
}
