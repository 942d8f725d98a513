import {
  type AdviceView,
  AgentError,
  type Batch,
  type PluginLifecycle,
  type RouteRequest,
  type RouteResponse,
} from "all-use-agent/sdk";
import type { Broker } from "./broker.ts";
import type { Answer, ChildChannel } from "./child-channel.ts";
import { checkedRecommendations } from "./knowledge-schema.ts";
import type { AdviceParts, RequestParts, ToChildBody } from "./messages.ts";
import type { ProcessorQueue } from "./processor-queue.ts";
import { remoteCollection } from "./remote-documents.ts";
import { remoteFit } from "./remote-model.ts";

/** What a route may see of a request. Nothing that signs anyone in. */
const HEADERS = ["accept", "accept-encoding", "content-type", "content-encoding", "content-length", "user-agent"];
const CONTENT_TYPE = /^[\x20-\x7e]{1,200}$/;
/** The newest are what advice is about; more would not fit anybody's budget. */
const FINDINGS_MAX = 500;

export interface ProxyParts {
  /** The plugin's. */
  readonly id: string;
  /** What the plugin returned methods for. */
  readonly methods: readonly string[];
  readonly channel: ChildChannel;
  readonly broker: Broker;
  /** Of a processor that changes batches. */
  readonly queue: ProcessorQueue | null;
  /** An observed batch was not handed over, because the process reads too slowly. */
  skipped(): void;
  readonly fault: (error: unknown) => void;
  /** A call did its work. */
  readonly worked: () => void;
}

/** The plugin's methods as the rooms call them, each a call into its process. */
export function proxyOf(parts: ProxyParts): PluginLifecycle {
  const { channel, broker, methods, queue } = parts;
  const show = (batch: Batch, message: (readable: Batch) => ToChildBody): void => {
    if (channel.congested) return parts.skipped();
    const readable = broker.readable(batch);
    if (readable) channel.send(message(readable));
  };
  const all: Record<string, unknown> = {
    collect: async (signal: AbortSignal) => void (await channel.call("collect", [], { signal })),
    observe: (batch: Batch) => show(batch, (readable) => ({ t: "observe", batch: readable })),
    process: (batch: Batch) => {
      if (queue) queue.take(batch);
      else show(batch, (readable) => ({ t: "process", seq: 0, batch: readable }));
    },
    fit: remoteFit(parts),
    collection: remoteCollection(parts),
    send: async (batch: Batch, signal: AbortSignal) => {
      const readable = broker.readable(batch);
      if (readable) await channel.call("send", [readable], { signal });
    },
    advise: async (view: AdviceView, signal: AbortSignal) => {
      const findings = view.findings.filter((finding) => broker.mayKnow(finding)).slice(0, FINDINGS_MAX);
      broker.view = (data, stepMs, count, level) => view.forecast(data, stepMs, count, level);
      const order: AdviceParts = { nowMs: view.nowMs, findings };
      return checkedRecommendations((await channel.call("advise", [order], { signal })).value);
    },
    handle: async (request: RouteRequest, signal: AbortSignal) =>
      routeResponse(await channel.call("handle", [await requestParts(request)], { signal })),
    snapshot: async () => (await channel.call("snapshot")).bytes,
  };
  return Object.fromEntries(Object.entries(all).filter(([name]) => methods.includes(name)));
}

async function requestParts(request: RouteRequest): Promise<RequestParts> {
  const headers: Record<string, string> = {};
  for (const name of HEADERS) {
    const value = request.header(name);
    if (value !== undefined) headers[name] = value;
  }
  return { method: request.method, path: request.path, query: request.query.toString(), headers, body: await request.body() };
}

function routeResponse({ value, bytes }: Answer): RouteResponse {
  const { status, contentType } = (value ?? {}) as { status?: unknown; contentType?: unknown };
  if (
    !Number.isInteger(status) ||
    (status as number) < 200 ||
    (status as number) > 599 ||
    typeof contentType !== "string" ||
    !CONTENT_TYPE.test(contentType)
  )
    throw new AgentError("route_answer_invalid", "the plugin's answer has no status from 200 to 599 or no content type");
  return { status: status as number, contentType, body: bytes };
}
