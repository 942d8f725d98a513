import type {
  AgentStatus,
  CollectReport,
  ConfigChange,
  ConfigProblem,
  Disposable,
  FindingReport,
  ForecastReport,
  GapReport,
  MetricInfo,
  PanelReport,
  PluginAction,
  PluginDetail,
  PluginLogReport,
  PluginReport,
  RecommendationReport,
  RouteRequest,
  RouteResponse,
  SeriesStorage,
  StreamEvents,
} from "all-use-agent/sdk";
import type { QueryEngine } from "../query/index.ts";
import type { AuditView, PackageView } from "./package-view.ts";

export type StreamEvent = { [K in keyof StreamEvents]: { readonly type: K; readonly data: StreamEvents[K] } }[keyof StreamEvents];

/** A route of a plugin. */
export interface RouteHandler {
  /** Content encodings that the plugin decompresses itself. */
  readonly encodings: readonly string[];
  handle(request: RouteRequest, signal: AbortSignal): Promise<RouteResponse>;
}

/** All that the door knows of the agent. Implemented once, by `main/agent.ts`; tests give their own. */
export interface AgentView {
  /** Storage serves and the plugins have been started. */
  ready(): boolean;
  /** Unix ms on the agent's own clock, which may be simulated. */
  now(): number;
  status(): AgentStatus;
  plugins(): PluginReport[];
  /** Throws `plugin_unknown`. */
  plugin(id: string): Promise<PluginDetail>;
  /** What is wrong, and then nothing was changed; or the plugin afterwards. Throws `plugin_unknown`, `instance_unknown`. */
  configurePlugin(id: string, change: ConfigChange): Promise<PluginDetail | { problems: ConfigProblem[] }>;
  /** Throws `plugin_unknown`, `instance_…`, `plugin_bundled`, `live_change_refused`, `restart_failed`, `collect_unsupported`. */
  actOnPlugin(id: string, action: PluginAction): Promise<PluginDetail | CollectReport | { removed: string }>;
  /** What an instance of a plugin logged lately. Throws `plugin_unknown`. */
  pluginLog(id: string, instance: string): PluginLogReport;
  panels(): PanelReport[];
  recommendations(): Promise<RecommendationReport[]>;
  /** Throws `recommendation_unknown`. */
  dismiss(id: string, reason: string): Promise<RecommendationReport>;
  findings(fromMs: number, toMs: number, limit: number): Promise<FindingReport[]>;
  gaps(fromMs: number, toMs: number): GapReport[];
  forecast(expr: string, horizonMs: number, stepMs: number, signal: AbortSignal): Promise<ForecastReport>;
  readonly query: QueryEngine;
  /** Throws `storage_unavailable` while no series store serves. */
  storage(): SeriesStorage;
  /** Declared metrics by name, from the manifests. */
  metadata(): ReadonlyMap<string, MetricInfo>;
  readonly packages: PackageView;
  readonly audit: AuditView;
  /** The plugin that declared the route, or null. */
  route(method: string, path: string): RouteHandler | null;
  /** Live events from now on. A listener must be quick; it is removed by disposing. */
  subscribe(listener: (event: StreamEvent) => void): Disposable;
  /** Moves a simulated clock forward and waits for what became due. Throws `clock_not_simulated`. */
  advanceClock(ms: number): Promise<void>;
}
