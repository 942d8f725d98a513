import {
  AgentError,
  type CollectReport,
  errorText,
  type Logger,
  type Manifest,
  type MetricInfo,
  type PanelReport,
  type PluginKind,
  type PluginKinds,
  type PluginReport,
  type RouteRequest,
  type RouteResponse,
} from "all-use-agent/sdk";
import { watchUncaught } from "./attribution.ts";
import { BUDGET_LOOK_MS } from "./budget.ts";
import { splitKey } from "./config/instance-name.ts";
import { migrationDue } from "./config/migration-due.ts";
import type { AllSettings, PluginSettings } from "./config/settings.ts";
import { findPluginFolders, type PluginFolder } from "./discover.ts";
import { renew } from "./fresh-import.ts";
import { IdleReports } from "./idle-reports.ts";
import { PluginInstance } from "./instance.ts";
import type { InstanceParts } from "./instance-base.ts";
import { type Gate, instanceServices } from "./instance-services.ts";
import type { Instance } from "./instance-type.ts";
import { readManifest } from "./manifest.ts";
import { PermissionUses } from "./permission-uses.ts";
import { startOrder } from "./order.ts";
import { type PlannedInstance, type Plan, planInstances } from "./plans.ts";
import { type HostAccess, type KeptPlan, type KnownPlugin, type Outcome, reconfigure, restart } from "./reconfigure.ts";
import { watchEnd } from "./safe-mode/end-trap.ts";
import type { StartWatch } from "./safe-mode/start-journal.ts";
import type { InstanceStore } from "./private-store.ts";
import type { HostServices } from "./services.ts";
import { Emissions } from "./strategy/emissions.ts";
import { CALM, type Surroundings } from "./strategy/surroundings.ts";
import { everyAligned, type TimeSource } from "./time.ts";

const SNAPSHOT_INTERVAL_MS = 60_000;

export interface HostOptions {
  readonly roots: readonly { readonly path: string; readonly origin: PluginFolder["origin"] }[];
  readonly dataDir: string;
  readonly services: HostServices;
  readonly time: TimeSource;
  readonly random: () => number;
  readonly log: (source: string) => Logger;
  readonly store: (id: string) => InstanceStore;
  readonly settings: AllSettings;
  /** Opened secrets of an instance by JSON pointer; none when absent. */
  readonly secrets?: (key: string) => Readonly<Record<string, string>>;
  /** A configuration was brought to the plugin's version: to be kept before it counts. */
  readonly migrated?: (id: string, fromVersion: number, settings: PluginSettings) => Promise<void>;
  /** Only plugins whose manifest has a `bare` part are started, with that configuration. */
  readonly bare: boolean;
  /** Says with which of its permissions an installed plugin may start; throws `permissions_not_granted`. Absent: with all. */
  readonly admit?: (place: PluginFolder, manifest: Manifest) => Promise<readonly string[]>;
  readonly uses?: PermissionUses;
  /** What collectors are under: load, battery, network. Absent: nothing is ever the matter. */
  readonly surroundings?: Surroundings;
  /** Some plugin's state changed, or its cost was asked for. */
  readonly changed: () => void;
  /** Follows the start, and may leave plugins out of it. */
  readonly journal?: StartWatch;
  /** An uncaught error that no plugin owns. */
  readonly unowned: (error: unknown) => void;
}

/** What a request for a plugin's route is handed to. */
export interface PluginRoute {
  readonly encodings: readonly string[];
  handle(request: RouteRequest, signal: AbortSignal): Promise<RouteResponse>;
}

/** Finds, checks, starts and stops plugins. What a plugin does wrong becomes its state and stops nobody else. */
export class PluginHost {
  private readonly options: HostOptions;
  private readonly instances: Instance[] = [];
  /** Reports of folders that never became an instance, and of what is switched off. */
  private readonly idle = new IdleReports(() => this.options.time.now());
  /** Every plugin that can run here, by its folder. */
  private readonly known = new Map<string, KnownPlugin>();
  /** Folders whose plugin safe mode leaves out until the next start, whatever settings say. */
  private readonly leftOut = new Set<string>();
  /** Of each instance there is. */
  private readonly plans = new Map<string, Plan>();
  private readonly gates = new WeakMap<Instance, Gate>();
  /** Why an instance runs on as it was: what is set now is not valid, or it did not start with it. */
  private readonly kept = new Map<string, KeptPlan>();
  private settings: AllSettings;
  /** Whoever changes the list of instances waits for whoever does so now. */
  private turn: Promise<unknown> = Promise.resolve();
  private stopped = false;
  private uses: PermissionUses | null = null;
  private endWatched = false;
  private readonly disposables: { dispose(): void | Promise<void> }[] = [];

  constructor(options: HostOptions) {
    this.options = options;
    this.settings = options.settings;
  }

  /** Checks every folder and starts the bundled plugins. */
  async start(): Promise<void> {
    const { time } = this.options;
    this.disposables.push(watchUncaught(() => this.instances, this.options.unowned));
    for (const plan of startOrder(await this.discover(), (candidate, error) =>
      this.reject(candidate.place, candidate.manifest, error, candidate.key),
    ))
      this.instances.push(await this.create(plan));
    for (const instance of this.instances) if (instance.origin === "bundled") await this.startOne(instance);
    this.disposables.push(
      everyAligned(time, SNAPSHOT_INTERVAL_MS, async () => {
        for (const instance of this.instances) await instance.saveSnapshot();
      }),
      everyAligned(time, BUDGET_LOOK_MS, () => {
        for (const instance of this.instances) instance.lookAtBudget?.();
      }),
    );
  }

  /**
   * Starts what the operator added. Apart from the rest, so that a plugin that hangs keeps nobody waiting; together, except that
   * one which requires others comes when all before it have started.
   */
  startInstalled(): Promise<void> {
    return this.inTurn(() => this.startAdded());
  }

  private async startAdded(): Promise<void> {
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
  rescan(folders: ReadonlySet<string>): Promise<void> {
    return this.inTurn(() => this.takeUp(folders));
  }

  /** Takes up other settings: only instances that are to be otherwise are touched. Tells what became of each of those. */
  reconfigure(settings: AllSettings): Promise<Outcome[]> {
    return this.inTurn(() => {
      this.settings = settings;
      return reconfigure(this.access());
    });
  }

  /** Another instance in place of one, with what is set now. Throws `instance_unknown`, `live_change_refused`, or why it failed. */
  restart(key: string): Promise<void> {
    return this.inTurn(() => restart(this.access(), key));
  }

  /** Has a collector read now. Throws `instance_unknown`, `collect_unsupported`. */
  async collect(key: string): Promise<CollectReport> {
    const found = this.instances.find(({ id }) => id === key);
    if (found?.running) return found.collectNow();
    throw new AgentError("instance_unknown", `${key} does not run: alluse plugin list says why`);
  }

  /** Collectors that are read, and how often now, in seconds; 0: not at intervals. */
  paces(): { id: string; seconds: number }[] {
    return this.instances.flatMap((instance) => {
      const pace = instance.running && instance.manifest.kind === "collector" ? instance.pace : null;
      return pace ? [{ id: instance.id, seconds: (pace.intervalMs ?? 0) / 1000 }] : [];
    });
  }

  /** A plugin that can run here, or null. */
  find(id: string): KnownPlugin | null {
    for (const known of this.known.values()) if (known.manifest.id === id) return known;
    return null;
  }

  ids(): string[] {
    return [...this.known.values()].map(({ manifest }) => manifest.id);
  }

  /** Why instances run on as they were although something else is set, in sentences by key. */
  get keptBack(): ReadonlyMap<string, KeptPlan> {
    return this.kept;
  }

  /** What stands in for an instance's plan: whether what is set is what runs. */
  isCurrent(planned: PlannedInstance): boolean {
    const running = this.plans.get(planned.key);
    return planned.plan ? running?.fingerprint === planned.plan.fingerprint : running === undefined;
  }

  private async takeUp(folders: ReadonlySet<string>): Promise<void> {
    const gone = this.instances.filter(({ folder, origin }) => origin === "installed" && folders.has(folder));
    for (const instance of gone.toReversed()) {
      await instance.stop();
      this.drop(instance);
    }
    for (const folder of folders) {
      this.known.delete(folder);
      this.leftOut.delete(folder);
      renew(folder);
    }
    this.idle.forget((report) => folders.has(report.folder));
    const found = await this.discover(folders);
    if (this.stopped) return;
    const added: Instance[] = [];
    for (const plan of startOrder(found, (candidate, error) =>
      this.reject(candidate.place, candidate.manifest, error, candidate.key),
    ))
      added.push(await this.create(plan));
    this.insert(added);
    for (const instance of added) await this.startOne(instance);
    this.options.changed();
  }

  /**
   * Stops in reverse order, so that what others rely on goes last; those in processes first and together, since each may
   * take its whole deadline, but for processors and stores, which work for others to the end.
   */
  async stop(): Promise<void> {
    this.stopped = true;
    const first = this.instances.filter(
      ({ origin, manifest: { kind } }) => origin === "installed" && kind !== "processor" && kind !== "storage",
    );
    await Promise.all(first.map((instance) => instance.stop()));
    for (const instance of this.instances.toReversed()) await instance.stop();
    // What was being changed has ended by now, or ends with its instance; what it brought is stopped too.
    await this.turn;
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

  /** The running plugin that serves as a capability, or null. */
  provider<T>(capability: string): { instance: Instance; plugin: T } | null {
    return this.providers<T>(capability)[0] ?? null;
  }

  /** All that provide it, those that come with the agent first: they serve unless the operator disables them. */
  providers<T>(capability: string): { instance: Instance; plugin: T }[] {
    const bundled: { instance: Instance; plugin: T }[] = [];
    const installed: { instance: Instance; plugin: T }[] = [];
    for (const instance of this.instances) {
      if (!instance.running || !instance.plugin || !instance.manifest.provides?.includes(capability)) continue;
      (instance.origin === "bundled" ? bundled : installed).push({ instance, plugin: instance.plugin as T });
    }
    return [...bundled, ...installed];
  }

  reports(): PluginReport[] {
    return [...this.instances.map((instance) => instance.report()), ...this.idle.all];
  }

  panels(): PanelReport[] {
    return (
      this.instances
        .filter((instance) => instance.running)
        // Of a plugin with several instances once: its expressions show the series of all.
        .filter((instance, i, all) => all.findIndex(({ manifest }) => manifest.id === instance.manifest.id) === i)
        .flatMap(({ manifest }) => (manifest.panels ?? []).map((panel) => ({ ...panel, panel: `${manifest.id}/${panel.id}` })))
    );
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
  route(method: string, path: string): PluginRoute | null {
    for (const instance of this.instances) {
      const plugin = instance.plugin;
      if (!instance.running || !plugin?.handle) continue;
      const route = instance.manifest.routes?.find((declared) => declared.method === method && declared.path === path);
      if (!route) continue;
      return {
        encodings: route.encodings ?? [],
        handle: async (request, signal) => await instance.call(() => plugin.handle!(request, signal)),
      };
    }
    return null;
  }

  /** CPU that each plugin's calls took since the start, in ms. */
  busyMs(): { id: string; busyMs: number }[] {
    return this.instances.map((instance) => ({ id: instance.id, busyMs: instance.busyMs }));
  }

  /** Checks plugin folders: all, or installed ones of these. */
  private async discover(only?: ReadonlySet<string>): Promise<Plan[]> {
    const log = this.options.log("host");
    const plans: Plan[] = [];
    for (const root of this.options.roots) {
      for (const place of await findPluginFolders(root.path, root.origin, (message) => log.warn(message))) {
        if (only && !(place.origin === "installed" && only.has(place.folder))) continue;
        let manifest: Manifest | null = null;
        try {
          manifest = await readManifest(place.folder);
          const other = this.find(manifest.id)?.place.folder;
          if (other !== undefined)
            throw new AgentError(
              "plugin_duplicate",
              `${manifest.id} is already there, in ${other}; give one of the two another id`,
            );
          if (!this.wanted(manifest)) continue;
          this.known.set(place.folder, { place, manifest });
          const why = this.options.journal?.leftOut(manifest, place.origin) ?? null;
          if (why !== null) this.leftOut.add(place.folder);
          for (const planned of await this.planned({ place, manifest })) {
            if (!planned.enabled) this.switchedOff({ place, manifest }, planned.key);
            else if (why !== null) this.idle.add(place, manifest, planned.key, "stopped", why, "safe_mode");
            else if (planned.plan) plans.push(planned.plan);
            else this.reject(place, manifest, planned.error, planned.key);
          }
        } catch (error) {
          this.reject(place, manifest, error);
        }
      }
    }
    return plans;
  }

  /** The instances that the settings make of a plugin. Throws `config_version_newer`, `migration_failed`, `permissions_not_granted`. */
  async planned({ place, manifest }: KnownPlugin): Promise<PlannedInstance[]> {
    const { dataDir, bare, secrets = () => ({}), migrated } = this.options;
    let settings = this.settings[manifest.id] ?? {};
    if (migrationDue(manifest, settings)) {
      const { migrateSettings } = await import("./config/migrate.ts");
      const before = settings.config_version ?? 1;
      settings = await migrateSettings({ place, manifest, settings, dataDir, log: this.options.log(manifest.id) });
      await migrated?.(manifest.id, before, settings);
      this.settings = { ...this.settings, [manifest.id]: settings };
    }
    // Whoever is switched off is not asked for its permissions.
    const granted = settings.enabled === false ? manifest : await this.narrowed(place, manifest);
    return planInstances(place, granted, settings, { dataDir, bare, secrets });
  }

  /** The manifest with the permissions that were granted, which is what the rest of the host sees. */
  private async narrowed(place: PluginFolder, manifest: Manifest): Promise<Manifest> {
    if (place.origin !== "installed" || !this.options.admit) return manifest;
    return { ...manifest, permissions: [...(await this.options.admit(place, manifest))] };
  }

  private wanted(manifest: Manifest): boolean {
    if (this.options.bare && !manifest.bare) return false;
    return !manifest.platforms || (manifest.platforms as readonly string[]).includes(process.platform);
  }

  /** Bundled and trusted plugins run in the agent, installed ones in a process each; the code for that is loaded when there is one. */
  private async create(plan: Plan): Promise<Instance> {
    const { services, time, random, changed } = this.options;
    const gate: Gate = { open: true };
    const emissions = new Emissions();
    const parts: InstanceParts = {
      ...plan,
      dataDir: this.options.dataDir,
      uses: (this.uses ??= this.options.uses ?? new PermissionUses()),
      services: instanceServices(services, plan.key, plan.instance, gate, emissions),
      emissions,
      surroundings: this.options.surroundings ?? CALM,
      time,
      random,
      changed,
      log: this.options.log(plan.key),
      store: this.options.store(plan.key),
    };
    this.plans.set(plan.key, plan);
    const instance = await this.make(plan, parts);
    this.gates.set(instance, gate);
    return instance;
  }

  private async make({ place, manifest, inside }: Plan, parts: InstanceParts): Promise<Instance> {
    if (manifest.isolation === "exec") return new (await import("./exec/exec-instance.ts")).ExecInstance(parts);
    if (place.origin === "bundled") return new PluginInstance(parts);
    if (inside) return new PluginInstance({ ...parts, trail: this.trailInside() });
    const { ProcessInstance } = await import("./process/process-instance.ts");
    return new ProcessInstance(parts);
  }

  /** What changing instances while others run needs. */
  private access(): HostAccess {
    const { time, changed } = this.options;
    return {
      time,
      changed,
      known: [...this.known.values()].filter(({ place }) => !this.leftOut.has(place.folder)),
      instances: this.instances,
      plans: this.plans,
      kept: this.kept,
      planned: (known) => this.planned(known),
      create: (plan) => this.create(plan),
      gateOf: (instance) => this.gates.get(instance)!,
      start: (instance, standby) => this.startOne(instance, standby),
      insert: (added) => this.insert(added),
      drop: (instance) => this.drop(instance),
      forgetRejected: (id) => this.idle.forget((report) => splitKey(report.id).id === id),
      reject: ({ place, manifest }, key, error) => this.reject(place, manifest, error, key),
      switchedOff: (known, key) => this.switchedOff(known, key),
    };
  }

  private inTurn<T>(task: () => Promise<T>): Promise<T> {
    const mine = this.turn.then(task);
    this.turn = mine.catch(() => {});
    return mine;
  }

  /** Puts new instances where they stop in the right order. */
  private insert(added: readonly Instance[]): void {
    this.instances.push(...added);
    const ordered = startOrder(this.instances, () => {});
    // In a circle with one that runs they keep their places: the new one fails for what it misses.
    if (ordered.length === this.instances.length) this.instances.splice(0, ordered.length, ...ordered);
  }

  private drop(instance: Instance): void {
    this.instances.splice(this.instances.indexOf(instance), 1);
    this.plans.delete(instance.id);
    this.kept.delete(instance.id);
  }

  /** From the first plugin on that could take the agent down, what such plugins do is followed. */
  private trailInside(): StartWatch | undefined {
    const { journal } = this.options;
    if (journal && !this.endWatched) {
      this.endWatched = true;
      const ended = (owner: { id: string }, what: string): void => journal.ended(owner.id, what);
      this.disposables.push(watchEnd(() => this.instances, ended));
    }
    return journal;
  }

  private async startOne(instance: Instance, standby = false): Promise<void> {
    if (this.stopped) return;
    const missing = instance.manifest.requires?.find(
      (name) => !this.instances.some((other) => other.running && provides(other.manifest, name)),
    );
    if (missing !== undefined) {
      instance.crashed(new AgentError("requirement_missing", `it needs ${missing}, which does not run`));
      return;
    }
    const { journal } = this.options;
    const inside = instance instanceof PluginInstance ? "inside" : "process";
    journal?.starting({ id: instance.id, runs: instance.origin === "bundled" ? "bundled" : inside });
    await instance.start(standby);
    journal?.started(instance.id);
  }

  private reject(place: PluginFolder, manifest: Manifest | null, error: unknown, key = manifest?.id ?? place.name): void {
    this.options.log(key).error(`not started: ${errorText(error)}`);
    const code = error instanceof AgentError ? error.code : "unknown";
    this.idle.add(place, manifest, key, "failed", errorText(error), code);
    this.options.changed();
  }

  private switchedOff({ place, manifest }: KnownPlugin, key: string): void {
    // Nobody switched off what is off until it is enabled.
    const untouched = manifest.optional === true && this.settings[manifest.id]?.enabled === undefined;
    if (untouched)
      this.idle.add(place, manifest, key, "stopped", `it is optional: alluse plugin enable ${manifest.id} starts it`, null);
    else this.idle.add(place, manifest, key, "stopped", "it is switched off", "disabled");
  }
}

/** A plugin provides its own id and what its manifest lists. */
export function provides(manifest: Manifest, name: string): boolean {
  return manifest.id === name || (manifest.provides?.includes(name) ?? false);
}
