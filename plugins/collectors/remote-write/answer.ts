import { AgentError, errorText, type RouteResponse } from "all-use-agent/sdk";
import type { Outcome } from "./outcome.ts";

const TEXT_TYPE = "text/plain; charset=utf-8";
/** A sender's own pause is shorter; this one is long enough for a disk to recover. */
const RETRY_AFTER_S = "5";

const STATUS_OF_CODE: Readonly<Record<string, number>> = { body_too_large: 413, encoding_refused: 415, write_unavailable: 503 };

/** 204 when all of it was taken, 400 when some of it never can be. The rest is kept in either case. */
export function answerOf(outcome: Outcome, version: 1 | 2): RouteResponse {
  const headers = writtenHeaders(
    version,
    outcome.samples - outcome.refusedSamples,
    outcome.histograms - outcome.refusedHistograms,
  );
  const { refused } = outcome;
  if (refused === 0) return { status: 204, contentType: null, body: "", headers };
  const taken = outcome.samples + outcome.histograms - refused;
  return {
    status: 400,
    contentType: TEXT_TYPE,
    body: `${refused} samples were refused and ${taken} kept; ${outcome.reason}.\n`,
    headers,
  };
}

/** Nothing was taken. What cannot be the sender's fault is to be sent again. */
export function refusalOf(error: unknown, version: 1 | 2): RouteResponse {
  const code = error instanceof AgentError ? error.code : "internal";
  const status = STATUS_OF_CODE[code] ?? (code.endsWith("_invalid") ? 400 : 503);
  return sentence(status, errorText(error), version);
}

export function sentence(status: number, text: string, version: 1 | 2 = 1): RouteResponse {
  return {
    status,
    contentType: TEXT_TYPE,
    body: `${text}\n`,
    headers: { ...writtenHeaders(version, 0, 0), ...(status === 503 && { "Retry-After": RETRY_AFTER_S }) },
  };
}

/** What 2.0 demands of an answer: senders without it take us for a receiver of 1.0. Exemplars are not kept. */
function writtenHeaders(version: 1 | 2, samples: number, histograms: number): Record<string, string> {
  if (version === 1) return {};
  return {
    "X-Prometheus-Remote-Write-Samples-Written": String(samples),
    "X-Prometheus-Remote-Write-Histograms-Written": String(histograms),
    "X-Prometheus-Remote-Write-Exemplars-Written": "0",
  };
}
