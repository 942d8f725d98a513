import { AgentError, type ExecOptions, type FetchOptions, type Notice } from "all-use-agent/sdk";
import type { Outside } from "../outside/outside.ts";
import type { Message } from "./frames.ts";

const OUTSIDE_ASKS = new Set(["read", "fetch", "exec", "notify"]);

/** What a process asks of the world outside. It may be a liar: every part is looked at before it is used. */
export class OutsideAsks {
  private readonly outside: Outside;
  /** Whether answers pile up because the process does not read them. */
  private readonly congested: () => boolean;
  private readonly underWay = new Map<number, AbortController>();

  constructor(outside: Outside, congested: () => boolean) {
    this.outside = outside;
    this.congested = congested;
  }

  takes(what: string): boolean {
    return OUTSIDE_ASKS.has(what);
  }

  /** The plugin aborted what it asked for. */
  cancel(id: unknown): void {
    this.underWay.get(id as number)?.abort();
  }

  async answer(what: string, json: Message["json"], bytes: Uint8Array): Promise<unknown> {
    if (this.congested()) throw new AgentError("busy", "it does not read the answers that it has: nothing more is fetched");
    const id = json["id"] as number;
    const abort = new AbortController();
    this.underWay.set(id, abort);
    try {
      return await this.ask(what, json, bytes, abort.signal);
    } finally {
      this.underWay.delete(id);
    }
  }

  private ask(what: string, json: Message["json"], bytes: Uint8Array, signal: AbortSignal): Promise<unknown> {
    const timeoutMs = json["timeoutMs"] as number;
    switch (what) {
      case "read":
        return this.outside.read(text(json["path"], "path"));
      case "fetch": {
        const options: FetchOptions = {
          signal,
          timeoutMs,
          headers: textRecord(json["headers"]),
          ...(json["method"] !== undefined && { method: text(json["method"], "method") }),
          ...(json["sends"] === true && { body: bytes }),
        };
        return this.outside.fetch(text(json["url"], "url"), options);
      }
      case "exec": {
        const { args = [] } = json as { args?: unknown };
        if (!Array.isArray(args)) throw new AgentError("exec_failed", "a program's arguments are a list of texts");
        const options: ExecOptions = { signal, timeoutMs, ...(json["sends"] === true && { input: bytes }) };
        const all = args.map((one) => text(one, "argument"));
        return this.outside.exec(text(json["program"], "program"), all, options);
      }
      default:
        return this.outside.notify(json as unknown as Notice);
    }
  }
}

function text(value: unknown, what: string): string {
  if (typeof value === "string" && !value.includes("\0")) return value;
  throw new AgentError("ask_invalid", `the ${what} must be text without zero characters`);
}

function textRecord(value: unknown): Record<string, string> {
  const entries = typeof value === "object" && value !== null ? Object.entries(value) : [];
  return Object.fromEntries(entries.map(([name, one]) => [name, text(one, `header ${name}`)]));
}
