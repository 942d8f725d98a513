import type { Socket } from "node:net";
import {
  type AdviceView,
  AgentError,
  type Batch,
  type Clock,
  createBatch,
  type Disposable,
  type Documents,
  ensureCapacity,
  errorText,
  type ExecAnswer,
  type ExecOptions,
  type FetchAnswer,
  type FetchOptions,
  type Finding,
  type ForecastDataset,
  type Labels,
  type MetricInfo,
  type LogFields,
  type Logger,
  type Notice,
  type PluginContext,
  type PrivateStore,
  type QueryRow,
  type RouteRequest,
  type SeriesData,
  type SeriesId,
  type SeriesInfo,
  seriesKey,
  type Topics,
} from "all-use-agent/sdk";
import { checkLabel, metricLookup } from "../context.ts";
import { BATCH_MAX_ROWS, encodeBatch, encodeMessage, FRAME_MAX_BYTES } from "./frames.ts";
import { NO_SERIES, OWN_SERIES } from "./processed.ts";
import { LATEST_FD, LatestQuestion } from "./latest-question.ts";
import { type AdviceParts, errorFrom, errorParts, type RequestParts, type StartOrder, type ToChild } from "./messages.ts";

/** What may wait to be read by the agent; samples beyond it are dropped and counted, as when a queue is full. */
const WAITING_MAX_BYTES = 2 * 1024 * 1024;
/** Lines a second; the rest is counted. */
const LOG_LINES_PER_SECOND = 50;

type Json = Record<string, unknown>;

export interface RuntimeParts {
  readonly order: StartOrder;
  readonly say: (json: { t: string } & Json, bytes?: Uint8Array) => void;
  readonly data: Socket;
  /** The agent's clock as of its last message. */
  readonly now: () => number;
}

/** The plugin's context in its own process: the same contract as inside the agent, each use a frame to it. */
export class RuntimeContext implements PluginContext {
  readonly id: string;
  readonly instance: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly store: PrivateStore;
  readonly documents: Documents;

  private readonly parts: RuntimeParts;
  private readonly stopping = new AbortController();
  private readonly metricOf: ReturnType<typeof metricLookup>;
  private readonly infos: SeriesInfo[] = [];
  private readonly ids = new Map<string, SeriesId>();
  /** Series that the agent was told of: the only ones that can be emitted. */
  private readonly declared = new Set<SeriesId>();
  /** The agent's number → the number here. */
  private readonly foreign = new Map<SeriesId, SeriesId>();
  /** The number here → the agent's. */
  private readonly agents = new Map<SeriesId, SeriesId>();
  private readonly asked = new Map<number, { resolve(value: unknown): void; reject(error: unknown): void }>();
  private readonly timers = new Map<number, (signal: AbortSignal) => void | Promise<void>>();
  private readonly listeners = new Map<keyof Topics, Set<(event: never) => unknown>>();
  private readonly resources: Disposable[] = [];
  private readonly latestQuestion: LatestQuestion | null;
  private received: Batch = createBatch(0);
  private lastId = 0;
  private dropped = 0;
  private logSecond = 0;
  private logLines = 0;
  private closed = false;

  constructor(parts: RuntimeParts) {
    const { manifest, simulated, instance, latest } = parts.order;
    this.parts = parts;
    this.id = manifest.id;
    this.instance = instance;
    this.metricOf = metricLookup(manifest);
    this.latestQuestion = latest ? new LatestQuestion(LATEST_FD) : null;
    this.clock = simulated
      ? { now: parts.now, monotonic: parts.now }
      : { now: () => Date.now(), monotonic: () => performance.now() };
    const write = (level: string) => (message: string, fields?: LogFields) => this.writeLog(level, message, fields);
    this.log = { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
    this.store = {
      read: async (name) => (await this.ask("store.read", { name })) as Uint8Array | null,
      write: async (name, bytes) => void (await this.ask("store.write", { name }, bytes)),
    };
    this.documents = {
      collection: (name, options) => {
        const about = { collection: name, options };
        return {
          get: (id) => this.ask("documents.get", { ...about, documentId: id }) as Promise<never>,
          find: (query = {}) => this.ask("documents.find", { ...about, query }) as Promise<never>,
          count: (filter = {}) => this.ask("documents.count", { ...about, filter }) as Promise<number>,
          remove: (filter) => this.ask("documents.remove", { ...about, filter }) as Promise<number>,
          put: async (document) => void (await this.ask("documents.put", { ...about, document })),
        };
      },
    };
  }

  get signal(): AbortSignal {
    return this.stopping.signal;
  }

  random(): number {
    return Math.random();
  }

  series(name: string, labels: Labels = {}, info?: MetricInfo): SeriesId {
    const metric = this.metricOf(name, info);
    for (const [label, value] of Object.entries(labels)) checkLabel(this.id, name, label, value);
    const id = this.idOf({ name, labels: { ...labels }, ...metric });
    if (!this.declared.has(id)) {
      this.declared.add(id);
      this.parts.data.write(encodeMessage({ t: "define", id, name, labels, info }));
    }
    return id;
  }

  seriesInfo(id: SeriesId): SeriesInfo {
    const info = this.infos[id];
    if (!info) throw new AgentError("series_unknown", `no series has the number ${id}`);
    return info;
  }

  emit(batch: Batch): number {
    this.alive();
    const { data } = this.parts;
    if (data.writableLength > WAITING_MAX_BYTES) {
      if (this.dropped === 0) this.status("degraded", "it sends faster than it may: samples are dropped");
      this.dropped += batch.length;
      return 0;
    }
    for (let row = 0; row < batch.length; row += BATCH_MAX_ROWS)
      data.write(encodeBatch(batch, row, Math.min(batch.length, row + BATCH_MAX_ROWS)));
    return 0;
  }

  /** Asked on the pipe of the samples, so that it comes after them. */
  async flush(): Promise<void> {
    await this.ask("flush", {}, undefined, (frame) => this.parts.data.write(frame));
  }

  every(intervalMs: number, task: (signal: AbortSignal) => void | Promise<void>): Disposable {
    this.alive();
    const id = ++this.lastId;
    this.timers.set(id, task);
    this.parts.say({ t: "every", id, intervalMs });
    return {
      dispose: () => {
        if (this.timers.delete(id)) this.parts.say({ t: "endEvery", id });
      },
    };
  }

  on<T extends keyof Topics>(topic: T, listener: (event: Topics[T]) => void): Disposable {
    this.alive();
    let all = this.listeners.get(topic);
    if (!all) {
      this.listeners.set(topic, (all = new Set()));
      this.parts.say({ t: "subscribe", topic });
    }
    all.add(listener);
    return { dispose: () => void all.delete(listener) };
  }

  publish(finding: Finding): void {
    this.alive();
    this.parts.say({ t: "publish", finding });
  }

  query(expr: string, timeMs = this.clock.now()): Promise<QueryRow[]> {
    return this.ask("query", { expr, timeMs }) as Promise<QueryRow[]>;
  }

  queryRange(expr: string, fromMs: number, toMs: number, stepMs: number): Promise<SeriesData[]> {
    return this.ask("queryRange", { expr, fromMs, toMs, stepMs }) as Promise<SeriesData[]>;
  }

  latest(maxAgeMs: number, visit: (info: SeriesInfo, value: number, timestampMs: number) => void): void {
    if (this.latestQuestion) return this.latestQuestion.ask(maxAgeMs, visit);
    this.ask("latest", {}).catch(() => {});
    throw new AgentError(
      "permission_denied",
      `${this.id} reads the latest samples, for which its plugin.json asks no permission: add "metrics:read:*" or narrower`,
      { where: "metrics:read" },
    );
  }

  status(state: "ok" | "degraded", reason?: string): void {
    this.parts.say({ t: "status", state, reason });
  }

  read(path: string): Promise<Uint8Array> {
    return this.ask("read", { path }) as Promise<Uint8Array>;
  }

  fetch(url: string, { signal, body, ...about }: FetchOptions = {}): Promise<FetchAnswer> {
    return this.askOutside("fetch", { ...about, url }, body, signal) as Promise<FetchAnswer>;
  }

  exec(program: string, args: readonly string[] = [], { signal, input, ...about }: ExecOptions = {}): Promise<ExecAnswer> {
    return this.askOutside("exec", { ...about, program, args }, input, signal) as Promise<ExecAnswer>;
  }

  async notify({ title, body }: Notice): Promise<void> {
    await this.ask("notify", { title, body });
  }

  use<T extends Disposable>(resource: T): T {
    this.alive();
    this.resources.push(resource);
    return resource;
  }

  /** What the agent says to the context. */
  take(message: ToChild): void {
    switch (message.t) {
      case "answer": {
        const waiting = this.asked.get(message.id);
        this.asked.delete(message.id);
        if (message.error) waiting?.reject(errorFrom(message.error));
        else waiting?.resolve(message.value);
        return;
      }
      case "define":
        this.told(message.id, this.idOf(message.info));
        return;
      case "event":
        for (const listener of this.listeners.get(message.topic) ?? []) this.fault(() => listener(message.event as never));
        return;
      default:
    }
  }

  /** Runs a callback of the plugin; what it throws is a fault that the agent counts. */
  fault(task: () => unknown): void {
    const report = (error: unknown): void => this.parts.say({ t: "fault", error: errorParts(error) });
    try {
      const pending = task();
      if (pending instanceof Promise) pending.catch(report);
    } catch (error) {
      report(error);
    }
  }

  async runTimer(id: number): Promise<void> {
    await this.timers.get(id)?.(this.signal);
  }

  /** The same samples under the numbers that series have here. */
  localBatch(batch: Batch): Batch {
    this.received = ensureCapacity(this.received, batch.length);
    const { received } = this;
    for (let i = 0; i < batch.length; i++) received.series[i] = this.foreign.get(batch.series[i]) ?? 0;
    received.timestamps.set(batch.timestamps.subarray(0, batch.length));
    received.values.set(batch.values.subarray(0, batch.length));
    received.length = batch.length;
    return received;
  }

  /** The number by which the agent knows a series that has `id` here. */
  agentSeries(id: SeriesId): number {
    return this.agents.get(id) ?? (this.declared.has(id) ? OWN_SERIES + id : NO_SERIES);
  }

  adviceView({ nowMs, findings }: AdviceParts): AdviceView {
    return {
      nowMs,
      findings: findings as Finding[],
      query: (expr, timeMs = nowMs) => this.query(expr, timeMs),
      queryRange: (expr, fromMs, toMs, stepMs) => this.queryRange(expr, fromMs, toMs, stepMs),
      forecast: (data: ForecastDataset, stepMs, count, level) => {
        const { timestamps, values } = data;
        const columns = new Float64Array(timestamps.length * 2);
        columns.set(timestamps);
        columns.set(values.subarray(0, timestamps.length), timestamps.length);
        return this.ask("forecast", { stepMs, count, level }, new Uint8Array(columns.buffer)) as ReturnType<
          AdviceView["forecast"]
        >;
      },
    };
  }

  routeRequest({ method, path, query, headers, body }: RequestParts): RouteRequest {
    return {
      method,
      path,
      query: new URLSearchParams(query),
      header: (name) => headers[name.toLowerCase()],
      body: () => Promise.resolve(body),
    };
  }

  abort(): void {
    this.stopping.abort();
  }

  /** Undoes in reverse what the plugin tied to its life. */
  async dispose(): Promise<void> {
    this.closed = true;
    this.timers.clear();
    for (const resource of this.resources.splice(0).reverse()) {
      try {
        await resource.dispose();
      } catch (error) {
        this.log.warn(`could not undo something at stop: ${errorText(error)}`);
      }
    }
  }

  private told(agents: SeriesId, id: SeriesId): void {
    this.foreign.set(agents, id);
    this.agents.set(id, agents);
  }

  private idOf(info: SeriesInfo): SeriesId {
    const key = seriesKey(info.name, info.labels);
    let id = this.ids.get(key);
    if (id === undefined) {
      id = this.infos.push(Object.freeze({ ...info, labels: Object.freeze({ ...info.labels }) })) - 1;
      this.ids.set(key, id);
    }
    return id;
  }

  /** A question that takes a while: the agent is told when nobody waits for the answer any more. */
  private async askOutside(
    what: string,
    about: Json,
    sent: string | Uint8Array | undefined,
    signal: AbortSignal | undefined,
  ): Promise<unknown> {
    this.alive();
    signal?.throwIfAborted();
    const bytes = sent === undefined ? undefined : Buffer.from(sent as string);
    const answer = this.ask(what, { ...about, sends: bytes !== undefined }, bytes);
    const id = this.lastId;
    const cancel = (): void => this.parts.say({ t: "cancel", id });
    signal?.addEventListener("abort", cancel, { once: true });
    try {
      return await answer;
    } finally {
      signal?.removeEventListener("abort", cancel);
    }
  }

  private ask(what: string, about: Json, bytes?: Uint8Array, send?: (frame: Buffer) => void): Promise<unknown> {
    const id = ++this.lastId;
    if (bytes && bytes.length > FRAME_MAX_BYTES - 4096)
      return Promise.reject(
        new AgentError("too_large", `${what}: ${bytes.length} bytes are more than a plugin can hand over at once`),
      );
    return new Promise((resolve, reject) => {
      this.asked.set(id, { resolve, reject });
      const json = { ...about, t: "ask", id, what };
      if (send) send(encodeMessage(json, bytes));
      else this.parts.say(json, bytes);
    });
  }

  private writeLog(level: string, message: string, fields?: LogFields): void {
    const second = Math.floor(performance.now() / 1000);
    if (second !== this.logSecond) {
      const lost = this.logLines - LOG_LINES_PER_SECOND;
      this.logSecond = second;
      this.logLines = 0;
      if (lost > 0) this.log.warn(`${lost} lines of its log were left out: at most ${LOG_LINES_PER_SECOND} a second are kept`);
    }
    if (++this.logLines <= LOG_LINES_PER_SECOND) this.parts.say({ t: "log", level, message: message.slice(0, 4000), fields });
  }

  private alive(): void {
    if (this.closed) throw new AgentError("stopped", `${this.id} is stopped`);
  }
}
