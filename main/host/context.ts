import {
  AgentError,
  type Disposable,
  type Labels,
  type Logger,
  type Manifest,
  type MetricInfo,
  partOfMetric,
  type PluginContext,
  type PrivateStore,
  type SeriesInfo,
} from "all-use-agent/sdk";
import { halfPace } from "./budget.ts";
import { nearest } from "./nearest.ts";
import type { Outside } from "./outside/outside.ts";
import type { HostServices } from "./services.ts";
import { everyAligned, type TimeSource } from "./time.ts";

const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const LABEL_VALUE_MAX_CHARACTERS = 4096;
const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const NAME_MAX_CHARACTERS = 512;
const METRIC_TYPES: ReadonlySet<string> = new Set(["gauge", "counter", "histogram", "summary", "event", "state"]);

/** What the context needs from its instance. */
export interface ContextOwner {
  readonly manifest: Manifest;
  readonly signal: AbortSignal;
  /** Its `stop` is over: nothing it does counts any more. */
  readonly closed: boolean;
  /** Another is about to take over: nothing happens at intervals any more. */
  readonly halted: boolean;
  readonly instance: string;
  /** Runs a callback in the plugin's name: metered, attributed, errors counted. */
  run(task: () => void | Promise<void>): void | Promise<void>;
  /** `elsewhereMs`: what those took who were handed the samples. */
  emitted(samples: number, elsewhereMs: number): void;
  skipped(): void;
  /** Every other call of its timers is left out. */
  readonly slowed: boolean;
  reportStatus(state: "ok" | "degraded", reason: string | undefined): void;
}

export interface ContextParts {
  readonly owner: ContextOwner;
  readonly services: HostServices;
  readonly time: TimeSource;
  readonly random: () => number;
  readonly log: Logger;
  readonly store: PrivateStore;
  readonly outside: Outside;
  /** Everything to undo at stop; the host disposes in reverse. */
  readonly disposables: Set<Disposable>;
}

/** Builds the one object through which a plugin reaches the outside. */
export function createContext(parts: ContextParts): PluginContext {
  const { owner, services, time, disposables, outside } = parts;
  const { manifest, signal } = owner;
  const metricOf = metricLookup(manifest);

  const track = <T extends Disposable>(resource: T): Disposable => {
    disposables.add(resource);
    return {
      dispose: () => {
        disposables.delete(resource);
        return resource.dispose();
      },
    };
  };
  const alive = (): void => {
    if (owner.closed) throw new AgentError("stopped", `${manifest.id} is stopped`);
  };

  return {
    id: manifest.id,
    instance: owner.instance,
    clock: time,
    signal,
    log: parts.log,
    store: parts.store,
    documents: services.documents,
    random: parts.random,
    series(name: string, labels: Labels = {}, info?: MetricInfo) {
      const metric = metricOf(name, info);
      for (const [label, value] of Object.entries(labels)) checkLabel(manifest.id, name, label, value);
      return services.registerSeries(name, labels, metric);
    },
    seriesInfo: (id): SeriesInfo => services.seriesInfo(id),
    emit(batch) {
      alive();
      const startMs = performance.now();
      const refused = services.emit(batch);
      owner.emitted(batch.length, performance.now() - startMs);
      return refused;
    },
    flush: () => services.flush(),
    every(intervalMs, task) {
      alive();
      const leaveOut = halfPace(() => owner.slowed);
      return track(
        everyAligned(
          time,
          intervalMs,
          () => {
            if (owner.halted) return;
            return leaveOut() ? owner.skipped() : owner.run(() => task(signal));
          },
          () => owner.skipped(),
        ),
      );
    },
    on(topic, listener) {
      alive();
      return track(services.on(topic, (event) => void owner.run(() => listener(event))));
    },
    publish(finding) {
      alive();
      services.publish(manifest.id, finding);
    },
    query: (expr, timeMs = time.now()) => services.query(expr, timeMs),
    queryRange: (expr, fromMs, toMs, stepMs) => services.queryRange(expr, fromMs, toMs, stepMs),
    latest: (maxAgeMs, visit) => services.latest(maxAgeMs, visit),
    status(state, reason) {
      owner.reportStatus(state, reason);
    },
    read: (path) => outside.read(path),
    fetch: (url, options) => outside.fetch(url, options),
    exec: (program, args, options) => outside.exec(program, args, options),
    notify: (notice) => outside.notify(notice),
    use(resource) {
      alive();
      disposables.add(resource);
      return resource;
    },
  };
}

/** Finds a metric's declaration by name, as a part of one (`x_bucket` of the histogram `x`), or by the longest `prefix*` entry, of which the plugin may say more itself. */
export function metricLookup(manifest: Manifest): (name: string, info?: MetricInfo) => MetricInfo {
  const declared = manifest.metrics ?? {};
  const prefixes = Object.keys(declared)
    .filter((name) => name.endsWith("*"))
    .sort((a, b) => b.length - a.length);
  return (name, info) => {
    if (Object.hasOwn(declared, name)) return declared[name];
    const part = partOfMetric(declared, name);
    if (part) return part;
    const found = declared[prefixes.find((prefix) => name.startsWith(prefix.slice(0, -1))) ?? ""];
    if (found) return described(manifest.id, name, info) ?? found;
    const close = nearest(name, Object.keys(declared));
    throw new AgentError(
      "metric_undeclared",
      `${manifest.id} emits ${name}, which its plugin.json does not declare under "metrics"${close ? `; did it mean ${close}?` : ""}`,
      { where: name },
    );
  };
}

/** What a plugin says of a metric that its manifest does not name in full. Throws `metric_invalid`. */
function described(id: string, name: string, info: MetricInfo | undefined): MetricInfo | null {
  const fault = (what: string): AgentError =>
    new AgentError("metric_invalid", `${id} emits ${JSON.stringify(name.slice(0, 200))}, ${what}`, { where: name.slice(0, 200) });
  if (!METRIC_NAME.test(name) || name.length > NAME_MAX_CHARACTERS)
    throw fault(`which is no metric name: ${METRIC_NAME.source}, at most ${NAME_MAX_CHARACTERS} characters`);
  if (info === undefined) return null;
  if (!METRIC_TYPES.has(info.type)) throw fault(`of a type that there is not; use ${[...METRIC_TYPES].join(", ")}`);
  const short = (text: unknown): string => String(text).slice(0, LABEL_VALUE_MAX_CHARACTERS);
  return { type: info.type, help: short(info.help), ...(info.unit === undefined ? {} : { unit: short(info.unit) }) };
}

export function checkLabel(id: string, metric: string, label: string, value: unknown): void {
  if (!LABEL_NAME.test(label) || label.startsWith("__")) {
    throw new AgentError(
      "label_invalid",
      `${id}: label ${JSON.stringify(label)} of ${metric} must match ${LABEL_NAME.source} and not begin with __`,
      { where: metric },
    );
  }
  if (typeof value !== "string" || value.length > LABEL_VALUE_MAX_CHARACTERS) {
    throw new AgentError(
      "label_invalid",
      `${id}: label ${label} of ${metric} must be text of at most ${LABEL_VALUE_MAX_CHARACTERS} characters`,
      { where: metric },
    );
  }
}
