import { RetryableError } from "../errors.ts";

/** A source that says when it may be asked again. */
export class RetryAfterError extends RetryableError {
  readonly afterMs: number;

  constructor(message: string, afterMs: number, options: { where?: string; cause?: unknown } = {}) {
    super(message, options);
    this.name = "RetryAfterError";
    this.afterMs = afterMs;
  }
}
