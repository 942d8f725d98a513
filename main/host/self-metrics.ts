import { type Batch, createBatch, ensureCapacity, type Labels, type MetricInfo, type SeriesId } from "all-use-agent/sdk";
import type { Vitals } from "./vitals.ts";

/** What the agent says of itself, beside its plugins' metrics. */
export const SELF_METRICS = {
  alluse_process_cpu_seconds_total: { type: "counter", unit: "seconds", help: "CPU time the agent's process used." },
  alluse_process_resident_memory_bytes: { type: "gauge", unit: "bytes", help: "Resident memory of the agent's process." },
  alluse_series: { type: "gauge", help: "Series registered since the agent started." },
  alluse_plugin_cpu_seconds_total: {
    type: "counter",
    unit: "seconds",
    help: "CPU time spent in the synchronous part of a plugin's calls.",
  },
  alluse_agent_load_level: {
    type: "gauge",
    help: "What the agent is under, 0 to 3; collectors of low priority yield first.",
  },
  alluse_plugin_interval_seconds: {
    type: "gauge",
    unit: "seconds",
    help: "How often a collector is read at the moment; 0: not at intervals.",
  },
  alluse_flow_mode: { type: "state", help: "How samples pass: one batch at a time or gathered." },
  alluse_flow_switches_total: { type: "counter", help: "Times the mode changed." },
  alluse_flow_emissions_per_second: { type: "gauge", help: "Batches emitted a second." },
  alluse_flow_busy_ratio: { type: "gauge", unit: "ratio", help: "Part of the time that stages took." },
  alluse_flow_edge_rows: { type: "gauge", help: "Rows that wait at an edge; of storage, those in memory." },
  alluse_flow_edge_bytes: { type: "gauge", unit: "bytes", help: "Bytes that wait at an edge; of storage, for the disk." },
  alluse_flow_edge_dropped_samples_total: {
    type: "counter",
    help: "Samples that an edge dropped or refused, by its policy: latest, drop_oldest, block.",
  },
} as const satisfies Record<string, MetricInfo>;

type SelfMetric = keyof typeof SELF_METRICS;

export interface SelfMetricsSource {
  readonly vitals: Vitals;
  register(name: SelfMetric, labels: Labels): SeriesId;
  emit(batch: Batch): void;
  seriesCount(): number;
  pluginBusyMs(): { id: string; busyMs: number }[];
  /** 0 to 3. */
  loadLevel(): number;
  paces(): { id: string; seconds: number }[];
  flow(): FlowFigures;
  edges(): EdgeFigures[];
}

export interface FlowFigures {
  readonly mode: string;
  readonly switches: number;
  readonly emissionsPerSecond: number;
  readonly busyPercent: number;
}

export interface EdgeFigures {
  readonly edge: string;
  readonly plugin: string;
  readonly policy: string;
  readonly rows: number;
  readonly bytes: number;
  readonly dropped: number;
}

const FLOW_MODES = ["real_time", "micro_batch"];

/** What changes slowly is said once in this many ticks. */
const SLOW_TICKS = 10;

/** Emits the agent's own metrics once a second. */
export class SelfMetrics {
  private readonly source: SelfMetricsSource;
  private batch: Batch = createBatch(32);
  private ticks = 0;

  constructor(source: SelfMetricsSource) {
    this.source = source;
  }

  tick(nowMs: number): void {
    const { vitals } = this.source;
    this.batch.length = 0;
    this.add("alluse_process_cpu_seconds_total", {}, nowMs, vitals.cpuSeconds);
    this.add("alluse_process_resident_memory_bytes", {}, nowMs, vitals.residentBytes);
    this.add("alluse_agent_load_level", {}, nowMs, this.source.loadLevel());
    if (this.ticks++ % SLOW_TICKS === 0) this.addSlow(nowMs);
    this.source.emit(this.batch);
  }

  private addSlow(nowMs: number): void {
    this.add("alluse_series", {}, nowMs, this.source.seriesCount());
    for (const { id, busyMs } of this.source.pluginBusyMs())
      this.add("alluse_plugin_cpu_seconds_total", { plugin: id }, nowMs, busyMs / 1000);
    for (const { id, seconds } of this.source.paces()) this.add("alluse_plugin_interval_seconds", { plugin: id }, nowMs, seconds);
    this.addFlow(nowMs);
  }

  private addFlow(nowMs: number): void {
    const { mode, switches, emissionsPerSecond, busyPercent } = this.source.flow();
    for (const one of FLOW_MODES) this.add("alluse_flow_mode", { alluse_flow_mode: one }, nowMs, one === mode ? 1 : 0);
    this.add("alluse_flow_switches_total", {}, nowMs, switches);
    this.add("alluse_flow_emissions_per_second", {}, nowMs, emissionsPerSecond);
    this.add("alluse_flow_busy_ratio", {}, nowMs, busyPercent / 100);
    for (const { edge, plugin, policy, rows, bytes, dropped } of this.source.edges()) {
      this.add("alluse_flow_edge_rows", { edge, plugin }, nowMs, rows);
      this.add("alluse_flow_edge_bytes", { edge, plugin }, nowMs, bytes);
      this.add("alluse_flow_edge_dropped_samples_total", { edge, plugin, policy }, nowMs, dropped);
    }
  }

  private add(name: SelfMetric, labels: Labels, nowMs: number, value: number): void {
    const row = this.batch.length;
    this.batch = ensureCapacity(this.batch, row + 1);
    this.batch.series[row] = this.source.register(name, labels);
    this.batch.timestamps[row] = nowMs;
    this.batch.values[row] = value;
    this.batch.length = row + 1;
  }
}
