import { readDuration } from "./duration.ts";

/** A number as PromQL writes it (decimal, hexadecimal, octal with a leading 0, Inf, NaN, a duration in seconds); null when it is none. */
export function readNumber(text: string): number | null {
  const word = text.toLowerCase();
  if (word === "inf") return Number.POSITIVE_INFINITY;
  if (word === "nan") return Number.NaN;
  if (/^0x[0-9a-f]+$/.test(word)) return Number(word);
  if (/^0[0-7]+$/.test(word)) return Number.parseInt(word, 8);
  if (/^(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(e[+-]?\d[\d_]*)?$/.test(word)) return Number(word.replaceAll("_", ""));
  const ms = readDuration(word);
  return ms === null ? null : ms / 1000;
}

/** JavaScript's shortest digits without an exponent. */
function expand(text: string): string {
  const at = text.indexOf("e");
  if (at < 0) return text;
  const exponent = Number(text.slice(at + 1));
  const sign = text[0] === "-" ? "-" : "";
  const mantissa = text.slice(sign.length, at);
  const point = mantissa.indexOf(".");
  const digits = mantissa.replace(".", "");
  const whole = (point < 0 ? digits.length : point) + exponent;
  if (whole <= 0) return `${sign}0.${"0".repeat(-whole)}${digits}`;
  if (whole >= digits.length) return `${sign}${digits}${"0".repeat(whole - digits.length)}`;
  return `${sign}${digits.slice(0, whole)}.${digits.slice(whole)}`;
}

function special(value: number): string | null {
  if (value !== value) return "NaN";
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  if (value === Number.NEGATIVE_INFINITY) return "-Inf";
  return value === 0 && 1 / value < 0 ? "-0" : null;
}

/** Go's `FormatFloat(v, 'f', -1, 64)`: shortest digits, never an exponent. Prometheus' scalars and label values. */
export function formatFloat(value: number): string {
  return special(value) ?? expand(String(value));
}

/**
 * As Prometheus' HTTP API writes samples of vectors and matrices: as above, but with an exponent (of at least two
 * digits) below 1e-6 and from 1e21 on, which are the bounds that JavaScript has, too.
 */
export function formatSample(value: number): string {
  if (value === 0 || value !== value || value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY) {
    return special(value) ?? "0";
  }
  const text = String(value);
  const length = text.length;
  if (length > 3 && text.charCodeAt(length - 3) === 0x65) return `${text.slice(0, length - 1)}0${text[length - 1]}`;
  return text;
}
