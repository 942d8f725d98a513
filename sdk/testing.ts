/** For a plugin's own tests: a context on a simulated clock that records what the plugin does. No network, no disk. */
import type { Clock, Disposable, Logger, PluginContext, PrivateStore, QueryRow, Topics } from "./context.ts";
import { AgentError } from "./errors.ts";
import type { DocumentCollection, DocumentQuery, Documents, SeriesData } from "./kinds.ts";
import type { Finding } from "./knowledge.ts";
import type { Manifest } from "./manifest.ts";
import { partOfMetric } from "./metrics/metric-parts.ts";
import { type ExecAnswer, type ExecOptions, type FetchAnswer, type FetchOptions, type Notice } from "./outside.ts";
import { type Batch, type Labels, type MetricInfo, type SeriesId, type SeriesInfo, seriesKey } from "./series.ts";
import { TestOutside } from "./testing-outside.ts";

/** One emitted sample, unpacked for reading in a test. */
export interface EmittedSample {
  readonly name: string;
  readonly labels: Labels;
  readonly timestampMs: number;
  readonly value: number;
}

interface Timer {
  readonly intervalMs: number;
  readonly task: (signal: AbortSignal) => void | Promise<void>;
  nextMs: number;
}

/** A clock that moves only when told. */
export class SimulatedClock implements Clock {
  private nowMs: number;
  private monotonicMs = 0;

  constructor(startMs: number) {
    this.nowMs = startMs;
  }

  now(): number {
    return this.nowMs;
  }

  monotonic(): number {
    return this.monotonicMs;
  }

  advance(ms: number): void {
    this.nowMs += ms;
    this.monotonicMs += ms;
  }

  /** The operator sets the wall clock; elapsed time is not touched. */
  step(ms: number): void {
    this.nowMs += ms;
  }
}

/** mulberry32, so that a test's randomness is the same every time. Source: Tommy Ettinger, public domain. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export interface TestContextOptions {
  readonly startMs?: number;
  readonly seed?: number;
  /** Permissions that the plugin does not have: what they guard rejects with `permission_denied`. */
  readonly deny?: readonly ("metrics:read" | "documents")[];
}

export class TestContext implements PluginContext {
  readonly id: string;
  readonly instance: string;
  readonly clock: SimulatedClock;
  readonly findings: Finding[] = [];
  readonly logs: { level: string; message: string }[] = [];
  readonly states: { state: "ok" | "degraded"; reason: string | undefined }[] = [];
  readonly stored = new Map<string, Uint8Array>();
  readonly emitted: EmittedSample[] = [];
  /** Files, servers and programs that the test provides, and the notices sent. */
  readonly outside: TestOutside;
  /** Answers `query` and `queryRange`; replace in a test that needs answers. */
  onQuery: (expr: string, timeMs: number) => QueryRow[] = () => [];
  onQueryRange: (expr: string, fromMs: number, toMs: number, stepMs: number) => SeriesData[] = () => [];

  private readonly manifest: Pick<Manifest, "id" | "metrics">;
  protected readonly abort = new AbortController();
  private readonly denied: readonly string[];
  private readonly timers = new Set<Timer>();
  private readonly used: Disposable[] = [];
  private readonly infos: SeriesInfo[] = [];
  private readonly ids = new Map<string, SeriesId>();
  private readonly newest = new Map<SeriesId, { value: number; timestampMs: number }>();
  private readonly listeners = new Map<keyof Topics, Set<(event: never) => void>>();
  private readonly nextRandom: () => number;

  constructor(manifest: Pick<Manifest, "id" | "metrics" | "permissions">, options: TestContextOptions = {}) {
    this.manifest = manifest;
    this.id = manifest.id;
    this.instance = "default";
    this.outside = new TestOutside(manifest);
    this.clock = new SimulatedClock(options.startMs ?? Date.UTC(2026, 0, 5, 12));
    this.denied = options.deny ?? [];
    this.nextRandom = seededRandom(options.seed ?? 1);
  }

  get signal(): AbortSignal {
    return this.abort.signal;
  }

  readonly log: Logger = {
    debug: (message) => void this.logs.push({ level: "debug", message }),
    info: (message) => void this.logs.push({ level: "info", message }),
    warn: (message) => void this.logs.push({ level: "warn", message }),
    error: (message) => void this.logs.push({ level: "error", message }),
  };

  readonly store: PrivateStore = {
    read: (name) => this.answer(() => this.stored.get(name) ?? null),
    write: (name, bytes) => {
      const own = bytes.slice();
      return this.answer(() => void this.stored.set(name, own));
    },
  };

  readonly documents: Documents = {
    collection: <T extends { _id: string }>(): DocumentCollection<T> => {
      const kept = new MemoryCollection<T>();
      const ask = <A>(task: () => Promise<A>): Promise<A> => this.answer(() => (this.need("documents"), task()));
      return {
        get: (id) => ask(() => kept.get(id)),
        find: (query) => ask(() => kept.find(query)),
        count: (filter) => ask(() => kept.count(filter)),
        put: (document) => ask(() => kept.put(document)),
        remove: (filter) => ask(() => kept.remove(filter)),
      };
    },
  };

  random(): number {
    return this.nextRandom();
  }

  series(name: string, labels: Labels = {}, info?: MetricInfo): SeriesId {
    const key = seriesKey(name, labels);
    const known = this.ids.get(key);
    if (known !== undefined) return known;
    const declared =
      this.manifest.metrics?.[name] ??
      partOfMetric(this.manifest.metrics ?? {}, name) ??
      (this.declaredByPrefix(name) && (info ?? this.declaredByPrefix(name)));
    if (!declared) throw new AgentError("metric_undeclared", `${this.id} emits ${name}, which its plugin.json does not declare`);
    const id = this.infos.length;
    this.infos.push(Object.freeze({ name, labels: Object.freeze({ ...labels }), ...declared }));
    this.ids.set(key, id);
    return id;
  }

  /** Registers a series of someone else's metric, for plugins that receive batches. */
  foreignSeries(info: SeriesInfo): SeriesId {
    const key = seriesKey(info.name, info.labels);
    const known = this.ids.get(key);
    if (known !== undefined) return known;
    this.infos.push(info);
    this.ids.set(key, this.infos.length - 1);
    return this.infos.length - 1;
  }

  seriesInfo(id: SeriesId): SeriesInfo {
    const info = this.infos[id];
    if (!info) throw new AgentError("series_unknown", `no series has the number ${id}`);
    return info;
  }

  emit(batch: Batch): number {
    for (let i = 0; i < batch.length; i++) {
      const info = this.seriesInfo(batch.series[i]);
      const sample = { name: info.name, labels: info.labels, timestampMs: batch.timestamps[i], value: batch.values[i] };
      this.emitted.push(sample);
      this.newest.set(batch.series[i], sample);
    }
    return 0;
  }

  flush(): Promise<void> {
    return this.answer(() => {});
  }

  every(intervalMs: number, task: (signal: AbortSignal) => void | Promise<void>): Disposable {
    const now = this.clock.now();
    const timer: Timer = { intervalMs, task, nextMs: now - (now % intervalMs) + intervalMs };
    this.timers.add(timer);
    return { dispose: () => void this.timers.delete(timer) };
  }

  on<T extends keyof Topics>(topic: T, listener: (event: Topics[T]) => void): Disposable {
    const set = this.listeners.get(topic) ?? new Set();
    this.listeners.set(topic, set);
    set.add(listener);
    return { dispose: () => void set.delete(listener) };
  }

  /** Delivers an event to the plugin's listeners. */
  deliver<T extends keyof Topics>(topic: T, event: Topics[T]): void {
    for (const listener of this.listeners.get(topic) ?? []) (listener as (event: Topics[T]) => void)(event);
  }

  publish(finding: Finding): void {
    this.findings.push(finding);
  }

  query(expr: string, timeMs = this.clock.now()): Promise<QueryRow[]> {
    return this.answer(() => (this.need("metrics:read"), this.onQuery(expr, timeMs)));
  }

  queryRange(expr: string, fromMs: number, toMs: number, stepMs: number): Promise<SeriesData[]> {
    return this.answer(() => (this.need("metrics:read"), this.onQueryRange(expr, fromMs, toMs, stepMs)));
  }

  latest(maxAgeMs: number, visit: (info: SeriesInfo, value: number, timestampMs: number) => void): void {
    this.need("metrics:read");
    const oldestMs = this.clock.now() - maxAgeMs;
    for (const [id, sample] of this.newest)
      if (sample.timestampMs >= oldestMs) visit(this.infos[id], sample.value, sample.timestampMs);
  }

  status(state: "ok" | "degraded", reason?: string): void {
    this.states.push({ state, reason });
  }

  read(path: string): Promise<Uint8Array> {
    return this.outside.read(path);
  }

  fetch(url: string, options: FetchOptions = {}): Promise<FetchAnswer> {
    return this.outside.fetch(url, options);
  }

  exec(program: string, args: readonly string[] = [], options: ExecOptions = {}): Promise<ExecAnswer> {
    return this.outside.exec(program, args, options);
  }

  notify(notice: Notice): Promise<void> {
    return this.outside.notify(notice);
  }

  use<T extends Disposable>(resource: T): T {
    this.used.push(resource);
    return resource;
  }

  /** Moves time forward, running what `every` made due on the way, in order of time. */
  async advance(ms: number): Promise<void> {
    const endMs = this.clock.now() + ms;
    for (;;) {
      let due: Timer | undefined;
      for (const timer of this.timers) if (timer.nextMs <= endMs && (!due || timer.nextMs < due.nextMs)) due = timer;
      if (!due) break;
      this.clock.advance(due.nextMs - this.clock.now());
      due.nextMs += due.intervalMs;
      await due.task(this.signal);
    }
    this.clock.advance(endMs - this.clock.now());
  }

  /** What the host does at stop: abort, then undo in reverse. */
  async dispose(): Promise<void> {
    this.abort.abort();
    this.timers.clear();
    this.listeners.clear();
    for (const resource of this.used.reverse()) await resource.dispose();
    this.used.length = 0;
  }

  /** What everything that the plugin waits for goes through. */
  protected async answer<T>(answer: () => T | Promise<T>): Promise<T> {
    return answer();
  }

  private need(permission: string): void {
    if (!this.denied.includes(permission)) return;
    throw new AgentError("permission_denied", `${this.id} asks for what it was not granted: ${permission}`, {
      where: permission,
    });
  }

  private declaredByPrefix(name: string): NonNullable<Manifest["metrics"]>[string] | undefined {
    for (const [pattern, info] of Object.entries(this.manifest.metrics ?? {})) {
      if (pattern.endsWith("*") && name.startsWith(pattern.slice(0, -1))) return info;
    }
    return undefined;
  }
}

class MemoryCollection<T extends { _id: string }> implements DocumentCollection<T> {
  private readonly documents = new Map<string, T>();

  get(id: string): Promise<T | null> {
    return Promise.resolve(this.documents.get(id) ?? null);
  }

  find(query: DocumentQuery = {}): Promise<T[]> {
    const rows = [...this.documents.values()].filter((document) => matches(document, query.filter ?? {}));
    for (const [field, order] of Object.entries(query.sort ?? {}).reverse()) {
      rows.sort((a, b) => order * compare((a as Record<string, unknown>)[field], (b as Record<string, unknown>)[field]));
    }
    const skip = query.skip ?? 0;
    return Promise.resolve(rows.slice(skip, query.limit === undefined ? undefined : skip + query.limit));
  }

  async count(filter: Readonly<Record<string, unknown>> = {}): Promise<number> {
    return (await this.find({ filter })).length;
  }

  put(document: T): Promise<void> {
    this.documents.set(document._id, structuredClone(document));
    return Promise.resolve();
  }

  async remove(filter: Readonly<Record<string, unknown>>): Promise<number> {
    const rows = await this.find({ filter });
    for (const row of rows) this.documents.delete(row._id);
    return rows.length;
  }
}

/** Equality by field only: what tests need, not a query language. */
function matches(document: object, filter: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(filter).every(([field, value]) => (document as Record<string, unknown>)[field] === value);
}

function compare(a: unknown, b: unknown): number {
  return (a as number) < (b as number) ? -1 : (a as number) > (b as number) ? 1 : 0;
}
