import { AgentError, type StreamEvents } from "all-use-agent/sdk";
import { randomBytes } from "node:crypto";
import { answer } from "./answer.ts";
import type { Answer, DoorRequest } from "./exchange.ts";
import type { AgentView, StreamEvent } from "./view.ts";

/** What a client that was away can still get: more than a bad day brings within a minute. */
const RING_EVENTS = 512;
/** Each open page holds one; a few dashboards and a few forgotten tabs. */
const MAX_CLIENTS = 32;
/** Below the idle limits of common proxies and of browsers that suspend connections. */
const HEARTBEAT_MS = 15_000;
/** How long events are kept for a client that may come back after the last one left. */
const LINGER_MS = 60_000;
/** Asked of the browser's EventSource. */
const RECONNECT_MS = 2000;
const EVENT_STREAM = "text/event-stream; charset=utf-8";

type KeptEvent = Extract<StreamEvent, { type: "finding" | "recommendation" | "notice" }>;

interface Client {
  /** Number of the last kept event that was sent. */
  sentUpTo: number;
  tick: boolean;
  plugins: boolean;
  heartbeat: boolean;
  /** Resolves the pull that waits for something to send. */
  wake: (() => void) | null;
}

export interface StreamOptions {
  readonly heartbeatMs?: number;
  readonly lingerMs?: number;
  readonly ringEvents?: number;
}

/**
 * The live stream. Nothing is queued per client: findings and recommendations stand in one ring, and a client is a
 * place in it; of ticks and plugin states there is only the newest. A client that reads slowly therefore costs no
 * memory and sees the newest state when it comes back to reading; if the ring has passed it, it misses the oldest.
 *
 * An event's id is `<run>-<place in the ring>`. Ticks carry the id of the last kept event, so that whatever arrived
 * last, `Last-Event-ID` names the place to go on from. An id of another run starts at the ring's oldest event: an
 * event seen twice is an update and does no harm, one missed would.
 *
 * The agent is listened to only while someone watches, and for a minute after that.
 */
export class LiveStream {
  readonly #view: AgentView;
  readonly #heartbeatMs: number;
  readonly #lingerMs: number;
  readonly #ringEvents: number;
  readonly #clients = new Set<Client>();
  #unsubscribe: (() => void) | null = null;
  #heartbeat: NodeJS.Timeout | null = null;
  #linger: NodeJS.Timeout | null = null;
  #run = "";
  /** Texts of kept events; the last has the number `#newest`. */
  #ring: string[] = [];
  #newest = 0;
  #tick: StreamEvents["tick"] | null = null;
  #tickText: string | null = null;
  #plugins: StreamEvents["plugins"] | null = null;

  constructor(view: AgentView, options: StreamOptions = {}) {
    this.#view = view;
    this.#heartbeatMs = options.heartbeatMs ?? HEARTBEAT_MS;
    this.#lingerMs = options.lingerMs ?? LINGER_MS;
    this.#ringEvents = options.ringEvents ?? RING_EVENTS;
  }

  /** Throws `stream_limit` when too many clients are connected. */
  open(request: DoorRequest): Answer {
    const headers = { "X-Accel-Buffering": "no" };
    if (request.method === "HEAD") return answer(200, EVENT_STREAM, null, headers);
    if (this.#clients.size >= MAX_CLIENTS) {
      throw new AgentError("stream_limit", `${MAX_CLIENTS} live streams are open already; close a page and try again.`);
    }
    this.#listen();
    const client: Client = {
      sentUpTo: this.#resumeAt(request.headers.get("last-event-id")),
      tick: this.#tick !== null,
      plugins: this.#plugins !== null,
      heartbeat: false,
      wake: null,
    };
    this.#clients.add(client);
    // A body that nobody has begun to read is not ended when its client goes away.
    request.signal.addEventListener("abort", () => this.#leave(client), { once: true });
    return answer(200, EVENT_STREAM, this.#texts(client), headers);
  }

  get clients(): number {
    return this.#clients.size;
  }

  /** What the client gets, a text each time it asks for more; nothing is made ahead of that. */
  async *#texts(client: Client): AsyncGenerator<string, void, void> {
    try {
      yield `retry: ${RECONNECT_MS}\n\n`;
      while (this.#clients.has(client)) {
        const text = this.#pending(client);
        if (text !== "") yield text;
        else await new Promise<void>((wake) => (client.wake = wake));
      }
    } finally {
      this.#leave(client);
    }
  }

  #listen(): void {
    if (this.#linger !== null) clearTimeout(this.#linger);
    this.#linger = null;
    this.#heartbeat ??= setInterval(() => this.#beat(), this.#heartbeatMs).unref();
    if (this.#unsubscribe !== null) return;
    this.#run = randomBytes(6).toString("base64url");
    const subscription = this.#view.subscribe((event) => this.#take(event));
    this.#unsubscribe = () => void subscription.dispose();
  }

  #leave(client: Client): void {
    if (!this.#clients.delete(client)) return;
    client.wake?.();
    if (this.#clients.size > 0) return;
    if (this.#heartbeat !== null) clearInterval(this.#heartbeat);
    this.#heartbeat = null;
    this.#linger = setTimeout(() => this.#forget(), this.#lingerMs).unref();
  }

  #forget(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = null;
    this.#ring = [];
    this.#newest = 0;
    this.#tick = null;
    this.#tickText = null;
    this.#plugins = null;
  }

  #take(event: StreamEvent): void {
    if (event.type === "finding" || event.type === "recommendation" || event.type === "notice") this.#keep(event);
    else if (event.type === "tick") {
      this.#tick = event.data;
      this.#tickText = null;
    } else this.#plugins = event.data;
    for (const client of this.#clients) {
      if (event.type === "tick") client.tick = true;
      else if (event.type === "plugins") client.plugins = true;
      client.wake?.();
      client.wake = null;
    }
  }

  #keep(event: KeptEvent): void {
    this.#newest++;
    this.#ring.push(this.#text(event.type, JSON.stringify(event.data), this.#newest));
    if (this.#ring.length > this.#ringEvents) this.#ring.shift();
  }

  #beat(): void {
    for (const client of this.#clients) {
      client.heartbeat = true;
      client.wake?.();
      client.wake = null;
    }
  }

  /** Everything the client has not seen, as one text, and marks it as sent. */
  #pending(client: Client): string {
    const oldest = this.#newest - this.#ring.length;
    const first = Math.max(client.sentUpTo, oldest) - oldest;
    let text = first === this.#ring.length ? "" : this.#ring.slice(first).join("");
    client.sentUpTo = this.#newest;
    if (client.plugins && this.#plugins !== null) text += this.#text("plugins", JSON.stringify(this.#plugins), this.#newest);
    if (client.tick && this.#tick !== null) {
      this.#tickText ??= JSON.stringify(this.#tick);
      text += this.#text("tick", this.#tickText, this.#newest);
    }
    if (client.heartbeat && text === "") text = ":\n\n";
    client.plugins = false;
    client.tick = false;
    client.heartbeat = false;
    return text;
  }

  #text(type: StreamEvent["type"], json: string, place: number): string {
    return `id: ${this.#run}-${place}\nevent: ${type}\ndata: ${json}\n\n`;
  }

  /** The place of the last event that the client has; without an id it wants only what is to come. */
  #resumeAt(id: string | null): number {
    if (id === null || id === "") return this.#newest;
    const at = id.lastIndexOf("-");
    const place = Number(id.slice(at + 1));
    if (id.slice(0, at) !== this.#run || !Number.isSafeInteger(place)) return 0;
    return Math.min(Math.max(place, 0), this.#newest);
  }
}
