/** For label values in both formats and help texts in OpenMetrics. */
export function escapeQuotes(text: string): string {
  return /[\\"\n]/.test(text) ? escapeBackslashes(text).replaceAll('"', '\\"') : text;
}

/** For help texts in the older format, where quotes stand for themselves. */
export function escapeBackslashes(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

/** A number as both formats read it. */
export function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
}
