import { AgentError, errorText } from "all-use-agent/sdk";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { answerError, SECURITY_HEADERS } from "../api/answer.ts";
import type { Door } from "../api/exchange.ts";
import { IncomingRequest, send } from "./http.ts";

export interface Listener {
  readonly port: number;
  /** Takes no more connections, lets running requests finish for a moment, then ends them. Legal twice. */
  close(): Promise<void>;
}

const LOOPBACK = "127.0.0.1";
/** Request line and headers together; beyond it Node answers 431. */
const MAX_HEADER_BYTES = 32 * 1024;
const HEADERS_TIMEOUT_MS = 10_000;
/** A whole request with its body, over loopback. */
const REQUEST_TIMEOUT_MS = 60_000;
const KEEP_ALIVE_MS = 30_000;
const MAX_CONNECTIONS = 256;
/** For requests that run at the end. Streams never finish by themselves, so this is what stopping takes with a page open. */
const CLOSE_GRACE_MS = 300;

/** By name and not by `import`: the module's import form loads Node's HTTP client with it, 15 MB. */
const { createServer } = process.getBuiltinModule("node:http");

/** Serves a door on loopback HTTP. Port 0 picks a free one. Throws `port_in_use`, `port_refused`. */
export async function listen(port: number, door: Door): Promise<Listener> {
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: 5000,
    },
    (incoming, outgoing) => {
      const request = IncomingRequest.from(incoming, outgoing, LOOPBACK);
      void (request === null
        ? send(outgoing, UNREADABLE, false)
        : door(request).then((answer) => send(outgoing, answer, incoming.method === "HEAD")));
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  server.on("clientError", refuseUnreadable);

  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(listenError(port, error)));
    server.listen({ host: LOOPBACK, port, exclusive: true }, resolve);
  });

  let closed: Promise<void> | null = null;
  const close = async (): Promise<void> => {
    const done = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeIdleConnections();
    const timer = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
    await done;
    clearTimeout(timer);
  };
  return { port: (server.address() as AddressInfo).port, close: () => (closed ??= close()) };
}

const UNREADABLE = answerError("/", new AgentError("bad_request", "The request's address or Host header cannot be read."));

/** What the HTTP parser refuses never becomes a request; it is answered by hand, with the same headers as the rest. */
function refuseUnreadable(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = STATUS_OF_PARSER_ERROR[error.code ?? ""] ?? "400 Bad Request";
  const headers = Object.entries({ ...SECURITY_HEADERS, Connection: "close", "Content-Length": "0" });
  socket.end(`HTTP/1.1 ${status}\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`);
}

const STATUS_OF_PARSER_ERROR: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
  HPE_CHUNK_EXTENSIONS_OVERFLOW: "413 Payload Too Large",
  ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
};

function listenError(port: number, error: NodeJS.ErrnoException): AgentError {
  if (error.code === "EADDRINUSE") {
    return new AgentError(
      "port_in_use",
      `Port ${port} is in use by another program; stop it, or choose another with --port N (0 picks a free one).`,
      {
        cause: error,
      },
    );
  }
  return new AgentError(
    "port_refused",
    `Port ${port} cannot be listened on (${errorText(error)}); choose another with --port N.`,
    { cause: error },
  );
}
