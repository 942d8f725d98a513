const HIDDEN = "***";

/** Words that announce a secret, as a whole word or at the end of one: `--db-password`, `API_KEY`, `apiToken`. */
const SECRET_WORD =
  "(?:pass(?:word|wd|phrase|code)?|pwd|secret|token|credentials?|api[-_]?key|access[-_]?key|private[-_]?key|secret[-_]?key|auth(?:orization)?|bearer|cookie|session[-_]?id|signature|sas|jwt|otp|pin)";

/** `password=x`, `--token x`, `"secret": "x"`, `Authorization: Bearer x`; a value in quotes may hold blanks. */
const NAMED = new RegExp(
  `((?<![A-Za-z])[A-Za-z0-9_.-]{0,40}?${SECRET_WORD}["']?(?:\\s{0,3}[=:]\\s{0,3}|\\s{1,3}(?!-)))((?:bearer|basic|digest)\\s{1,3})?("[^"]*"|'[^']*'|[^\\s"'&;,]+)`,
  "gi",
);
/** `scheme://user:password@host`: the user stays. */
const URL_PASSWORD = /([a-z][a-z0-9+.-]{0,20}:\/\/[^\s/:@]{0,256}:)[^\s/@]+(?=@)/gi;
/** Keys known by their beginning: GitHub, GitLab, Slack, AWS, Google, OpenAI and their like, JSON web tokens. */
const KNOWN_KEY =
  /\b(?:gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{16,}|glpat-[\w-]{16,}|xox[abeoprs]-[\w-]{10,}|A[KS]IA[A-Z0-9]{12,}|AIza[\w-]{20,}|sk-[\w-]{16,}|eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?)/g;
/** Long runs of base64 or hexadecimal digits. A path has slashes at short distances, and a word no digits. */
const RUN = /[A-Za-z0-9+_=-]{24,}/g;

function isRandom(run: string): boolean {
  if (/^[0-9a-f]+$/i.test(run)) return run.length >= 32;
  const digits = run.replace(/\D/g, "").length;
  const upper = run.replace(/[^A-Z]/g, "").length;
  const lower = run.replace(/[^a-z]/g, "").length;
  return digits >= 1 && upper >= 2 && lower >= 2 && !/[-_][a-z]+[-_]/.test(run);
}

/**
 * A text without what looks like a secret in it: values behind words such as password or token, passwords in URLs, known forms of
 * keys, long random runs. Each becomes `***`. A heuristic: what has no such sign stays. Takes time in proportion to the length.
 */
export function redactSecrets(text: string): string {
  return text
    .replace(URL_PASSWORD, `$1${HIDDEN}`)
    .replace(NAMED, (_all, name: string, scheme: string | undefined) => `${name}${scheme ?? ""}${HIDDEN}`)
    .replace(KNOWN_KEY, HIDDEN)
    .replace(RUN, (run) => (isRandom(run) ? HIDDEN : run));
}
