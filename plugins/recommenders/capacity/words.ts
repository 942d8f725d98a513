const BYTE_STEPS = ["B", "kB", "MB", "GB", "TB", "PB"];
const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const DAY_MS = 86_400_000;

/** At most three figures. */
export function figures(value: number): string {
  const size = Math.abs(value);
  return String(Number(value.toFixed(size >= 100 ? 0 : size >= 1 ? 1 : 2)));
}

export function sayBytes(bytes: number): string {
  let rest = bytes;
  let step = 0;
  while (Math.abs(rest) >= 1000 && step < BYTE_STEPS.length - 1) {
    rest /= 1000;
    step++;
  }
  return `${figures(rest)} ${BYTE_STEPS[step]}`;
}

function roundTo(value: number, step: number): number {
  return Math.max(step, Math.round(value / step) * step);
}

export function sayDuration(seconds: number): string {
  if (seconds < 120) return `${roundTo(seconds, seconds < 20 ? 1 : 10)} seconds`;
  if (seconds < 7200) return `${roundTo(seconds / 60, seconds < 1200 ? 1 : 5)} minutes`;
  if (seconds < 2 * 86_400) return `${Math.round(seconds / 3600)} hours`;
  return `${Math.round(seconds / 86_400)} days`;
}

/**
 * When something comes to be, as one would say it: "in about 40 seconds", "today around 14:00", "on Thursday around 14:00",
 * in the machine's own time zone.
 */
export function sayWhen(nowMs: number, inSeconds: number): string {
  if (inSeconds < 7200) return `in about ${sayDuration(inSeconds)}`;
  const then = new Date(nowMs + inSeconds * 1000);
  const midnight = new Date(nowMs).setHours(0, 0, 0, 0);
  const days = Math.floor((then.getTime() - midnight) / DAY_MS);
  const hour = `${String(then.getMinutes() >= 30 ? (then.getHours() + 1) % 24 : then.getHours()).padStart(2, "0")}:00`;
  if (days === 0) return `today around ${hour}`;
  if (days === 1) return `tomorrow around ${hour}`;
  if (days < 7) return `on ${DAYS[then.getDay()]} around ${hour}`;
  return `in about ${days} days`;
}
