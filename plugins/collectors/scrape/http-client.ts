import type { Agent, ClientRequest, IncomingMessage } from "node:http";
import { AgentError, errorText } from "all-use-agent/sdk";
import type { JobConfig } from "./config.ts";

const ACCEPT = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
/** Idle connections kept in all. */
const IDLE_SOCKETS_MAX = 256;
/** Unpacking costs more than sending within a machine. */
const OWN_MACHINE = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

export interface Page {
  readonly text: string;
  readonly contentType: string;
}

/** GETs pages over connections that stay open. By name and not by `import`: that form loads Node's HTTP client of the web with it, 15 MB. */
export class HttpClient {
  private readonly agents = new Map<string, Agent>();
  private readonly active = new Set<ClientRequest>();

  /** Throws AgentError `scrape_failed` with the reason in a few words. */
  async get(url: URL, job: JobConfig): Promise<Page> {
    const body = await this.bytes(url, job);
    try {
      return { text: await unpacked(body, job.body_size_limit_bytes), contentType: body.headers["content-type"] ?? "" };
    } catch (error) {
      throw failure(
        (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE"
          ? tooLong(job.body_size_limit_bytes)
          : `the answer cannot be unpacked: ${errorText(error)}`,
      );
    }
  }

  dispose(): void {
    for (const request of this.active) request.destroy();
    for (const agent of this.agents.values()) agent.destroy();
    this.agents.clear();
  }

  private bytes(url: URL, job: JobConfig): Promise<Received> {
    const timeoutMs = Math.min(job.scrape_timeout_ms, job.scrape_interval_ms);
    return new Promise((resolve, reject) => {
      const secure = url.protocol === "https:";
      const { request } = secure ? process.getBuiltinModule("node:https") : process.getBuiltinModule("node:http");
      const sent = request(url, {
        agent: this.agentOf(secure, job),
        headers: headersOf(url, job, timeoutMs),
        ...(job.insecure_skip_verify && { rejectUnauthorized: false }),
      });
      const timer = setTimeout(() => sent.destroy(failure(`no answer within ${timeoutMs} ms`)), timeoutMs);
      this.active.add(sent);
      const settle = (): void => {
        clearTimeout(timer);
        this.active.delete(sent);
      };
      sent.on("response", (incoming) => {
        receive(incoming, job.body_size_limit_bytes).then(
          (received) => (settle(), resolve(received)),
          (error: unknown) => {
            settle();
            sent.destroy();
            reject(asFailure(error));
          },
        );
      });
      sent.on("error", (error) => {
        settle();
        reject(asFailure(error));
      });
      sent.end();
    });
  }

  private agentOf(secure: boolean, job: JobConfig): Agent {
    const kind = secure ? (job.insecure_skip_verify ? "any" : "https") : "http";
    let agent = this.agents.get(kind);
    if (agent === undefined) {
      const options = { keepAlive: true, maxFreeSockets: IDLE_SOCKETS_MAX, scheduling: "lifo" as const };
      const { Agent: Made } = secure ? process.getBuiltinModule("node:https") : process.getBuiltinModule("node:http");
      agent = new Made(options);
      this.agents.set(kind, agent);
    }
    return agent;
  }
}

interface Received {
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

function headersOf({ hostname }: URL, job: JobConfig, timeoutMs: number): Record<string, string> {
  const { username, password = "", bearer_token: token } = job;
  return {
    accept: ACCEPT,
    "user-agent": "all-use-agent",
    "x-prometheus-scrape-timeout-seconds": String(timeoutMs / 1000),
    ...(!OWN_MACHINE.test(hostname) && { "accept-encoding": "gzip" }),
    ...(username !== undefined && { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}` }),
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  };
}

async function receive(incoming: IncomingMessage, limitBytes: number): Promise<Received> {
  if (incoming.statusCode !== 200) throw failure(`the answer has the status ${incoming.statusCode ?? 0}`);
  const parts: Buffer[] = [];
  let length = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > limitBytes) throw failure(tooLong(limitBytes));
    parts.push(chunk);
  }
  if (!incoming.complete) throw failure("the answer ended too early");
  return { headers: incoming.headers, body: parts.length === 1 ? parts[0] : Buffer.concat(parts, length) };
}

async function unpacked({ headers, body }: Received, limitBytes: number): Promise<string> {
  const encoding = headers["content-encoding"] ?? "identity";
  if (encoding === "identity") return body.toString("utf8");
  if (encoding !== "gzip") throw new Error(`the content encoding ${encoding.slice(0, 40)} was not asked for`);
  const { gunzip } = await import("node:zlib");
  return new Promise((resolve, reject) =>
    gunzip(body, { maxOutputLength: limitBytes }, (error, plain) => (error ? reject(error) : resolve(plain.toString("utf8")))),
  );
}

function tooLong(limitBytes: number): string {
  return `the answer is longer than ${limitBytes} bytes (body_size_limit_bytes)`;
}

export function failure(message: string): AgentError {
  return new AgentError("scrape_failed", message);
}

function asFailure(error: unknown): AgentError {
  return error instanceof AgentError ? error : failure(errorText(error));
}
