export const LEVELS = ["fatal", "error", "warn", "info", "debug", "other"] as const;
export type Level = (typeof LEVELS)[number];

/** How far into a record a level is looked for. */
const LOOK_CHARACTERS = 200;
const WORD =
  /(?<![A-Za-z])(emerg(?:ency)?|alert|panic|fatal|crit(?:ical)?|severe|err(?:or)?|warn(?:ing)?|notice|info(?:rmation)?|debug|trace|verbose)(?![A-Za-z])/i;
const BY_PREFIX: readonly [string, Level][] = [
  ["emerg", "fatal"],
  ["alert", "fatal"],
  ["panic", "fatal"],
  ["fatal", "fatal"],
  ["crit", "fatal"],
  ["sev", "error"],
  ["err", "error"],
  ["warn", "warn"],
  ["not", "info"],
  ["info", "info"],
  ["debug", "debug"],
  ["trace", "debug"],
  ["verb", "debug"],
];
/** `<3>` before a line, as the kernel and sd-daemon write it. */
const PRIORITY = /^<(\d{1,3})>/;
const JSON_LEVEL = /"(?:level|severity|lvl|log\.level)"\s*:\s*"?([A-Za-z]+|\d+)/;

/** The level of a record: what it says first, in the forms in use; `other` when it says nothing. */
export function levelOf(text: string): Level {
  const head = text.length > LOOK_CHARACTERS ? text.slice(0, LOOK_CHARACTERS) : text;
  const priority = PRIORITY.exec(head);
  if (priority) return levelOfPriority(Number(priority[1]) & 7);
  const json = head.startsWith("{") ? JSON_LEVEL.exec(text.slice(0, 2000)) : null;
  if (json) return /\d/.test(json[1]) ? levelOfNumber(Number(json[1])) : levelOfWord(json[1]);
  const word = WORD.exec(head);
  return word ? levelOfWord(word[1]) : "other";
}

/** Of syslog's severities, 0 (emergency) to 7 (debug). */
export function levelOfPriority(severity: number): Level {
  if (severity <= 2) return "fatal";
  if (severity === 3) return "error";
  if (severity === 4) return "warn";
  return severity <= 6 ? "info" : "debug";
}

/** Of bunyan's and pino's numbers: 60 fatal, 50 error, 40 warn, 30 info, below debug. */
function levelOfNumber(value: number): Level {
  if (value < 10) return levelOfPriority(value);
  return value >= 60 ? "fatal" : value >= 50 ? "error" : value >= 40 ? "warn" : value >= 30 ? "info" : "debug";
}

function levelOfWord(word: string): Level {
  const lower = word.toLowerCase();
  return BY_PREFIX.find(([prefix]) => lower.startsWith(prefix))?.[1] ?? "other";
}
