import { AgentError, errorText } from "all-use-agent/sdk";
import { parseArgs, type ParseArgsOptionsConfig } from "node:util";

/** The exit statuses of every command. */
export const DONE = 0;
export const FAILED = 1;
export const BAD_USAGE = 2;

/** The operator typed something that no command understands. Ends with exit status 2. */
export class UsageError extends AgentError {
  constructor(message: string) {
    super("usage", message);
    this.name = "UsageError";
  }
}

/** Options that every command knows. */
export const HELP_OPTION = { help: { type: "boolean", short: "h" } } as const satisfies ParseArgsOptionsConfig;
export const JSON_OPTION = { json: { type: "boolean" } } as const satisfies ParseArgsOptionsConfig;
export const DATA_DIR_OPTION = { "data-dir": { type: "string" } } as const satisfies ParseArgsOptionsConfig;

/** Arguments of one command, strictly. Throws UsageError with one sentence. */
export function parseCommand<T extends ParseArgsOptionsConfig>(args: readonly string[], options: T) {
  try {
    const parsed = parseArgs({ args: [...args], options: { ...HELP_OPTION, ...options }, allowPositionals: true, strict: true });
    for (const [name, value] of Object.entries(parsed.values)) {
      if (value === "") throw new UsageError(`--${name} needs a value.`);
    }
    return parsed;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    // Node's sentence, without its advice on how to quote a dash.
    throw new UsageError(
      errorText(error)
        .split(/\. |\n/, 1)[0]
        .replace(/\.?$/, "."),
    );
  }
}

/** Throws UsageError for words that the command does not take. */
export function expectPositionals(positionals: readonly string[], names: readonly string[]): void {
  if (positionals.length > names.length)
    throw new UsageError(`Unexpected argument ${JSON.stringify(positionals[names.length])}.`);
  if (positionals.length < names.length) throw new UsageError(`${names[positionals.length]} is missing.`);
}

/** Anything thrown, as one line for people. */
export function oneSentence(error: unknown): string {
  const text = errorText(error)
    .replaceAll(/\s*\n\s*/g, " ")
    .trim();
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
