import { AgentError, errorText, type LogFields, type Logger, PermanentError, RetryableError } from "all-use-agent/sdk";

/** Shorter texts stand in ordinary words: hiding them would hide the words and say where they are. */
const HIDDEN_MIN_CHARACTERS = 6;
export const HIDDEN = "[secret]";

/** Takes a plugin's own secrets out of what it says. */
export type Hide = (text: string) => string;

/** null when there is nothing to hide. Of a secret of several lines each line is hidden, as it is printed. */
export function hiderOf(secrets: Iterable<string>): Hide | null {
  const parts = new Set<string>();
  for (const secret of secrets) {
    for (const part of [secret, ...secret.split(/\r?\n/)]) {
      const escaped = JSON.stringify(part).slice(1, -1);
      for (const form of [part, escaped]) if (form.length >= HIDDEN_MIN_CHARACTERS) parts.add(form);
    }
  }
  if (parts.size === 0) return null;
  // The longest first: one may be the beginning of another.
  const ordered = [...parts].sort((a, b) => b.length - a.length);
  return (text) => {
    let hidden = text;
    for (const part of ordered) if (hidden.includes(part)) hidden = hidden.replaceAll(part, HIDDEN);
    return hidden;
  };
}

/** The same error without the secrets in its text. */
export function hideError(error: unknown, hide: Hide): unknown {
  const text = errorText(error);
  const hidden = hide(text);
  if (hidden === text) return error;
  if (error instanceof PermanentError) return new PermanentError(hidden);
  if (error instanceof RetryableError) return new RetryableError(hidden);
  return new AgentError(error instanceof AgentError ? error.code : "failed", hidden);
}

/** A log that no secret gets into. */
export function hidingLog(log: Logger, hide: Hide): Logger {
  const write = (level: keyof Logger) => (message: string, fields?: LogFields) =>
    log[level](hide(message), fields && hiddenFields(fields, hide));
  return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
}

function hiddenFields(fields: LogFields, hide: Hide): LogFields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [hide(name), typeof value === "string" ? hide(value) : value]),
  );
}
