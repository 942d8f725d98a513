import { AgentError, errorText, type ErrorReport } from "all-use-agent/sdk";
import type { Answer, AnswerBody } from "./exchange.ts";

/**
 * On every answer, whatever it is. The page needs nothing from elsewhere, so the content policy allows nothing from
 * elsewhere; it may not be framed; nothing may read an answer from another origin.
 */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
    "font-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
};

export const JSON_TYPE = "application/json; charset=utf-8";
export const TEXT_TYPE = "text/plain; charset=utf-8";
export const HTML_TYPE = "text/html; charset=utf-8";

/** The only place where the door makes an answer. */
export function answer(
  status: number,
  contentType: string | null,
  body: AnswerBody,
  headers: Record<string, string> = {},
): Answer {
  return {
    status,
    headers: {
      ...SECURITY_HEADERS,
      "Cache-Control": "no-store",
      ...(contentType === null ? {} : { "Content-Type": contentType }),
      ...headers,
    },
    body,
  };
}

export function answerJson(status: number, value: unknown, headers?: Record<string, string>): Answer {
  return answer(status, JSON_TYPE, JSON.stringify(value), headers);
}

/** One sentence for people, on paths that are not part of an API. */
export function answerText(status: number, sentence: string, headers?: Record<string, string>): Answer {
  return answer(status, TEXT_TYPE, `${sentence}\n`, headers);
}

/** HTTP status of each error code that the door or what stands behind it throws. */
const STATUS_OF_CODE: Readonly<Record<string, number>> = {
  bad_request: 400,
  unauthorized: 401,
  origin_refused: 403,
  not_found: 404,
  method_not_allowed: 405,
  clock_not_simulated: 409,
  instance_duplicate: 409,
  plugin_bundled: 409,
  live_change_refused: 409,
  config_invalid: 409,
  secrets_invalid: 409,
  restart_failed: 422,
  collect_unsupported: 422,
  body_too_large: 413,
  url_too_long: 414,
  media_type_refused: 415,
  encoding_refused: 415,
  host_refused: 421,
  model_not_enough_data: 422,
  package_refused: 422,
  plugin_duplicate: 409,
  query_parse: 400,
  query_type: 400,
  query_limit_steps: 400,
  query_execution: 422,
  query_limit_samples: 422,
  query_limit_series: 422,
  query_timeout: 503,
  query_canceled: 503,
  not_ready: 503,
  receiver_busy: 503,
  stopped: 503,
  stream_limit: 503,
};

/** Codes outside the table go by their last word, so that a new `…_unknown` or `…_invalid` needs no entry. */
export function statusOf(code: string): number {
  const known = STATUS_OF_CODE[code];
  if (known !== undefined) return known;
  if (code.endsWith("_unknown")) return 404;
  if (code.endsWith("_invalid")) return 400;
  if (code.endsWith("_unavailable")) return 503;
  return 500;
}

/** Anything thrown, as an error with a code. */
export function toAgentError(error: unknown): AgentError {
  if (error instanceof AgentError) return error;
  const code = (error as { code?: unknown } | null)?.code;
  // A plugin's copy of the SDK may be another one than ours; its errors carry codes of the same form.
  if (error instanceof Error && error.name === "AgentError" && typeof code === "string")
    return new AgentError(code, error.message);
  return new AgentError("internal", `The agent failed inside: ${errorText(error)}.`, { cause: error });
}

const PROMETHEUS_TYPE_OF_STATUS: Readonly<Record<number, string>> = {
  401: "unauthorized",
  403: "forbidden",
  404: "not_found",
  405: "method_not_allowed",
  422: "execution",
  500: "internal",
  503: "unavailable",
};

function prometheusErrorType(code: string, status: number): string {
  if (code === "query_timeout") return "timeout";
  if (code === "query_canceled") return "canceled";
  return PROMETHEUS_TYPE_OF_STATUS[status] ?? "bad_data";
}

/** The error in the shape of the API that the path belongs to; in words where it belongs to none. */
export function answerError(path: string, thrown: unknown, headers?: Record<string, string>): Answer {
  const error = toAgentError(thrown);
  const status = statusOf(error.code);
  if (path.startsWith("/api/v1/")) {
    const errorType = prometheusErrorType(error.code, status);
    return answerJson(status, { status: "error", errorType, error: error.message }, headers);
  }
  if (path.startsWith("/api/")) {
    const report: ErrorReport = { error: { code: error.code, message: error.message, where: error.where ?? null } };
    return answerJson(status, report, headers);
  }
  return answerText(status, error.message, headers);
}
