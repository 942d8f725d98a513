import { type BatchTools, type FetchAnswer, PermanentError, RetryableError } from "all-use-agent/sdk";

/** As long as a server may ask for; one that asks for more is asked again then. */
const RETRY_AFTER_MAX_MS = 6 * 3_600_000;
const TRY_LATER = new Set([408, 425, 429]);

/** Nothing for an answer with content; throws RetryableError, RetryAfterError or PermanentError for others. `where` has no secrets. */
export function checkStatus({ status, headers }: FetchAnswer, where: string, nowMs: number, tools: BatchTools): void {
  if (status >= 200 && status < 300) return;
  const sentence = `${where} answered ${status}`;
  if (TRY_LATER.has(status) || status >= 500) {
    const afterMs = retryAfter(headers["retry-after"], nowMs);
    throw afterMs === null ? new RetryableError(sentence) : new tools.RetryAfterError(sentence, afterMs);
  }
  const why =
    status === 401 || status === 403
      ? ": see auth and auth_header"
      : status === 404 || status === 410
        ? ": there is nothing at that address"
        : "";
  throw new PermanentError(sentence + why, { where });
}

/** Seconds or a date (RFC 9110, 10.2.3) as milliseconds from now. */
export function retryAfter(text: string | undefined, nowMs: number): number | null {
  if (text === undefined) return null;
  const ms = /^\d{1,9}$/.test(text.trim()) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isNaN(ms) ? null : Math.min(RETRY_AFTER_MAX_MS, Math.max(1000, ms));
}

/** The address with rel=next of a Link header (RFC 8288), or null. */
export function nextLink(text: string | undefined): string | null {
  for (const [, address, parameters] of (text ?? "").slice(0, 20_000).matchAll(/<([^<>]*)>([^<]*)/g))
    if (/;\s*rel\s*=\s*(?:"[^"]*\bnext\b[^"]*"|next\b)/i.test(parameters)) return address;
  return null;
}
