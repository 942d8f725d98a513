import { AgentError } from "all-use-agent/sdk";

const UNITS: readonly (readonly [string, number])[] = [
  ["y", 365 * 86_400_000],
  ["w", 7 * 86_400_000],
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
  ["ms", 1],
];

const PATTERN = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/;

/** Milliseconds of `1h30m` and the like; null when the text is no duration with units. */
export function readDuration(text: string): number | null {
  const match = text === "" ? null : PATTERN.exec(text);
  if (match === null) return null;
  let ms = 0;
  for (let i = 0; i < UNITS.length; i++) {
    const digits = match[i + 1];
    if (digits !== undefined) ms += Number(digits) * UNITS[i][1];
  }
  return Number.isSafeInteger(ms) ? ms : null;
}

/** Milliseconds of a duration with units, or of a plain number of seconds. Throws `query_parse`. */
export function parseDuration(text: string): number {
  const trimmed = text.trim();
  const ms = readDuration(trimmed);
  if (ms !== null) return ms;
  const seconds = trimmed === "" ? Number.NaN : Number(trimmed);
  if (Number.isFinite(seconds)) return Math.round(seconds * 1000);
  throw new AgentError("query_parse", `not a duration: ${JSON.stringify(text)}; write it like 90s, 5m, 1h30m or as seconds`);
}

/** The shortest text with units that reads back as the same time; years and weeks only where they divide evenly. */
export function formatDuration(ms: number): string {
  if (ms === 0) return "0s";
  let rest = Math.abs(ms);
  let text = ms < 0 ? "-" : "";
  for (const [unit, size] of UNITS) {
    if ((unit === "y" || unit === "w") && rest % size !== 0) continue;
    const count = Math.floor(rest / size);
    if (count === 0) continue;
    text += `${count}${unit}`;
    rest -= count * size;
  }
  return text;
}
