/**
 * An error with a stable code. `message` is one sentence: what was expected, what was found, where, what to do next.
 * `where` is a path, a JSON pointer or a position, for programs.
 */
export class AgentError extends Error {
  readonly code: string;
  readonly where: string | undefined;

  constructor(code: string, message: string, options: { where?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "AgentError";
    this.code = code;
    this.where = options.where;
  }
}

/** An exporter or receiver failed in a way that trying again later may mend. */
export class RetryableError extends AgentError {
  constructor(message: string, options: { where?: string; cause?: unknown } = {}) {
    super("retryable", message, options);
    this.name = "RetryableError";
  }
}

/** Trying the same again cannot succeed: the batch is dropped and counted. */
export class PermanentError extends AgentError {
  constructor(message: string, options: { where?: string; cause?: unknown } = {}) {
    super("permanent", message, options);
    this.name = "PermanentError";
  }
}

/** The text of anything thrown, never throwing itself. */
export function errorText(error: unknown): string {
  if (error instanceof Error) return error.message || error.name;
  try {
    return String(error);
  } catch {
    return "an error that cannot be shown";
  }
}
