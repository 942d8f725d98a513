import {
  AgentError,
  errorText,
  type Logger,
  type Manifest,
  type MetricInfo,
  type PanelReport,
  type PluginKind,
  type PluginKinds,
  type PluginReport,
  type PrivateStore,
  type RouteRequest,
  type RouteResponse,
} from "all-use-agent/sdk";
import { watchUncaught } from "./attribution.ts";
import { findPluginFolders, type PluginFolder } from "./discover.ts";
import { type InstanceParts, PluginInstance } from "./instance.ts";
import type { Instance } from "./instance-type.ts";
import { readManifest } from "./manifest.ts";
import { startOrder } from "./order.ts";
import { resolveConfig } from "./plugin-config.ts";
import type { HostServices } from "./services.ts";
import { everyAligned, type TimeSource } from "./time.ts";

const SNAPSHOT_INTERVAL_MS = 60_000;

export interface PluginSettings {
  readonly enabled?: boolean;
  /** The operator trusts an installed plugin with the agent's own rights: it runs in the agent, where it can do anything. */
  readonly inside?: boolean;
  readonly config?: Readonly<Record<string, unknown>>;
}

export interface HostOptions {
  readonly roots: readonly { readonly path: string; readonly origin: PluginFolder["origin"] }[];
  readonly dataDir: string;
  readonly services: HostServices;
  readonly time: TimeSource;
  readonly random: () => number;
  readonly log: (source: string) => Logger;
  readonly store: (id: string) => PrivateStore;
  /** By plugin id. */
  readonly settings: Readonly<Record<string, PluginSettings>>;
  /** Only plugins whose manifest has a `bare` part are started, with that configuration. */
  readonly bare: boolean;
  /** Some plugin's state changed, or its cost was asked for. */
  readonly changed: () => void;
  /** An uncaught error that no plugin owns. */
  readonly unowned: (error: unknown) => void;
}

/** Finds, checks, starts and stops plugins. What a plugin does wrong becomes its state and stops nobody else. */
export class PluginHost {
  private readonly options: HostOptions;
  private readonly instances: Instance[] = [];
  /** Reports of folders that never became an instance. */
  private rejected: PluginReport[] = [];
  private stopped = false;
  private readonly disposables: { dispose(): void | Promise<void> }[] = [];

  constructor(options: HostOptions) {
    this.options = options;
  }

  /** Checks every folder and starts the bundled plugins. */
  async start(): Promise<void> {
    const { time } = this.options;
    this.disposables.push(watchUncaught(() => this.instances, this.options.unowned));
    for (const instance of startOrder(await this.discover(), (manifest, error) =>
      this.reject(manifest.place, manifest.manifest, error),
    )) {
      this.instances.push(await this.create(instance.place, instance.manifest, instance.config));
    }
    for (const instance of this.instances) if (instance.origin === "bundled") await this.startOne(instance);
    this.disposables.push(
      everyAligned(time, SNAPSHOT_INTERVAL_MS, async () => {
        for (const instance of this.instances) await instance.saveSnapshot();
      }),
    );
  }

  /**
   * Starts what the operator added. Apart from the rest, so that a plugin that hangs keeps nobody waiting; together, except that
   * one which requires others comes when all before it have started.
   */
  async startInstalled(): Promise<void> {
    const installed = this.instances.filter(({ origin }) => origin === "installed");
    // Any process of the same user may send it, and Node's answer to it is an open debugger: with a listener there is none.
    if (installed.length > 0 && process.platform !== "win32") {
      const ignore = (): void => {};
      process.on("SIGUSR1", ignore);
      this.disposables.push({ dispose: () => void process.off("SIGUSR1", ignore) });
    }
    const starting: Promise<void>[] = [];
    for (const instance of installed) {
      if (instance.manifest.requires) await Promise.all(starting);
      starting.push(this.startOne(instance));
    }
    await Promise.all(starting);
  }

  /**
   * Takes up what changed in installed folders: what vanished or is another than before stops, keeping its snapshot; what is
   * there now starts. Not to be called before everything was started.
   */
  async rescan(folders: ReadonlySet<string>): Promise<void> {
    const gone = this.instances.filter(({ folder, origin }) => origin === "installed" && folders.has(folder));
    for (const instance of gone.toReversed()) {
      await instance.stop();
      this.instances.splice(this.instances.indexOf(instance), 1);
    }
    this.rejected = this.rejected.filter(({ folder }) => !folders.has(folder));
    const found = await this.discover(folders);
    if (this.stopped) return;
    const added: Instance[] = [];
    for (const { place, manifest, config } of startOrder(found, (candidate, error) =>
      this.reject(candidate.place, candidate.manifest, error),
    )) {
      added.push(await this.create(place, manifest, config));
    }
    this.instances.push(...added);
    const ordered = startOrder(this.instances, () => {});
    // In a circle with one that runs they keep their places: the new one fails for what it misses.
    if (ordered.length === this.instances.length) this.instances.splice(0, ordered.length, ...ordered);
    for (const instance of added) await this.startOne(instance);
    this.options.changed();
  }

  /**
   * Stops in reverse order, so that what others rely on goes last; those in processes first and together, since each may
   * take its whole deadline.
   */
  async stop(): Promise<void> {
    this.stopped = true;
    await Promise.all(this.instances.filter(({ origin }) => origin === "installed").map((instance) => instance.stop()));
    for (const instance of this.instances.toReversed()) await instance.stop();
    for (const disposable of this.disposables.splice(0).reverse()) await disposable.dispose();
  }

  /** Running plugins of a kind, in start order. */
  running<K extends PluginKind>(kind: K): { instance: Instance; plugin: PluginKinds[K] }[] {
    const found: { instance: Instance; plugin: PluginKinds[K] }[] = [];
    for (const instance of this.instances) {
      if (instance.manifest.kind === kind && instance.running && instance.plugin) {
        found.push({ instance, plugin: instance.plugin as PluginKinds[K] });
      }
    }
    return found;
  }

  /** The running plugin that provides a capability, or null. */
  provider<T>(capability: string): { instance: Instance; plugin: T } | null {
    for (const instance of this.instances) {
      if (instance.running && instance.plugin && instance.manifest.provides?.includes(capability))
        return { instance, plugin: instance.plugin as T };
    }
    return null;
  }

  reports(): PluginReport[] {
    return [...this.instances.map((instance) => instance.report()), ...this.rejected];
  }

  panels(): PanelReport[] {
    return this.instances
      .filter((instance) => instance.running)
      .flatMap(({ id, manifest }) => (manifest.panels ?? []).map((panel) => ({ ...panel, panel: `${id}/${panel.id}` })));
  }

  /** Every metric that a plugin declares, wildcards left out. */
  metrics(): Map<string, MetricInfo> {
    const all = new Map<string, MetricInfo>();
    for (const { manifest } of this.instances) {
      for (const [name, info] of Object.entries(manifest.metrics ?? {})) if (!name.endsWith("*")) all.set(name, info);
    }
    return all;
  }

  /** The handler of the running plugin that declares the route, or null. */
  route(method: string, path: string): ((request: RouteRequest, signal: AbortSignal) => Promise<RouteResponse>) | null {
    for (const instance of this.instances) {
      const plugin = instance.plugin;
      if (!instance.running || !plugin?.handle) continue;
      if (!instance.manifest.routes?.some((route) => route.method === method && route.path === path)) continue;
      return async (request, signal) => await instance.call(() => plugin.handle!(request, signal));
    }
    return null;
  }

  /** CPU that each plugin's calls took since the start, in ms. */
  busyMs(): { id: string; busyMs: number }[] {
    return this.instances.map((instance) => ({ id: instance.id, busyMs: instance.busyMs }));
  }

  /** Checks plugin folders: all, or installed ones of these. */
  private async discover(only?: ReadonlySet<string>): Promise<Candidate[]> {
    const log = this.options.log("host");
    const candidates: Candidate[] = [];
    const seen = new Map(this.instances.map(({ id, folder }) => [id, folder]));
    for (const root of this.options.roots) {
      for (const place of await findPluginFolders(root.path, root.origin, (message) => log.warn(message))) {
        if (only && !(place.origin === "installed" && only.has(place.folder))) continue;
        let manifest: Manifest | null = null;
        try {
          manifest = await readManifest(place.folder);
          const other = seen.get(manifest.id);
          if (other !== undefined)
            throw new AgentError(
              "plugin_duplicate",
              `${manifest.id} is already there, in ${other}; give one of the two another id`,
            );
          seen.set(manifest.id, place.folder);
          const settings = this.options.settings[manifest.id] ?? {};
          if (settings.enabled === false || !this.wanted(manifest)) continue;
          const given = { ...settings.config, ...(this.options.bare ? manifest.bare : {}) };
          candidates.push({ place, manifest, config: resolveConfig(manifest, given, this.options.dataDir) });
        } catch (error) {
          this.reject(place, manifest, error);
        }
      }
    }
    return candidates;
  }

  private wanted(manifest: Manifest): boolean {
    if (this.options.bare && !manifest.bare) return false;
    return !manifest.platforms || (manifest.platforms as readonly string[]).includes(process.platform);
  }

  /** Bundled and trusted plugins run in the agent, installed ones in a process each; the code for that is loaded when there is one. */
  private async create(place: PluginFolder, manifest: Manifest, config: Record<string, unknown>): Promise<Instance> {
    const { services, time, random, changed } = this.options;
    const parts: InstanceParts = {
      place,
      manifest,
      config,
      services,
      time,
      random,
      changed,
      log: this.options.log(manifest.id),
      store: this.options.store(manifest.id),
    };
    if (place.origin === "bundled" || this.options.settings[manifest.id]?.inside) return new PluginInstance(parts);
    const { ProcessInstance } = await import("./process/process-instance.ts");
    return new ProcessInstance(parts);
  }

  private async startOne(instance: Instance): Promise<void> {
    const missing = instance.manifest.requires?.find(
      (name) => !this.instances.some((other) => other.running && provides(other.manifest, name)),
    );
    if (missing !== undefined) instance.crashed(new AgentError("requirement_missing", `it needs ${missing}, which does not run`));
    else await instance.start();
  }

  private reject(place: PluginFolder, manifest: Manifest | null, error: unknown): void {
    const nowMs = this.options.time.now();
    this.options.log(manifest?.id ?? place.name).error(`not started: ${errorText(error)}`);
    this.rejected.push({
      id: manifest?.id ?? place.name,
      title: manifest?.title ?? place.name,
      kind: manifest?.kind ?? null,
      version: manifest?.version ?? null,
      folder: place.folder,
      origin: place.origin,
      state: "failed",
      reason: errorText(error),
      code: error instanceof AgentError ? error.code : "unknown",
      sinceMs: nowMs,
      cost: { cpuMsPerSecond: 0, calls: 0, p50Ms: 0, p99Ms: 0, samplesPerSecond: 0, skipped: 0, errors: 0 },
    });
    this.options.changed();
  }
}

/** A checked folder on its way to become an instance. */
export interface Candidate {
  readonly place: PluginFolder;
  readonly manifest: Manifest;
  readonly config: Record<string, unknown>;
}

/** A plugin provides its own id and what its manifest lists. */
export function provides(manifest: Manifest, name: string): boolean {
  return manifest.id === name || (manifest.provides?.includes(name) ?? false);
}
