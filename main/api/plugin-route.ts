import type { RouteRequest } from "all-use-agent/sdk";
import { answer } from "./answer.ts";
import { PLUGIN_LIMITS, readBody } from "./body.ts";
import type { RouteHandler } from "./view.ts";
import type { Answer, DoorRequest } from "./exchange.ts";

/** Passes a request on to the plugin that declared its route. */
export async function answerByPlugin(handler: RouteHandler, request: DoorRequest, url: URL): Promise<Answer> {
  const passed: RouteRequest = {
    method: request.method === "HEAD" ? "GET" : request.method,
    path: url.pathname,
    query: url.searchParams,
    header: (name) => request.headers.get(name) ?? undefined,
    body: () => readBody(request, PLUGIN_LIMITS, handler.encodings),
  };
  const { status, contentType, body, headers } = await handler.handle(passed, request.signal);
  return answer(status, contentType, body as string | Uint8Array<ArrayBuffer>, headers);
}
