import type { IncomingMessage, ServerResponse } from "node:http";
import { AgentError } from "all-use-agent/sdk";
import { type Answer, type DoorRequest, isStream } from "../api/exchange.ts";

/** Visible ASCII but the backslash, which URL parsers take for a slash. */
const ADDRESS = /^[!-[\]-~]+$/;

/** A request from Node's HTTP server as the door takes it. */
export class IncomingRequest implements DoorRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: DoorRequest["headers"];
  readonly #incoming: IncomingMessage;
  readonly #outgoing: ServerResponse;
  #abort: AbortController | null = null;

  private constructor(incoming: IncomingMessage, outgoing: ServerResponse, url: string) {
    this.#incoming = incoming;
    this.#outgoing = outgoing;
    this.method = incoming.method ?? "GET";
    this.url = url;
    this.headers = {
      get(name) {
        const value = incoming.headers[name.toLowerCase()];
        return value === undefined ? null : Array.isArray(value) ? value.join(", ") : value;
      },
    };
  }

  /**
   * Null when address and Host header make no URL, or more than one: a second Host header, characters that a URL parser
   * would silently rewrite. `fallbackHost` stands in for an absent Host header.
   */
  static from(incoming: IncomingMessage, outgoing: ServerResponse, fallbackHost: string): IncomingRequest | null {
    const target = incoming.url ?? "/";
    if (!ADDRESS.test(target) || (incoming.headersDistinct.host?.length ?? 0) > 1) return null;
    const url = target.startsWith("/") ? `http://${incoming.headers.host ?? fallbackHost}${target}` : target;
    return URL.canParse(url) ? new IncomingRequest(incoming, outgoing, url) : null;
  }

  /** Made when first asked for: most requests are over before anyone could abort them. */
  get signal(): AbortSignal {
    if (this.#abort === null) {
      const abort = new AbortController();
      this.#abort = abort;
      if (this.#outgoing.closed) abort.abort();
      else this.#outgoing.once("close", () => !this.#outgoing.writableFinished && abort.abort());
    }
    return this.#abort.signal;
  }

  get body(): AsyncIterable<Uint8Array> | null {
    if (this.method === "GET" || this.method === "HEAD") return null;
    // A door that stops reading still answers: the connection must outlive the loop.
    return this.#incoming.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Uint8Array>;
  }

  collect(limitBytes: number): Promise<Uint8Array | null> {
    const incoming = this.#incoming;
    if (this.method === "GET" || this.method === "HEAD") return Promise.resolve(new Uint8Array(0));
    return new Promise((resolve, reject) => {
      const chunks: Uint8Array[] = [];
      let length = 0;
      const take = (chunk: Uint8Array): void => {
        length += chunk.length;
        if (length <= limitBytes) chunks.push(chunk);
        else {
          incoming.off("data", take).pause();
          resolve(null);
        }
      };
      incoming.on("data", take);
      incoming.once("end", () => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, length)));
      incoming.once("error", reject);
      // It went away in the middle, perhaps before anybody listened.
      incoming.once("close", () => reject(new AgentError("bad_request", "The request ended before its body was whole.")));
      if (incoming.destroyed) reject(new AgentError("bad_request", "The request ended before its body was whole."));
    });
  }
}

/** Writes an answer; a stream no faster than the client reads it. Never rejects: a client that left is nobody's error. */
export async function send(outgoing: ServerResponse, { status, headers, body }: Answer, headOnly: boolean): Promise<void> {
  if (isStream(body)) {
    outgoing.writeHead(status, headers);
    if (headOnly) outgoing.end();
    else await sendStream(outgoing, body);
    return;
  }
  const bytes = typeof body === "string" ? Buffer.from(body) : (body ?? new Uint8Array(0));
  outgoing.writeHead(status, status === 304 ? headers : { ...headers, "Content-Length": String(bytes.length) });
  outgoing.end(headOnly || status === 304 ? undefined : bytes);
}

async function sendStream(outgoing: ServerResponse, body: AsyncIterable<string>): Promise<void> {
  outgoing.flushHeaders();
  for await (const text of body) {
    if (outgoing.destroyed) break;
    if (outgoing.write(text)) continue;
    await new Promise<void>((resolve) => {
      outgoing.once("drain", resolve);
      outgoing.once("close", resolve);
    });
  }
  outgoing.end();
}
