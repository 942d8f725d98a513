/** What the door's own routes under `/api/agent` send, as JSON. The page and the command line read these and nothing else. */
import type { Evidence, Finding, Recommendation } from "./knowledge.ts";
import type { PanelSpec } from "./manifest.ts";

/** `GET /api/agent/status` */
export interface AgentStatus {
  readonly version: string;
  readonly host: string;
  readonly platform: string;
  readonly node: string;
  readonly pid: number;
  readonly startedMs: number;
  readonly nowMs: number;
  readonly shell: "edge" | "desktop";
  readonly dataDir: string;
  /** Newest sample stored; null before the first. */
  readonly newestSampleMs: number | null;
  readonly cost: {
    /** Of one core, in percent, over the last minute. */
    readonly cpuPercent: number;
    readonly residentBytes: number;
    readonly diskBytes: number;
    readonly eventLoopDelayP99Ms: number;
  };
  readonly storage: {
    readonly series: number;
    readonly samples: number;
    readonly oldestMs: number | null;
    readonly samplesPerSecond: number;
    readonly counters: Readonly<Record<string, number>>;
  };
  /** Sentences about what is wrong with the agent itself; empty when nothing is. */
  readonly problems: readonly string[];
  /** null while every plugin may start. */
  readonly safeMode: SafeModeReport | null;
  /** What the agent is under: 0 to 3; collectors of low priority yield first. `reason` is null at 0. */
  readonly load?: { readonly level: number; readonly reason: string | null };
}

/** The agent could not start twice in a row, or still leaves out who was at fault then. */
export interface SafeModeReport {
  readonly sinceMs: number;
  /** Ids of plugins that were not started for it. */
  readonly leftOut: readonly string[];
  /** Those of which it is thought that they kept the agent from starting. */
  readonly suspects: readonly string[];
  /** What happened and what to do, in a few sentences. */
  readonly reason: string;
}

export type PluginState = "starting" | "ok" | "degraded" | "failed" | "stopping" | "stopped";

/** `GET /api/agent/plugins` → `{plugins: PluginReport[]}` */
export interface PluginReport {
  /** The manifest's id, `#<instance>` after it for a named instance; the folder's name where the manifest cannot be read. */
  readonly id: string;
  readonly title: string;
  readonly kind: string | null;
  readonly version: string | null;
  readonly folder: string;
  readonly origin: "bundled" | "installed";
  readonly state: PluginState;
  /** Why it is degraded or failed, in one sentence. */
  readonly reason: string | null;
  /** Code of that error, for example `manifest_invalid`. */
  readonly code: string | null;
  readonly sinceMs: number;
  readonly cost: {
    readonly cpuMsPerSecond: number;
    readonly calls: number;
    readonly p50Ms: number;
    readonly p99Ms: number;
    readonly samplesPerSecond: number;
    readonly skipped: number;
    readonly errors: number;
  };
  /** Of collectors that are asked for readings: how often now, and why. null: not at intervals. */
  readonly pace?: { readonly intervalMs: number | null; readonly reason: string };
  /** Of plugins that run in a process of their own. */
  readonly isolation?: {
    /** `exec`: a program in any language; its limits say what the system lets it do. */
    readonly level: "process" | "exec";
    /** null while it does not run. */
    readonly pid: number | null;
    readonly residentBytes: number;
    readonly restarts: number;
    /** Refused uses of what it was not granted. */
    readonly denied: number;
    /** What this system cannot enforce, in sentences. */
    readonly limits: readonly string[];
  };
}

/** `GET /api/agent/panels` → `{panels: PanelReport[]}` */
export interface PanelReport extends PanelSpec {
  /** `<plugin id>/<panel id>`; the value of the label `panel` of `alluse_panel_value`, `alluse_usual_low`, `alluse_usual_high`. */
  readonly panel: string;
}

export type RecommendationStatus = "open" | "dismissed" | "expired" | "superseded";

/** `GET /api/agent/recommendations` → `{recommendations: RecommendationReport[]}`, open ones first, most urgent first. */
export interface RecommendationReport extends Recommendation {
  readonly id: string;
  readonly source: string;
  readonly status: RecommendationStatus;
  readonly createdMs: number;
  readonly updatedMs: number;
  /** Why the desk holds it in this status. */
  readonly decision: string;
}

/** `GET /api/agent/findings?from&to` → `{findings: FindingReport[]}`, newest first. */
export interface FindingReport extends Finding {
  readonly source: string;
}

/** `GET /api/agent/gaps?from&to` → `{gaps: GapReport[]}` */
export interface GapReport {
  readonly fromMs: number;
  readonly toMs: number;
  readonly reason: string;
}

/** `GET /api/agent/forecast?query&horizon_ms&step_ms` → one entry a series of the expression. */
export interface ForecastReport {
  readonly series: readonly {
    readonly labels: Readonly<Record<string, string>>;
    readonly stepMs: number;
    /** Unix ms of the first step. */
    readonly firstMs: number;
    readonly expected: readonly number[];
    readonly low: readonly number[];
    readonly high: readonly number[];
    readonly level: number;
    readonly method: string;
  }[];
}

/**
 * `GET /api/agent/stream`: server-sent events. Each carries an id; `Last-Event-ID` resumes findings and
 * recommendations. One combined `tick` a second with everything a live page needs.
 */
export interface StreamEvents {
  /** One row a recorded panel series: its labels as in `panels`, newest value, usual band (null while learning). */
  tick: {
    readonly nowMs: number;
    readonly newestSampleMs: number | null;
    readonly panels: readonly {
      readonly panel: string;
      readonly labels: Readonly<Record<string, string>>;
      readonly timestampMs: number;
      readonly value: number;
      readonly low: number | null;
      readonly high: number | null;
    }[];
    readonly cost: AgentStatus["cost"];
  };
  finding: FindingReport;
  recommendation: RecommendationReport;
  /** A plugin tells the operator something (`ctx.notify`). */
  notice: NoticeReport;
  /** Plugin states changed. */
  plugins: { readonly plugins: readonly PluginReport[] };
}

export interface NoticeReport {
  /** The plugin's id. */
  readonly source: string;
  readonly title: string;
  readonly body: string;
  readonly timeMs: number;
}

/** Every error of `/api/agent`: stable code, one sentence, where. */
export interface ErrorReport {
  readonly error: { readonly code: string; readonly message: string; readonly where: string | null };
}

export type { Evidence };
