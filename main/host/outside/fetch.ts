import type { LookupAddress } from "node:dns";
import type { ClientRequest, IncomingMessage } from "node:http";
import { BlockList, isIP, type LookupFunction } from "node:net";
import {
  AgentError,
  canonicalHost,
  errorText,
  type FetchAnswer,
  type FetchOptions,
  OUTSIDE_MAX_BYTES,
  OUTSIDE_SENT_MAX_BYTES,
} from "all-use-agent/sdk";
import type { Permissions } from "../process/permissions.ts";
import { deadlineOf, tooMuchSent } from "./limits.ts";

const REDIRECTS_MAX = 5;
const HEADERS_MAX = 64;
const METHOD = /^[A-Z]{3,16}$/;
/** The agent's own business: they decide where a body ends and who is spoken to. */
const OWN_HEADERS = new Set([
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);
/** Not for another server than the one they were meant for. */
const SECRET_HEADERS = new Set(["authorization", "cookie"]);

/** Addresses that lead back to this machine or, in a cloud, to what knows its secrets: a name is no way to them. */
const OF_THIS_MACHINE = new BlockList();
OF_THIS_MACHINE.addSubnet("127.0.0.0", 8, "ipv4");
OF_THIS_MACHINE.addSubnet("0.0.0.0", 8, "ipv4");
OF_THIS_MACHINE.addSubnet("169.254.0.0", 16, "ipv4");
OF_THIS_MACHINE.addAddress("::1", "ipv6");
OF_THIS_MACHINE.addAddress("::", "ipv6");
OF_THIS_MACHINE.addSubnet("fe80::", 10, "ipv6");

interface Request {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | null;
}

/** HTTP for a plugin: each address that is connected to, by redirects too, is one that it was granted. */
export async function fetchOutside(
  permissions: Permissions,
  url: string,
  options: FetchOptions,
  stopping: AbortSignal,
): Promise<FetchAnswer> {
  let request = checkedRequest(url, options);
  const deadline = deadlineOf("the answer", options.timeoutMs, [stopping, options.signal]);
  try {
    for (let redirects = 0; ; redirects++) {
      const answer = await once(permissions, request, deadline.signal);
      const next = redirectOf(request, answer);
      if (next === null) return answer;
      if (redirects === REDIRECTS_MAX)
        throw new AgentError("fetch_failed", `${url} redirects more than ${REDIRECTS_MAX} times; nothing was fetched`);
      request = next;
    }
  } catch (error) {
    throw deadline.reason() ?? (error instanceof AgentError ? error : failed(request.url, error));
  } finally {
    deadline.dispose();
  }
}

function checkedRequest(text: string, options: FetchOptions): Request {
  const method = (options.method ?? "GET").toUpperCase();
  if (!METHOD.test(method) || method === "CONNECT") throw invalid(`the method ${JSON.stringify(method)} cannot be sent`);
  const headers: Record<string, string> = {};
  const given = Object.entries(options.headers ?? {});
  if (given.length > HEADERS_MAX) throw invalid(`${given.length} headers are more than the ${HEADERS_MAX} that can be sent`);
  for (const [name, value] of given) {
    if (OWN_HEADERS.has(name.toLowerCase())) throw invalid(`the header ${name} is set by the agent: leave it out`);
    headers[name.toLowerCase()] = value;
  }
  const body = options.body === undefined ? null : Buffer.from(options.body as string);
  if (body !== null && body.length > OUTSIDE_SENT_MAX_BYTES) throw tooMuchSent("the body", body.length);
  return { url: checkedUrl(text), method, headers, body };
}

function checkedUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:"))
    throw invalid(`${JSON.stringify(text)} is no address that begins with http:// or https://`);
  if (url.username !== "" || url.password !== "")
    throw invalid(`an address with a password in it ends up in logs: send the header Authorization instead`);
  return url;
}

async function once(permissions: Permissions, request: Request, signal: AbortSignal): Promise<FetchAnswer> {
  const { url, method, headers, body } = request;
  const secure = url.protocol === "https:";
  const port = url.port === "" ? (secure ? 443 : 80) : Number(url.port);
  const host = canonicalHost(url.hostname) ?? url.hostname;
  permissions.needNet(host, port);
  signal.throwIfAborted();
  // By name and not by `import`: the module's import form loads Node's HTTP client of the web with it, 15 MB.
  const client = secure ? process.getBuiltinModule("node:https") : process.getBuiltinModule("node:http");
  const bare = host.replace(/^\[|\]$/g, "");
  return new Promise<FetchAnswer>((resolve, reject) => {
    const sent: ClientRequest = client.request(
      {
        host: bare,
        port,
        path: `${url.pathname}${url.search}`,
        method,
        signal,
        agent: false,
        headers: { "user-agent": "all-use-agent", ...headers, ...(body !== null && { "content-length": body.length }) },
        lookup: checkedLookup(permissions, host, port),
        ...(secure && isIP(bare) === 0 && { servername: bare }),
      },
      (incoming) => void receive(incoming, url).then(resolve, reject),
    );
    sent.on("error", reject);
    // Switching to another protocol would be a way past everything here.
    sent.on("upgrade", (_answer, socket) => {
      socket.destroy();
      reject(new AgentError("fetch_failed", `${url.host} wants to speak another protocol; nothing was fetched`));
    });
    sent.end(body ?? undefined);
  });
}

/** Looks a name up once: what is checked is what is connected to. */
function checkedLookup(permissions: Permissions, host: string, port: number): LookupFunction {
  return (name, options, callback) => {
    const { lookup } = process.getBuiltinModule("node:dns");
    lookup(name, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, "", 0);
      const allowed = addresses.filter((found) => mayLeadTo(permissions, host, found, port));
      if (allowed.length === 0) return callback(permissions.refuseAddress(host, addresses[0]?.address ?? "nowhere", port), "", 0);
      if (options.all) callback(null, allowed);
      else callback(null, allowed[0].address, allowed[0].family);
    });
  };
}

function mayLeadTo(permissions: Permissions, host: string, { address, family }: LookupAddress, port: number): boolean {
  if (!OF_THIS_MACHINE.check(address, family === 6 ? "ipv6" : "ipv4")) return true;
  if (host === "localhost" || host.endsWith(".localhost")) return true;
  return permissions.mayConnect(family === 6 ? `[${address}]` : address, port);
}

async function receive(incoming: IncomingMessage, url: URL): Promise<FetchAnswer> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > OUTSIDE_MAX_BYTES) {
      incoming.destroy();
      throw new AgentError("too_large", `${url.host} answers with more than the ${OUTSIDE_MAX_BYTES} bytes that are taken`);
    }
    parts.push(chunk);
  }
  if (!incoming.complete) throw new AgentError("fetch_failed", `${url.host} ended its answer too early`);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(incoming.headers))
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(", ") : value;
  return { status: incoming.statusCode ?? 0, headers, body: new Uint8Array(Buffer.concat(parts, length)) };
}

/** Where an answer leads on, as browsers follow it; null when it is the answer. */
function redirectOf(request: Request, { status, headers }: FetchAnswer): Request | null {
  const place = headers["location"];
  if (place === undefined || ![301, 302, 303, 307, 308].includes(status)) return null;
  const url = checkedUrl(URL.canParse(place, request.url) ? new URL(place, request.url).href : place);
  const asGet = status === 303 || (status < 303 && request.method === "POST");
  const elsewhere = url.origin !== request.url.origin;
  const kept = Object.entries(request.headers).filter(
    ([name]) => !(elsewhere && SECRET_HEADERS.has(name)) && !(asGet && name.startsWith("content-")),
  );
  return {
    url,
    method: asGet && request.method !== "HEAD" ? "GET" : request.method,
    headers: Object.fromEntries(kept),
    body: asGet ? null : request.body,
  };
}

function invalid(message: string): AgentError {
  return new AgentError("fetch_invalid", message);
}

function failed(url: URL, error: unknown): AgentError {
  return new AgentError("fetch_failed", `${url.host} gave no answer: ${errorText(error)}`, { where: url.host, cause: error });
}
