import type { Finding, Recommendation } from "./knowledge.ts";
import type { Documents, SeriesData } from "./kinds.ts";
import type { ExecAnswer, ExecOptions, FetchAnswer, FetchOptions, Notice } from "./outside.ts";
import type { Batch, Labels, MetricInfo, SeriesId, SeriesInfo } from "./series.ts";

/** Time as the agent sees it: the wall clock, or a simulated one. */
export interface Clock {
  /** Unix milliseconds; can step back when the operator or NTP sets the clock. */
  now(): number;
  /** Milliseconds since some fixed point; never steps back. */
  monotonic(): number;
}

export interface Disposable {
  dispose(): void | Promise<void>;
}

export type LogFields = Readonly<Record<string, string | number | boolean | null>>;

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/**
 * Small private state of a plugin instance: bytes by name, each write atomic and durable. At most 256 names and 16 MB together.
 * Throws `store_name_invalid`, `store_full`.
 */
export interface PrivateStore {
  read(name: string): Promise<Uint8Array | null>;
  write(name: string, bytes: Uint8Array): Promise<void>;
}

export interface Topics {
  finding: Finding;
  /** Every desk decision about a recommendation, as it stands afterwards. */
  recommendation: Recommendation & { readonly status: string };
  /** The machine slept or the clock was set: samples between are missing, not zero. */
  gap: { readonly fromMs: number; readonly toMs: number; readonly reason: string };
}

/** The answer to an instant query. Values and labels by row. */
export interface QueryRow {
  readonly labels: Labels;
  readonly value: number;
  readonly timestampMs: number;
}

/**
 * The only way from a plugin to the outside. The host undoes everything done through it when the plugin stops, so
 * nothing needs to be remembered for `stop`. Every method may throw AgentError with code `stopped` once the plugin is
 * stopped. Methods are safe to call from any callback.
 */
export interface PluginContext {
  readonly id: string;
  /** `default`, or the name under which the operator runs the plugin several times. */
  readonly instance: string;
  readonly clock: Clock;
  /** Aborted when the plugin is to stop. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  readonly store: PrivateStore;
  readonly documents: Documents;
  /** Uniform in [0, 1); seeded under simulation. */
  random(): number;
  /**
   * The number of a series of a metric that the manifest declares; the same number for the same name and labels. `info` says what
   * it is where the manifest declares only a name with `*`; the first to say so is believed.
   * Throws `metric_undeclared`, `metric_invalid`, `label_invalid`, `series_limit`.
   */
  series(name: string, labels?: Labels, info?: MetricInfo): SeriesId;
  /** What a number stands for. */
  seriesInfo(id: SeriesId): SeriesInfo;
  /**
   * Hands samples to the pipeline. Synchronous; the batch may be refilled as soon as it returns. Returns how many rows storage
   * would not take because of their time, as far as that is known at once: never of an installed plugin's.
   */
  emit(batch: Batch): number;
  /** Resolves when everything emitted so far survives the process being killed. */
  flush(): Promise<void>;
  /** Calls `task` at every multiple of the interval; a call that is still running makes the next one be skipped. */
  every(intervalMs: number, task: (signal: AbortSignal) => void | Promise<void>): Disposable;
  on<T extends keyof Topics>(topic: T, listener: (event: Topics[T]) => void): Disposable;
  publish(finding: Finding): void;
  /** PromQL at one instant (default now). Throws `query_*`. */
  query(expr: string, timeMs?: number): Promise<QueryRow[]>;
  /** PromQL over a range; one entry a series. */
  queryRange(expr: string, fromMs: number, toMs: number, stepMs: number): Promise<SeriesData[]>;
  /**
   * Visits every series' newest sample that is not older than `maxAgeMs`, in order of registration; of an installed plugin
   * those that it may read. Throws `permission_denied` where it may read none.
   */
  latest(maxAgeMs: number, visit: (info: SeriesInfo, value: number, timestampMs: number) => void): void;
  /** Says how the plugin is: `degraded` with a reason in one sentence, or `ok` again. */
  status(state: "ok" | "degraded", reason?: string): void;
  /** A file as it is now, at most 4 MB. Needs `read:<path>`. Throws `permission_denied`, `read_failed`, `too_large`. */
  read(path: string): Promise<Uint8Array>;
  /**
   * HTTP through the agent. Needs `net:<host>:<port>` for each address that a redirect leads to, too.
   * Throws `permission_denied`, `fetch_failed`, `timeout`, `too_large`.
   */
  fetch(url: string, options?: FetchOptions): Promise<FetchAnswer>;
  /**
   * Runs a program to its end: no shell, an environment of PATH, TZ and LANG, the agent's rights. Needs `exec:<program>`
   * with the program as it is given here. Throws `permission_denied`, `exec_failed`, `timeout`, `too_large`.
   */
  exec(program: string, args?: readonly string[], options?: ExecOptions): Promise<ExecAnswer>;
  /** Tells the operator, five times a minute at most. Needs `notify`. Throws `permission_denied`, `notify_limit`. */
  notify(notice: Notice): Promise<void>;
  /** Ties something that must be undone to the plugin's life. Returns it. */
  use<T extends Disposable>(resource: T): T;
}
