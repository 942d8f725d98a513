import { AgentError, OUTSIDE_SENT_MAX_BYTES } from "all-use-agent/sdk";

const DEFAULT_TIMEOUT_MS = 10_000;
const TIMEOUT_MAX_MS = 60_000;

export interface Deadline {
  readonly signal: AbortSignal;
  /** Why it was cut short, or null when it was not. */
  reason(): AgentError | null;
  dispose(): void;
}

/** Ends what is under way when its time is over, when the plugin stops, or when the plugin says so. */
export function deadlineOf(what: string, timeoutMs: unknown, signals: readonly (AbortSignal | undefined)[]): Deadline {
  const limitMs = typeof timeoutMs === "number" && timeoutMs > 0 ? Math.min(timeoutMs, TIMEOUT_MAX_MS) : DEFAULT_TIMEOUT_MS;
  const abort = new AbortController();
  let reason: AgentError | null = null;
  const end = (error: AgentError): void => {
    reason ??= error;
    abort.abort(reason);
  };
  const stop = (): void => end(new AgentError("aborted", `${what} is not waited for any more`));
  const timer = setTimeout(() => end(new AgentError("timeout", `${what} did not come within ${limitMs} ms`)), limitMs);
  for (const signal of signals) {
    if (signal?.aborted) stop();
    signal?.addEventListener("abort", stop, { once: true });
  }
  return {
    signal: abort.signal,
    reason: () => reason,
    dispose: () => {
      clearTimeout(timer);
      for (const signal of signals) signal?.removeEventListener("abort", stop);
    },
  };
}

export function tooMuchSent(what: string, sizeBytes: number): AgentError {
  return new AgentError("too_large", `${what} has ${sizeBytes} bytes; at most ${OUTSIDE_SENT_MAX_BYTES} can be sent`);
}
