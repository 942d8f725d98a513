import { join } from "node:path";
import { pathToFileURL } from "node:url";
import {
  AgentError,
  type Disposable,
  type Documents,
  errorText,
  type MetricInfo,
  type Model,
  type PluginLogReport,
  type QueryRow,
  type RecommendationReport,
  type SeriesData,
  type SeriesStorage,
} from "all-use-agent/sdk";
import type { StreamEvent } from "../api/view.ts";
import type { EdgeReport } from "../flow/edge.ts";
import { Pipeline } from "../flow/pipeline.ts";
import { SeriesRegistry } from "../flow/registry.ts";
import { DEFAULT_FLOW } from "../flow/settings.ts";
import { TopicBoard } from "../flow/topics.ts";
import type { AgentConfig } from "../host/config-file.ts";
import { readFlow } from "../host/config/flow.ts";
import type { SecretStore } from "../host/config/secrets.ts";
import { lateDocuments } from "../host/documents.ts";
import { PluginHost } from "../host/host.ts";
import type { Instance } from "../host/instance-type.ts";
import type { LogBook } from "../host/log.ts";
import { type PluginWatch, watchPlugins } from "../host/plugin-watch.ts";
import { privateStore } from "../host/private-store.ts";
import type { StartJournal } from "../host/safe-mode/start-journal.ts";
import { linkSdk } from "../host/sdk-link.ts";
import { SELF_METRICS } from "../host/self-metrics.ts";
import type { HostServices } from "../host/services.ts";
import { LoadMonitor } from "../host/strategy/load-monitor.ts";
import { LoadReadings } from "../host/strategy/load-readings.ts";
import { Machine } from "../host/strategy/machine.ts";
import { CALM } from "../host/strategy/surroundings.ts";
import { SimulatedTime, type TimeSource } from "../host/time.ts";
import { Vitals } from "../host/vitals.ts";
import { RecommendationDesk } from "../learning/desk.ts";
import { FindingLog } from "../learning/findings.ts";
import { type ForecastModel, Forecasts } from "../learning/forecasts.ts";
import { PANEL_METRICS, PanelRecorder } from "../learning/panels.ts";
import { QueryEngine } from "../query/index.ts";
import { LiveConfig } from "./live-config.ts";
import { builtSdk, bundledPlugins } from "./paths.ts";
import { PackageDesk } from "./package-desk.ts";
import { PermissionDesk } from "./permission-desk.ts";
import { StageList } from "./stages.ts";

export interface CoreOptions {
  readonly dataDir: string;
  readonly bare: boolean;
  readonly version: string;
  readonly config: AgentConfig;
  /** Of `config`. */
  readonly configPath: string;
  readonly secrets: SecretStore;
  readonly time: TimeSource;
  readonly book: LogBook;
  readonly journal: StartJournal;
  readonly onFatal: (error: unknown) => void;
  /** Of the shell, where it knows. */
  readonly onBattery?: (() => boolean) | undefined;
}

/** In the data folder. */
export const SECRETS_NAME = "secrets.json";

/** The rooms of one agent, wired to each other. Starts and stops nothing but the plugin host. */
export class AgentCore {
  readonly options: CoreOptions;
  readonly vitals = new Vitals();
  readonly topics = new TopicBoard();
  readonly registry: SeriesRegistry;
  readonly pipeline: Pipeline;
  readonly query: QueryEngine;
  readonly host: PluginHost;
  readonly live: LiveConfig;
  readonly findings: FindingLog;
  readonly desk: RecommendationDesk;
  readonly forecasts: Forecasts;
  readonly panels: PanelRecorder;
  /** Grants, uses, audit log. Nothing of it where no installed plugin can be (`bare`): it is then never opened. */
  readonly permissions: PermissionDesk;
  readonly packages: PackageDesk;
  /** null where no collectors are, and where time is not real: then nothing is ever under load. */
  readonly load: LoadMonitor | null;
  /** Some plugin's state changed since the stream was last told. */
  pluginsChanged = false;

  private gapNotedToMs = -Infinity;
  private watch: PluginWatch | null = null;
  private configWatch: Disposable | null = null;
  /** Folders are taken up one set after another. */
  private rescans: Promise<void> = Promise.resolve();
  private readonly stages: StageList;
  private readonly readings: LoadReadings | null;
  private readonly listeners = new Set<(event: StreamEvent) => void>();

  constructor(options: CoreOptions) {
    const { time, book, dataDir, bare } = options;
    this.options = options;
    const now = (): number => time.now();
    const log = book.logger("agent");
    this.readings = bare || time instanceof SimulatedTime ? null : new LoadReadings();
    const { readings } = this;
    this.load = readings && new LoadMonitor(time, () => readings.read());
    const documents = lateDocuments(() => this.host.provider<Documents>("documents")?.plugin ?? null);

    this.permissions = new PermissionDesk({
      dataDir,
      now,
      log,
      version: options.version,
      reports: () => this.host.reports(),
      rescan: (folders) => this.rescan(folders),
    });
    this.packages = new PackageDesk({
      dataDir,
      roots: { bundled: bundledPlugins(), installed: this.pluginsDir },
      book: this.permissions.book,
      note: (...note) => this.permissions.note(...note),
      now,
      uses: (id) => this.permissions.uses.of(id),
      trusted: (id) => this.live.settings[id]?.inside === true,
      refresh: () => this.watch?.refresh() ?? Promise.resolve(),
      changed: () => this.permissions.grantsChanged(),
    });
    this.registry = new SeriesRegistry((id, info) => this.store()?.plugin.define(id, info));
    this.host = new PluginHost({
      roots: [
        { path: bundledPlugins(), origin: "bundled" },
        ...(bare ? [] : [{ path: this.pluginsDir, origin: "installed" as const }]),
      ],
      dataDir,
      time,
      bare,
      random: Math.random,
      log: (source) => book.logger(source),
      store: (id) => privateStore(join(dataDir, "state", id)),
      settings: options.config.plugins ?? {},
      secrets: (key) => options.secrets.of(key),
      migrated: (id, fromVersion, settings) => this.live.migrated(id, fromVersion, settings),
      admit: (place, manifest) => this.permissions.gate.admit(place, manifest),
      uses: this.permissions.uses,
      surroundings: this.load ? new Machine({ time, dataDir, load: this.load, onBattery: options.onBattery }) : CALM,
      changed: () => {
        this.stages.invalidate();
        this.pluginsChanged = true;
        this.permissions.stateChanged();
      },
      journal: options.journal,
      unowned: (error) => {
        options.journal.ended(null, `an error that nobody caught: ${errorText(error)}`);
        log.error(`an error that no plugin owns: ${error instanceof Error ? (error.stack ?? error.message) : errorText(error)}`);
        options.onFatal(error);
      },
      services: this.servicesWith(documents),
    });
    this.live = new LiveConfig({
      path: options.configPath,
      secretsPath: join(dataDir, SECRETS_NAME),
      config: options.config,
      secrets: options.secrets,
      host: this.host,
      log: book.logger("config"),
      note: (...note) => this.permissions.note(...note),
      flow: (config) => this.configureFlow(config),
    });
    this.stages = new StageList(this.host, {
      resume: (rows, following) => this.pipeline.resume(rows, following),
      after: (ms, task) => time.after(ms, task),
      elapsed: () => time.monotonic(),
      warn: (id, message) => book.logger(id).warn(message),
    });
    this.pipeline = new Pipeline(this.registry, () => this.stages.current(), time);
    this.configureFlow(options.config);
    this.query = new QueryEngine(() => this.storage(), { delayedNameRemoval: true });
    this.findings = new FindingLog(documents, log, now);
    this.desk = new RecommendationDesk(documents, log, now, (report) => this.recommendationChanged(report));
    this.forecasts = new Forecasts({
      queryRange: (...parameters) => this.queryRange(...parameters),
      models: () => this.forecastModels(),
      now,
    });
    this.panels = new PanelRecorder(
      {
        query: (expr, timeMs) => this.queryInstant(expr, timeMs),
        registerValue: (labels) => this.registry.register("alluse_panel_value", labels, PANEL_METRICS.alluse_panel_value),
        newestBand: (side, labels, oldestMs) => {
          const id = this.registry.find(`alluse_usual_${side}`, labels);
          return id === undefined ? null : this.registry.newest(id, oldestMs);
        },
        emit: (batch) => this.pipeline.emit(batch),
      },
      log,
    );
  }

  /** Starts every plugin and takes up what earlier runs found. */
  async start(): Promise<void> {
    const { bare } = this.options;
    if (!bare) await linkSdk(this.pluginsDir, pathToFileURL(builtSdk()).href);
    if (!bare) await this.permissions.open();
    if (!bare) this.watch = await this.watchInstalled();
    await this.host.start();
    if (!bare) this.configWatch = this.live.watch();
    const served = this.host.provider("documents") !== null;
    this.rescans = this.host.startInstalled().then(() => {
      this.watch?.begin();
      if (!bare) this.permissions.watch();
      if (!served) void this.loadKept();
    });
    if (served) await this.loadKept();
  }

  /** What earlier runs found and advised, as soon as a document store serves. */
  private async loadKept(): Promise<void> {
    await Promise.all([this.findings.load(), this.desk.load()]).catch((error: unknown) =>
      this.options.book.logger("agent").warn(`what earlier runs found could not be read: ${errorText(error)}`),
    );
  }

  async stop(): Promise<void> {
    this.watch?.dispose();
    await this.configWatch?.dispose();
    this.pipeline.close();
    await this.host.stop();
    await this.permissions.stop();
    this.vitals.dispose();
    this.load?.dispose();
    this.readings?.dispose();
  }

  private configureFlow({ flow = {} }: AgentConfig): void {
    const given = readFlow(flow);
    this.pipeline.configure({
      mode: given.mode ?? DEFAULT_FLOW.mode,
      batch: { ...DEFAULT_FLOW.batch, ...given.batch },
      switch: { ...DEFAULT_FLOW.switch, ...given.switch },
    });
  }

  /** Plugins that are dropped in, changed or taken away while the agent runs are noticed. */
  private watchInstalled(): Promise<PluginWatch> {
    return watchPlugins(this.pluginsDir, {
      changed: (folders) => this.rescan(folders),
      warn: (message) => this.options.book.logger("host").warn(message),
    });
  }

  private rescan(folders: ReadonlySet<string>): Promise<void> {
    const rescan = this.rescans.then(() => this.host.rescan(folders));
    this.rescans = rescan.catch(() => {});
    return rescan;
  }

  /** The series store with its instance, or null while none serves. */
  store(): { instance: Instance; plugin: SeriesStorage } | null {
    return this.host.provider<SeriesStorage>("series");
  }

  storage(): SeriesStorage {
    const found = this.store();
    if (!found) throw new AgentError("storage_unavailable", "no series store runs: see `alluse plugin list` for the reason");
    return found.plugin;
  }

  /** Rows of an instant query; a scalar is one row without labels. */
  async queryInstant(expr: string, timeMs: number): Promise<QueryRow[]> {
    const result = await this.query.instant(expr, timeMs);
    if (result.type === "vector") return result.rows;
    if (result.type === "scalar") return [{ labels: {}, value: result.value, timestampMs: result.timestampMs }];
    throw new AgentError("query_type", `${expr} gives a ${result.type}; an instant vector or a number is needed`);
  }

  async queryRange(expr: string, fromMs: number, toMs: number, stepMs: number, signal?: AbortSignal): Promise<SeriesData[]> {
    const result = await this.query.range(expr, fromMs, toMs, stepMs, signal ? { signal } : {});
    if (result.type !== "matrix")
      throw new AgentError("query_type", `${expr} gives a ${result.type}; an instant vector is needed`);
    return result.series.map(({ labels: { __name__: name = "", ...labels }, timestamps, values }) => ({
      name,
      labels,
      timestamps,
      values,
    }));
  }

  /** Throws `plugin_unknown`. */
  pluginLog(id: string, instance: string): PluginLogReport {
    const key = instance === "default" ? id : `${id}#${instance}`;
    if (this.host.reports().some((report) => report.id === key)) return this.options.book.pluginLog(key);
    throw new AgentError("plugin_unknown", `there is no plugin ${JSON.stringify(key)}; see \`alluse plugin list\` for their ids`);
  }

  metadata(): ReadonlyMap<string, MetricInfo> {
    return new Map<string, MetricInfo>([
      ...this.registry.metrics,
      ...this.host.metrics(),
      ...Object.entries(SELF_METRICS),
      ...Object.entries(PANEL_METRICS),
    ]);
  }

  /**
   * Time passed that nobody watched: recorded, and told to those who learn from time. Two watchers may see the same
   * sleep (the clock and the desktop's power events); what is noted already is not noted again.
   */
  noteGap(fromMs: number, toMs: number, reason: string): void {
    if (fromMs < this.gapNotedToMs && toMs > fromMs) return;
    this.gapNotedToMs = toMs;
    // Samples of the time before the gap come before it.
    if (this.pipeline.waiting) void this.pipeline.settled().then(() => this.recordGap(fromMs, toMs, reason));
    else this.recordGap(fromMs, toMs, reason);
  }

  private recordGap(fromMs: number, toMs: number, reason: string): void {
    this.store()?.plugin.gap(fromMs, toMs, reason);
    this.topics.deliver("gap", { fromMs, toMs, reason });
    this.options.book.logger("agent").info(`gap: ${reason}`, { fromMs, toMs });
  }

  subscribe(listener: (event: StreamEvent) => void): Disposable {
    this.listeners.add(listener);
    return { dispose: () => void this.listeners.delete(listener) };
  }

  get listened(): boolean {
    return this.listeners.size > 0;
  }

  tell(event: StreamEvent): void {
    for (const listener of this.listeners) listener(event);
  }

  edges(): EdgeReport[] {
    return this.stages.edges();
  }

  get pluginsDir(): string {
    return join(this.options.dataDir, "plugins");
  }

  private servicesWith(documents: Documents): HostServices {
    const { time } = this.options;
    return {
      registerSeries: (name, labels, metric, owner) => this.registry.register(name, labels, metric, owner),
      seriesInfo: (id) => this.registry.info(id),
      emit: (batch) => this.pipeline.emit(batch),
      flush: async () => {
        await this.pipeline.settled();
        await this.storage().flush();
        const refusing = this.stages.refusing();
        if (refusing !== null)
          throw new AgentError("edge_full", `${refusing} must have every sample and could not take some: send them again later`);
      },
      queriedMetrics: (expr) =>
        this.query
          .selectors(expr)
          .map((matchers) => matchers.find(({ label, op }) => label === "__name__" && op === "=")?.value ?? null),
      query: (expr, timeMs) => this.queryInstant(expr, timeMs),
      queryRange: (expr, fromMs, toMs, stepMs) => this.queryRange(expr, fromMs, toMs, stepMs),
      latest: (maxAgeMs, visit) => this.registry.latest(time.now() - maxAgeMs, visit),
      publish: (source, finding) => {
        const report = this.findings.publish(source, finding);
        this.topics.deliver("finding", report);
        this.tell({ type: "finding", data: report });
      },
      on: (topic, listener) => this.topics.on(topic, listener),
      documents,
      notify: (source, notice) => {
        this.options.book.logger(source).info(`notice: ${notice.title}: ${notice.body}`);
        this.tell({ type: "notice", data: { source, ...notice, timeMs: time.now() } });
      },
    };
  }

  private recommendationChanged(report: RecommendationReport): void {
    this.topics.deliver("recommendation", report);
    this.tell({ type: "recommendation", data: report });
  }

  /** What comes with the agent first: whoever prefers another disables that. */
  private forecastModels(): ForecastModel[] {
    return this.host
      .providers<Model>("forecast")
      .filter(({ instance }) => instance.manifest.kind === "model")
      .map(({ instance, plugin }) => ({ fit: (dataset, signal) => instance.call(() => plugin.fit(dataset, signal)) }));
  }
}
