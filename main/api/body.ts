import { AgentError } from "all-use-agent/sdk";
import { schemaProblems } from "../host/schema.ts";
import type { DoorRequest } from "./exchange.ts";
import type { Route } from "./routes.ts";

/** Bytes of a body as sent, and after decompression. */
export interface BodyLimits {
  readonly sentBytes: number;
  readonly plainBytes: number;
}

const KIB = 1024;
const MIB = 1024 * KIB;

/** A query may hold a long expression and many `match[]`; Prometheus allows 10 MiB, nobody has needed one. */
export const FORM_LIMITS: BodyLimits = { sentBytes: MIB, plainBytes: MIB };
export const JSON_LIMITS: BodyLimits = { sentBytes: 64 * KIB, plainBytes: 64 * KIB };
/** Receivers take whole batches: remote write sends some hundred KiB, OTLP and imports some MiB. */
export const PLUGIN_LIMITS: BodyLimits = { sentBytes: 16 * MIB, plainBytes: 64 * MIB };

/** A packed plugin; what it unpacks to is looked at by whoever unpacks it. */
export const PACKAGE_LIMITS: BodyLimits = { sentBytes: 22 * MIB, plainBytes: 22 * MIB };

/** The media type alone, lower case, without parameters; null when there is none. */
export function mediaType(request: DoorRequest): string | null {
  const header = request.headers.get("content-type");
  if (header === null) return null;
  const end = header.indexOf(";");
  return (end < 0 ? header : header.slice(0, end)).trim().toLowerCase();
}

/**
 * The body, decompressed, unless its encoding is among `asSent`. Throws `body_too_large` as soon as either limit is passed, `encoding_refused` for an
 * encoding other than gzip, deflate and br, `body_invalid` when it does not decompress.
 */
export async function readBody(request: DoorRequest, limits: BodyLimits, asSent?: readonly string[]): Promise<Uint8Array> {
  const encoding = (request.headers.get("content-encoding") ?? "identity").trim().toLowerCase();
  const sent = await readSent(request, limits.sentBytes);
  if (encoding === "identity" || encoding === "" || sent.length === 0 || asSent?.includes(encoding)) {
    if (sent.length > limits.plainBytes) throw tooLarge(limits.plainBytes, "");
    return sent;
  }
  return decompress(sent, encoding, limits.plainBytes);
}

async function readSent(request: DoorRequest, limitBytes: number): Promise<Uint8Array> {
  if (Number(request.headers.get("content-length") ?? 0) > limitBytes) throw tooLarge(limitBytes, "");
  if (request.collect) {
    const whole = await request.collect(limitBytes);
    if (whole === null) throw tooLarge(limitBytes, "");
    return whole;
  }
  if (request.body === null) return new Uint8Array(0);
  const chunks: Uint8Array[] = [];
  let length = 0;
  // Leaving the loop by the error ends the body: nothing more of it is read.
  for await (const chunk of request.body) {
    length += chunk.length;
    if (length > limitBytes) throw tooLarge(limitBytes, "");
    chunks.push(chunk);
  }
  return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, length);
}

async function decompress(sent: Uint8Array, encoding: string, limitBytes: number): Promise<Uint8Array> {
  const zlib = await import("node:zlib");
  const { promisify } = await import("node:util");
  // maxOutputLength stops a bomb while it unfolds, not afterwards.
  const options = { maxOutputLength: limitBytes };
  try {
    if (encoding === "gzip" || encoding === "x-gzip")
      return await promisify<Uint8Array, object, Buffer>(zlib.gunzip)(sent, options);
    if (encoding === "deflate") return await promisify<Uint8Array, object, Buffer>(zlib.inflate)(sent, options);
    if (encoding === "br") return await promisify<Uint8Array, object, Buffer>(zlib.brotliDecompress)(sent, options);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") throw tooLarge(limitBytes, " after decompression");
    throw new AgentError("body_invalid", `The body says it is ${encoding} but cannot be decompressed.`, {
      where: "body",
      cause: error,
    });
  }
  throw new AgentError(
    "encoding_refused",
    `The content encoding ${JSON.stringify(encoding.slice(0, 40))} is not known; use gzip, deflate, br or none.`,
    {
      where: "Content-Encoding",
    },
  );
}

/** Query and form parameters together; the form's come first, as in Prometheus. */
export async function readParameters(request: DoorRequest, url: URL): Promise<URLSearchParams> {
  if (request.method !== "POST" && request.method !== "PUT") return url.searchParams;
  const type = mediaType(request);
  if (type !== null && type !== "application/x-www-form-urlencoded") {
    throw new AgentError("media_type_refused", `This route takes a form, not ${type}; send application/x-www-form-urlencoded.`, {
      where: "Content-Type",
    });
  }
  const body = await readBody(request, FORM_LIMITS);
  if (body.length > 0 && type === null) {
    throw new AgentError("media_type_refused", "This route takes a form; send application/x-www-form-urlencoded.", {
      where: "Content-Type",
    });
  }
  const parameters = new URLSearchParams(new TextDecoder().decode(body));
  for (const [name, value] of url.searchParams) parameters.append(name, value);
  return parameters;
}

export async function readJson(request: DoorRequest): Promise<unknown> {
  if (mediaType(request) !== "application/json") {
    throw new AgentError("media_type_refused", "This route takes JSON; send Content-Type: application/json.", {
      where: "Content-Type",
    });
  }
  const body = await readBody(request, JSON_LIMITS);
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    throw new AgentError("body_invalid", "The body is not valid JSON.", { where: "body" });
  }
}

/**
 * The JSON body, checked against the route's own schema. `shown` stands for parts that messages must not quote. Throws
 * `body_invalid` with the place.
 */
export async function checkedBody<T>(request: DoorRequest, schema: Route["body"], shown: object = {}): Promise<T> {
  const body = await readJson(request);
  const quoted = typeof body === "object" && body !== null ? { ...body, ...shown } : body;
  const [problem] = schemaProblems(schema ?? {}, body, quoted);
  if (problem !== undefined)
    throw new AgentError("body_invalid", `The body is not valid at ${problem.where}: ${problem.message}.`, {
      where: problem.where,
    });
  return body as T;
}

function tooLarge(limitBytes: number, when: string): AgentError {
  return new AgentError("body_too_large", `The body is larger than the ${limitBytes} bytes that this route takes${when}.`, {
    where: "body",
  });
}
