import { errorText, type Receiver, type Reception, type RouteRequest, type RouteResponse } from "all-use-agent/sdk";
import { type ExpositionReader, formatOf } from "./exposition.ts";
import type { Faults } from "./faults.ts";
import { readJsonLines } from "./json-lines.ts";

/** Seconds after which a sender may try again. */
const RETRY_AFTER_S = 5;

/** Takes what is good of a request's body. 204 when that was all of it; 400 with both counts and the first faults when it was not. */
export async function answerImport(
  receiver: Receiver,
  exposition: ExpositionReader,
  request: RouteRequest,
): Promise<RouteResponse> {
  const body = await request.body();
  const reception = receiver.open();
  const faults =
    request.path === "/api/v1/import"
      ? await readJsonLines(body, reception)
      : await exposition.read(body, reception, formatOf(request.header("content-type"), body), receiver.ctx.clock.now());
  try {
    await reception.keep();
  } catch (error) {
    return refusal(503, errorText(error), reception, faults, { "Retry-After": String(RETRY_AFTER_S) });
  }
  if (faults.count === 0 && reception.refused === 0) return { status: 204, contentType: null, body: "" };
  return refusal(400, sentence(reception, faults), reception, faults);
}

/** Prometheus' shape of an error, with the counts beside it for programs. */
function refusal(
  status: number,
  error: string,
  reception: Reception,
  faults: Faults,
  headers: Record<string, string> = {},
): RouteResponse {
  const counts = { taken: reception.taken, refused: reception.refused, unreadable: faults.count };
  const errorType = status === 400 ? "bad_data" : "unavailable";
  return {
    status,
    contentType: "application/json; charset=utf-8",
    body: JSON.stringify({ status: "error", errorType, error, ...counts }),
    headers,
  };
}

function sentence(reception: Reception, faults: Faults): string {
  const parts = [counted(reception.taken, "sample was", "samples were", "kept")];
  if (faults.count > 0) parts.push(`${counted(faults.count, "line", "lines", "could not be read")}: ${faults.first.join("; ")}`);
  if (reception.refused > 0)
    parts.push(`${counted(reception.refused, "sample was", "samples were", "refused")}: ${reception.reasons.join("; ")}`);
  return parts.join("; ");
}

function counted(count: number, one: string, several: string, what: string): string {
  return `${count} ${count === 1 ? one : several} ${what}`;
}
