import { errorText, type Receiver, type RouteRequest, type RouteResponse, statusOfReception } from "all-use-agent/sdk";
import { jsonParts } from "./json.ts";
import { protobufParts } from "./protobuf.ts";
import { errorMessage, successMessage } from "./protobuf-answer.ts";
import { Streams } from "./streams.ts";
import { Translation, type TranslationOptions } from "./translation.ts";

const PROTOBUF = "application/x-protobuf";
const JSON_TYPE = "application/json";
/** Parts read before others have their turn. */
const BREATH_PARTS = 200;

/** google.rpc.Code. */
const INVALID_ARGUMENT = 3;
const RESOURCE_EXHAUSTED = 8;
const INTERNAL = 13;
const UNAVAILABLE = 14;

/** Answers `/v1/metrics` as the OTLP/HTTP specification says. Never throws. */
export class Answers {
  private readonly receiver: Receiver;
  private readonly options: TranslationOptions;
  private readonly streams: Streams;

  constructor(receiver: Receiver, options: TranslationOptions, streamsMax: number) {
    this.receiver = receiver;
    this.options = options;
    this.streams = new Streams(streamsMax);
  }

  async answer(request: RouteRequest): Promise<RouteResponse> {
    const type = (request.header("content-type") ?? "").split(";", 1)[0].trim().toLowerCase();
    const json = type === JSON_TYPE;
    if (!json && type !== PROTOBUF)
      return refusal(
        true,
        415,
        INVALID_ARGUMENT,
        `The content type must be ${PROTOBUF} or ${JSON_TYPE}, not ${type.slice(0, 80) || "none"}.`,
      );
    try {
      return await this.receiver.turn(() => this.take(request, json));
    } catch (error) {
      return refused(json, error);
    }
  }

  private async take(request: RouteRequest, json: boolean): Promise<RouteResponse> {
    const body = await request.body();
    const reception = this.receiver.open();
    const translation = new Translation(reception, this.streams, this.options, this.receiver.ctx.clock.now());
    let fault: unknown = null;
    try {
      let parts = 0;
      for (const part of json ? jsonParts(body) : protobufParts(body)) {
        translation.take(part);
        if (++parts % BREATH_PARTS === 0) await new Promise((resolve) => setImmediate(resolve));
      }
    } catch (error) {
      fault = error;
    }
    await reception.keep();
    // Rows of a histogram are many; what is counted to the sender are its points.
    const rejected = Math.min(translation.points, translation.rejected + reception.refused);
    if (fault !== null) {
      const kept = translation.points - rejected;
      return refused(json, fault, kept > 0 ? ` ${kept} data points before that place were kept.` : "");
    }
    const message = rejected > 0 ? reception.reasons.join("; ") : "";
    return {
      status: 200,
      contentType: json ? JSON_TYPE : PROTOBUF,
      body: json ? successJson(rejected, message) : successMessage(rejected, message),
    };
  }
}

function successJson(rejected: number, errorMessage: string): string {
  return rejected === 0 ? "{}" : JSON.stringify({ partialSuccess: { rejectedDataPoints: String(rejected), errorMessage } });
}

function refused(json: boolean, error: unknown, more = ""): RouteResponse {
  const code = (error as { code?: unknown }).code;
  const message = errorText(error) + more;
  if (code === "protobuf_invalid" || code === "otlp_json_invalid") return refusal(json, 400, INVALID_ARGUMENT, message);
  if (code === "receiver_busy") return refusal(json, 429, RESOURCE_EXHAUSTED, message, 1);
  const status = statusOfReception(error);
  if (status === 503) return refusal(json, status, UNAVAILABLE, message, 5);
  return refusal(json, status, status === 500 ? INTERNAL : INVALID_ARGUMENT, message);
}

/** A google.rpc.Status. With `retryAfterS` the sender is asked to try again. */
function refusal(json: boolean, status: number, code: number, message: string, retryAfterS?: number): RouteResponse {
  return {
    status,
    contentType: json ? JSON_TYPE : PROTOBUF,
    body: json ? JSON.stringify({ code, message }) : errorMessage(code, message),
    ...(retryAfterS !== undefined && { headers: { "Retry-After": String(retryAfterS) } }),
  };
}
