import type { Duplex } from "node:stream";
import {
  AgentError,
  type Batch,
  type CollectionOptions,
  createBatch,
  type Disposable,
  type DocumentCollection,
  type DocumentFilter,
  type DocumentQuery,
  errorText,
  type Finding,
  type Labels,
  type MetricInfo,
  type Logger,
  type LogFields,
  type Manifest,
  type PrivateStore,
  type SeriesId,
  type Topics,
} from "all-use-agent/sdk";
import { halfPace } from "../budget.ts";
import { checkLabel, metricLookup } from "../context.ts";
import type { Outside } from "../outside/outside.ts";
import type { HostServices } from "../services.ts";
import { everyAligned, type TimeSource } from "../time.ts";
import type { ChildChannel } from "./child-channel.ts";
import { decodeBatch, type Message } from "./frames.ts";
import { LatestAnswers } from "./latest-answers.ts";
import { checkedFinding } from "./knowledge-schema.ts";

import { errorFrom, errorParts } from "./messages.ts";
import { OutsideAsks } from "./outside-asks.ts";
import type { Permissions } from "./permissions.ts";
import { moveRow, ProcessedCheck } from "./processed.ts";

/** More series than this of one plugin are a mistake in its labels. */
const SERIES_MAX = 10_000;
const TIMERS_MAX = 64;
const TIMER_MIN_MS = 10;
const TOPICS: readonly (keyof Topics)[] = ["finding", "recommendation", "gap"];
/** Samples further ahead than this have no true time. */
const AHEAD_MAX_MS = 24 * 3600_000;

type Json = Message["json"];

export interface BrokerParts {
  /** The instance's, under which its documents are kept. */
  readonly key: string;
  readonly manifest: Manifest;
  readonly services: HostServices;
  readonly time: TimeSource;
  readonly log: Logger;
  readonly store: PrivateStore;
  readonly permissions: Permissions;
  readonly channel: ChildChannel;
  /** What leads out of the agent, until the signal aborts. */
  outside(signal: AbortSignal): Outside;
  readonly latestPipe: Duplex | null;
  /** It must be ended for what it sent. */
  violated(error: AgentError): void;
  emitted(samples: number): void;
  skipped(): void;
  /** Every other call of its timers is left out. */
  slowed(): boolean;
  fault(error: unknown): void;
  /** A callback did its work. */
  worked(): void;
  status(state: "ok" | "degraded", reason: string | undefined): void;
}

/** The agent's side of one process's `ctx`: everything it asks for is checked here, and undone when it ends. */
export class Broker {
  private readonly parts: BrokerParts;
  private readonly metricOf: ReturnType<typeof metricLookup>;
  /** The process's number → the agent's. */
  private readonly series = new Map<SeriesId, SeriesId>();
  /** The agent's numbers that the process was told of: true, or false when it may not read them. */
  private readonly told = new Map<SeriesId, boolean>();
  private readonly timers = new Map<number, Disposable>();
  private readonly subscriptions = new Map<keyof Topics, Disposable>();
  private readonly processed = new ProcessedCheck((local) => this.series.get(local));
  private batch: Batch = createBatch(64);
  private logSecond = 0;
  private logLines = 0;
  private over = false;
  private halted = false;
  private readonly ended = new AbortController();
  private readonly outside: OutsideAsks;
  private readonly latest: LatestAnswers | null;

  constructor(parts: BrokerParts) {
    this.parts = parts;
    this.outside = new OutsideAsks(parts.outside(this.ended.signal), () => parts.channel.congested);
    this.metricOf = metricLookup(parts.manifest);
    const { latestPipe: pipe } = parts;
    this.latest = pipe && new LatestAnswers({ ...parts, pipe });
  }

  /** Another is about to take over: nothing happens at intervals any more. */
  halt(): void {
    for (const timer of this.timers.values()) void timer.dispose();
    this.timers.clear();
    this.halted = true;
  }

  dispose(): void {
    this.over = true;
    this.ended.abort();
    this.latest?.dispose();
    for (const disposable of [...this.timers.values(), ...this.subscriptions.values()]) void disposable.dispose();
    this.timers.clear();
    this.subscriptions.clear();
  }

  /** Takes a batch frame: rows of series that were refused, or without a time, are left out and counted. */
  emit(payload: Uint8Array): void {
    const { permissions, services, time } = this.parts;
    const batch = (this.batch = decodeBatch(payload, this.batch));
    const latestMs = time.now() + AHEAD_MAX_MS;
    let rows = 0;
    for (let i = 0; i < batch.length; i++) {
      const id = this.series.get(batch.series[i]);
      const timestampMs = batch.timestamps[i];
      if (id === undefined || !(timestampMs >= 0 && timestampMs <= latestMs)) continue;
      batch.series[rows] = id;
      batch.timestamps[rows] = Math.round(timestampMs);
      batch.values[rows++] = batch.values[i];
    }
    if (rows < batch.length) permissions.count("samples of series that it may not emit, or without a true time, were left out");
    batch.length = rows;
    this.parts.emitted(rows);
    if (rows > 0) services.emit(batch);
  }

  /** The rows of a batch that the process may read, copied, or null. It is told of every series before its first sample. */
  readable(batch: Batch): Batch | null {
    const { length } = batch;
    let rows = 0;
    for (let i = 0; i < length; i++) if (this.told.get(batch.series[i]) ?? this.tell(batch.series[i])) rows++;
    if (rows === 0) return null;
    const out = {
      length,
      series: batch.series.slice(0, length),
      timestamps: batch.timestamps.slice(0, length),
      values: batch.values.slice(0, length),
    };
    if (rows === length) return this.counted(out);
    out.length = 0;
    for (let i = 0; i < length; i++) if (this.told.get(batch.series[i])) moveRow(out, i, out.length++);
    return this.counted(out);
  }

  private counted(out: Batch): Batch {
    this.parts.permissions.countRead(this.parts.services.seriesInfo(out.series[0]).name);
    return out;
  }

  /** Like `readable`, and what it returns is no longer in the batch. */
  withdraw(batch: Batch): Batch | null {
    const out = this.readable(batch);
    if (!out) return null;
    let left = 0;
    for (let i = 0; out.length < batch.length && i < batch.length; i++)
      if (!this.told.get(batch.series[i])) moveRow(batch, i, left++);
    batch.length = left;
    return out;
  }

  /** What of a processor's answer goes on in place of what it was sent. Throws `answer_invalid`. */
  checkProcessed(sent: Batch, answer: Batch): Batch {
    return this.processed.check(sent, answer, this.parts.time.now() + AHEAD_MAX_MS);
  }

  /** Whether the process may know of a finding. */
  mayKnow(finding: Finding): boolean {
    return this.parts.permissions.mayRead(finding.metric);
  }

  /** A message of the process that answers nothing. Throws `frame_invalid` for what no plugin can say through ctx. */
  take({ json, bytes }: Message): void {
    switch (json.t) {
      case "define":
        return this.refusable(() => this.define(json));
      case "ask":
        return void this.ask(json, bytes);
      case "cancel":
        return this.outside.cancel(json["id"]);
      case "every":
        return this.refusable(() => this.every(json));
      case "endEvery":
        void this.timers.get(json["id"] as number)?.dispose();
        return void this.timers.delete(json["id"] as number);
      case "subscribe":
        return this.subscribe(json["topic"] as keyof Topics);
      case "publish":
        return this.refusable(() => this.parts.services.publish(this.parts.manifest.id, checkedFinding(json["finding"])));
      case "log":
        return this.log(json);
      case "fault":
        return this.parts.fault(errorFrom(json["error"]));
      case "status":
        return this.parts.status(json["state"] === "ok" ? "ok" : "degraded", asText(json["reason"]));
      default:
        throw new AgentError("frame_invalid", `its process sent a message of an unknown type: plugins speak through ctx only`);
    }
  }

  private refusable(task: () => void): void {
    try {
      task();
    } catch (error) {
      this.parts.permissions.count(errorText(error));
    }
  }

  private define(json: Json): void {
    const { manifest, permissions, services } = this.parts;
    const { id, name, labels, info } = json as unknown as { id: number; name: string; labels: Labels; info?: MetricInfo };
    if (!Number.isInteger(id) || typeof name !== "string" || typeof labels !== "object" || labels === null)
      throw new AgentError("label_invalid", "a series without a number, a name or labels");
    if (this.series.size >= SERIES_MAX)
      throw new AgentError("series_limit", `more than ${SERIES_MAX} series of one plugin: the rest is refused`);
    const metric = this.metricOf(name, typeof info === "object" && info !== null ? info : undefined);
    permissions.needWrite(name);
    for (const [label, value] of Object.entries(labels)) checkLabel(manifest.id, name, label, value);
    this.series.set(id, services.registerSeries(name, labels, metric));
  }

  private tell(id: SeriesId): boolean {
    const info = this.parts.services.seriesInfo(id);
    const allowed = this.parts.permissions.mayRead(info.name);
    this.told.set(id, allowed);
    if (allowed) this.parts.channel.send({ t: "define", id, info });
    else
      this.parts.permissions.count(
        `it sees only metrics that its plugin.json names under metrics:read; the others are kept from it`,
      );
    return allowed;
  }

  private every(json: Json): void {
    const { id, intervalMs } = json as unknown as { id: number; intervalMs: number };
    if (this.timers.size >= TIMERS_MAX)
      throw new AgentError("timer_limit", `more than ${TIMERS_MAX} timers of one plugin: the rest is refused`);
    if (!Number.isInteger(id) || !(intervalMs >= TIMER_MIN_MS) || !(intervalMs <= 2 ** 31))
      throw new AgentError("timer_invalid", `a timer of ${String(intervalMs)} ms: at least ${TIMER_MIN_MS} are needed`);
    void this.timers.get(id)?.dispose();
    if (this.halted) return;
    const leaveOut = halfPace(() => this.parts.slowed());
    const tick = async (): Promise<void> => {
      if (leaveOut()) return this.parts.skipped();
      try {
        await this.parts.channel.call("timer", [id]);
        this.parts.worked();
      } catch (error) {
        // What was under way when the process ended is no fault of its own.
        if (!this.over) this.parts.fault(error);
      }
    };
    this.timers.set(
      id,
      everyAligned(this.parts.time, intervalMs, tick, () => this.parts.skipped()),
    );
  }

  private subscribe(topic: keyof Topics): void {
    const { permissions, services, channel } = this.parts;
    if (!TOPICS.includes(topic) || this.subscriptions.has(topic)) return;
    const known = (event: unknown): boolean =>
      topic === "gap" || (topic === "finding" ? this.mayKnow(event as Finding) : permissions.readsAnything);
    const listener = (event: Topics[keyof Topics]): void => {
      if (known(event)) channel.send({ t: "event", topic, event });
      else permissions.count(`it listens to ${topic} without metrics:read and hears nothing of it`);
    };
    this.subscriptions.set(topic, services.on(topic, listener));
  }

  private log(json: Json): void {
    const level = (["debug", "info", "warn", "error"] as const).find((one) => one === json["level"]) ?? "info";
    const second = Math.floor(performance.now() / 1000);
    if (second !== this.logSecond) this.logLines = 0;
    this.logSecond = second;
    if (this.logLines++ < 100) this.parts.log[level](asText(json["message"]) ?? "", plainFields(json["fields"]));
  }

  private async ask(json: Json, bytes: Uint8Array): Promise<void> {
    const { channel } = this.parts;
    const id = json["id"] as number;
    try {
      channel.send({ t: "answer", id, value: await this.answer(json, bytes) });
    } catch (error) {
      channel.send({ t: "answer", id, error: errorParts(error) });
    }
  }

  private async answer(json: Json, bytes: Uint8Array): Promise<unknown> {
    const { services, store, permissions } = this.parts;
    const { expr, timeMs, fromMs, toMs, stepMs, name } = json as unknown as Record<
      "timeMs" | "fromMs" | "toMs" | "stepMs",
      number
    > &
      Record<"expr" | "name", string>;
    const what = String(json["what"]);
    if (what.startsWith("documents.")) return this.documents(what, json);
    if (this.outside.takes(what)) return this.outside.answer(what, json, bytes);
    switch (what) {
      case "flush":
        return services.flush();
      case "query":
        permissions.needRead(services.queriedMetrics(expr));
        return services.query(expr, timeMs);
      case "queryRange":
        permissions.needRead(services.queriedMetrics(expr));
        return services.queryRange(expr, fromMs, toMs, stepMs);
      case "forecast":
        return this.forecast(json, bytes);
      case "latest":
        // Whoever may read has a pipe for it: this one asks so that its refusal is counted.
        return permissions.needRead([null]);
      case "store.read":
        return store.read(name);
      case "store.write":
        return store.write(name, bytes);
      default:
        throw new AgentError("ask_unknown", `the agent does not know what ${what} is`);
    }
  }

  private async documents(what: string, json: Json): Promise<unknown> {
    this.parts.permissions.needDocuments();
    const { options, documentId, query, filter, document } = json as unknown as {
      options: CollectionOptions;
      documentId: string;
      query: DocumentQuery;
      filter: DocumentFilter;
      document: { _id: string };
    };
    // A collection of its own: the names of two plugins never meet.
    const own = `${this.parts.key.replace("/", ".").replace("#", ".")}.${String(json["collection"])}`;
    const found: DocumentCollection<{ _id: string }> = this.parts.services.documents.collection(own, options);
    switch (what) {
      case "documents.get":
        return found.get(documentId);
      case "documents.find":
        return found.find(query);
      case "documents.count":
        return found.count(filter);
      case "documents.remove":
        return found.remove(filter);
      case "documents.put":
        return found.put(document);
      default:
        throw new AgentError("ask_unknown", `the agent does not know what ${what} is`);
    }
  }

  private forecast(json: Json, bytes: Uint8Array): Promise<unknown> {
    const { stepMs, count, level } = json as unknown as Record<"stepMs" | "count" | "level", number>;
    const columns = new Float64Array(bytes.slice(0, bytes.length - (bytes.length % 16)).buffer);
    const rows = columns.length / 2;
    const data = { timestamps: columns.slice(0, rows), values: columns.slice(rows) };
    if (!this.view)
      return Promise.reject(new AgentError("forecast_unavailable", "a forecast can be asked for only while advising"));
    return this.view(data, stepMs, count, level);
  }

  /** Answers forecasts of the advice in hand. */
  view:
    | ((
        data: { timestamps: Float64Array; values: Float64Array },
        stepMs: number,
        count: number,
        level: number,
      ) => Promise<unknown>)
    | null = null;
}

function asText(value: unknown): string | undefined {
  return typeof value === "string" ? value.slice(0, 4000) : undefined;
}

function plainFields(value: unknown): LogFields | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const fields: Record<string, string | number | boolean | null> = {};
  for (const [key, one] of Object.entries(value as Record<string, unknown>).slice(0, 20)) {
    if (typeof one === "string") fields[key] = one.slice(0, 1000);
    else if (typeof one === "number" || typeof one === "boolean" || one === null) fields[key] = one;
  }
  return fields;
}
