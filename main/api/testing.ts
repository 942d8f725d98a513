/** For tests of the door: a small agent that holds everything in memory, and a door to it on a real listener. */
import {
  AgentError,
  type AgentStatus,
  type AuditRecord,
  type CollectReport,
  type ConfigChange,
  type ConfigProblem,
  type Labels,
  type Matcher,
  type MetricInfo,
  type PackagePreview,
  type PluginAction,
  type PluginDetail,
  type PluginLogReport,
  type PluginReport,
  type RecommendationReport,
  type SelectRequest,
  type SeriesData,
  seriesKey,
  type SeriesStorage,
} from "all-use-agent/sdk";
import { QueryEngine } from "../query/index.ts";
import type { AgentView, RouteHandler, StreamEvent } from "./view.ts";

export const TEST_TOKEN = "0123456789abcdef".repeat(4);

interface Row {
  readonly name: string;
  readonly labels: Labels;
  timestamps: number[];
  values: number[];
}

/** The part of a series store that the door needs, in plain arrays. */
export class MemoryStorage implements SeriesStorage {
  readonly rows = new Map<string, Row>();
  sealed = 0;

  put(name: string, labels: Labels, samples: readonly (readonly [timeMs: number, value: number])[]): void {
    const key = seriesKey(name, labels);
    const row = this.rows.get(key) ?? { name, labels, timestamps: [], values: [] };
    this.rows.set(key, row);
    for (const [timeMs, value] of samples) {
      row.timestamps.push(timeMs);
      row.values.push(value);
    }
  }

  define(): void {}
  append(): void {}
  async flush(): Promise<void> {}
  gap(): void {}

  async select({ matchers, fromMs, toMs, lastOnly }: SelectRequest): Promise<SeriesData[]> {
    const found: SeriesData[] = [];
    for (const row of this.rows.values()) {
      if (!matches(row, matchers)) continue;
      let kept = row.timestamps.map((_time, i) => i).filter((i) => row.timestamps[i] >= fromMs && row.timestamps[i] <= toMs);
      if (lastOnly === true) kept = kept.slice(-1);
      if (kept.length === 0) continue;
      const timestamps = Float64Array.from(kept, (i) => row.timestamps[i]);
      const values = Float64Array.from(kept, (i) => row.values[i]);
      found.push({ name: row.name, labels: row.labels, timestamps, values });
    }
    return found;
  }

  async series(matchers: readonly Matcher[], fromMs: number, toMs: number): Promise<{ name: string; labels: Labels }[]> {
    return (await this.select({ matchers, fromMs, toMs, lastOnly: true })).map(({ name, labels }) => ({ name, labels }));
  }

  gaps(fromMs: number, toMs: number): { fromMs: number; toMs: number; reason: string }[] {
    return [{ fromMs, toMs, reason: "the machine slept" }];
  }

  async seal(): Promise<void> {
    this.sealed++;
  }

  async deleteSeries(matchers: readonly Matcher[], fromMs: number, toMs: number): Promise<number> {
    let touched = 0;
    for (const row of this.rows.values()) {
      if (!matches(row, matchers)) continue;
      const kept = row.timestamps
        .map((time, i) => [time, row.values[i]] as const)
        .filter(([time]) => time < fromMs || time > toMs);
      row.timestamps = kept.map(([time]) => time);
      row.values = kept.map(([, value]) => value);
      touched++;
    }
    return touched;
  }

  stats() {
    return { series: this.rows.size, samples: 0, diskBytes: 0, oldestMs: null, newestMs: null, counters: {} };
  }
}

function matches(row: Row, matchers: readonly Matcher[]): boolean {
  return matchers.every(({ label, op, value }) => {
    const found = label === "__name__" ? row.name : (row.labels[label] ?? "");
    const equal = op === "=" || op === "!=" ? found === value : new RegExp(`^(?:${value})$`, "s").test(found);
    return op === "=" || op === "=~" ? equal : !equal;
  });
}

/** Everything a test may want to set or look at. */
export class MemoryAgent implements AgentView {
  nowMs = Date.UTC(2026, 10, 22, 16);
  isReady = true;
  simulated = false;
  readonly store = new MemoryStorage();
  readonly query = new QueryEngine(() => this.storage());
  readonly declared = new Map<string, MetricInfo>();
  readonly routes = new Map<string, RouteHandler>();
  readonly listeners = new Set<(event: StreamEvent) => void>();
  pluginReports: PluginReport[] = [];
  auditRecords: AuditRecord[] = [];
  /** What came in through the routes of packages. */
  readonly packageCalls: unknown[] = [];
  advice: RecommendationReport[] = [];

  tell(event: StreamEvent): void {
    for (const listener of this.listeners) listener(event);
  }

  readonly packages: AgentView["packages"] = {
    preview: async (bytes) => {
      this.packageCalls.push(bytes.length);
      return { sha256: "0".repeat(64) } as PackagePreview;
    },
    install: async (wish) => {
      this.packageCalls.push(wish);
      return { id: "collectors/demo" } as PluginDetail;
    },
    detail: async (id) => {
      this.packageCalls.push(id);
      return { permissions: [], sha256: null, signature: null };
    },
  };
  audit: AgentView["audit"] = async ({ limit }) => ({ records: this.auditRecords.slice(0, limit), intact: true });

  ready = (): boolean => this.isReady;
  plugins = (): PluginReport[] => this.pluginReports;
  /** By id. What is asked of them is kept in `asked`. */
  readonly details = new Map<string, PluginDetail>();
  readonly asked: (ConfigChange | PluginAction)[] = [];
  configProblems: ConfigProblem[] = [];
  plugin = async (id: string): Promise<PluginDetail> => {
    const found = this.details.get(id);
    if (!found) throw new AgentError("plugin_unknown", `There is no plugin ${JSON.stringify(id)}.`, { where: "id" });
    return found;
  };
  configurePlugin = async (id: string, change: ConfigChange): Promise<PluginDetail | { problems: ConfigProblem[] }> => {
    const found = await this.plugin(id);
    if (change.check === true || this.configProblems.length > 0) return { problems: this.configProblems };
    this.asked.push(change);
    return found;
  };
  actOnPlugin = async (id: string, action: PluginAction): Promise<PluginDetail | CollectReport | { removed: string }> => {
    const found = await this.plugin(id);
    this.asked.push(action);
    if (action.action === "collect") return { samples: 3, ms: 1, error: null };
    return action.action === "remove" && action.instance === undefined ? { removed: id } : found;
  };
  pluginLog = (id: string, instance: string): PluginLogReport => {
    if (!this.pluginReports.some((report) => report.id === id))
      throw new AgentError("plugin_unknown", `There is no plugin ${JSON.stringify(id)}.`);
    return { lines: [{ timeMs: 1, level: "info", message: `of ${instance}` }], errors: [] };
  };
  panels = () => [{ panel: "collectors/host/cpu", id: "cpu", title: "CPU", expr: "cpu", unit: "percent" as const }];
  recommendations = async () => this.advice;
  findings = async (fromMs: number, toMs: number, limit: number) =>
    [
      {
        id: "f1",
        source: "analytics/anomaly",
        kind: "anomaly" as const,
        metric: `${fromMs}..${toMs}`,
        labels: {},
        startMs: fromMs,
        endMs: null,
        score: 0.999,
        severity: "attention" as const,
        summary: "CPU is unusually high.",
        evidence: [],
      },
    ].slice(0, limit);
  gaps = (fromMs: number, toMs: number) => this.store.gaps(fromMs, toMs);
  forecast = async (_expr: string, horizonMs: number, stepMs: number) => {
    const count = Math.floor(horizonMs / stepMs);
    const flat = Array.from({ length: count }, () => 1);
    return {
      series: [{ labels: {}, stepMs, firstMs: this.nowMs, expected: flat, low: flat, high: flat, level: 0.95, method: "flat" }],
    };
  };
  storage = (): SeriesStorage => this.store;
  metadata = () => this.declared;
  route = (method: string, path: string): RouteHandler | null => this.routes.get(`${method} ${path}`) ?? null;

  now(): number {
    return this.nowMs;
  }

  status(): AgentStatus {
    return {
      version: "0.1.0",
      host: "test",
      platform: process.platform,
      node: process.version,
      pid: process.pid,
      startedMs: this.nowMs,
      nowMs: this.nowMs,
      shell: "edge",
      dataDir: "/nowhere",
      newestSampleMs: null,
      cost: { cpuPercent: 0, residentBytes: 0, diskBytes: 0, eventLoopDelayP99Ms: 0 },
      storage: { series: this.store.rows.size, samples: 0, oldestMs: null, samplesPerSecond: 0, counters: {} },
      problems: [],
      safeMode: null,
    };
  }

  async dismiss(id: string, reason: string): Promise<RecommendationReport> {
    const at = this.advice.findIndex((report) => report.id === id);
    if (at < 0)
      throw new AgentError("recommendation_unknown", `There is no recommendation ${JSON.stringify(id)}.`, { where: "id" });
    this.advice[at] = { ...this.advice[at], status: "dismissed", decision: reason };
    return this.advice[at];
  }

  subscribe(listener: (event: StreamEvent) => void) {
    this.listeners.add(listener);
    return { dispose: () => void this.listeners.delete(listener) };
  }

  async advanceClock(ms: number): Promise<void> {
    if (!this.simulated) throw new AgentError("clock_not_simulated", "Time can be moved only with --clock simulated.");
    this.nowMs += ms;
  }
}

export function recommendation(id: string): RecommendationReport {
  return {
    id,
    key: `disk:/${id}:free`,
    source: "recommenders/capacity",
    status: "open",
    createdMs: 0,
    updatedMs: 0,
    decision: "",
    severity: "attention",
    title: "Disk / will be full.",
    reason: "It grows.",
    action: { kind: "free_disk_space", text: "Free some space." },
    confidence: 0.9,
    evidence: [],
    expiresMs: 0,
  };
}

/** A plugin's route that takes bodies only as they are. */
export function routeOf(handle: RouteHandler["handle"], encodings: readonly string[] = []): RouteHandler {
  return { encodings, handle };
}
