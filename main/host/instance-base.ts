import {
  AgentError,
  type Collector,
  type CollectReport,
  type Logger,
  type Manifest,
  type PluginLifecycle,
  type PluginReport,
  type PluginState,
} from "all-use-agent/sdk";
import { type Hide, hiderOf, hidingLog } from "./config/redact.ts";
import type { PluginFolder } from "./discover.ts";
import { Meter } from "./meter.ts";
import { Outside } from "./outside/outside.ts";
import type { PermissionUses } from "./permission-uses.ts";
import type { InstanceStore } from "./private-store.ts";
import type { Permissions } from "./process/permissions.ts";
import type { HostServices } from "./services.ts";
import { CollectLoop, type CollectOwner } from "./strategy/collect-loop.ts";
import type { Emissions } from "./strategy/emissions.ts";
import type { Strategy } from "./strategy/strategy.ts";
import type { Surroundings } from "./strategy/surroundings.ts";
import type { TimeSource } from "./time.ts";

export interface InstanceParts {
  /** The manifest's id, `#<instance>` after it for a named instance. */
  readonly key: string;
  readonly instance: string;
  /** What must not be seen in anything that it says. */
  readonly secrets: readonly string[];
  readonly place: PluginFolder;
  /** Its `permissions` are those that were granted. */
  readonly manifest: Manifest;
  /** Of the agent: no permission opens it. */
  readonly dataDir: string;
  readonly uses: PermissionUses;
  readonly config: Record<string, unknown>;
  readonly services: HostServices;
  readonly time: TimeSource;
  readonly random: () => number;
  readonly log: Logger;
  readonly store: InstanceStore;
  /** null of what is no collector. */
  readonly strategy: Strategy | null;
  readonly emissions: Emissions;
  readonly surroundings: Surroundings;
  readonly changed: () => void;
  /** Of a plugin that was added and runs inside the agent: told of every call while the start is on trial. */
  readonly trail?: { enter(id: string): void; leave(): void } | undefined;
}

/** What all instances have in common, wherever their code runs: who they are, how they are, what they cost. */
export abstract class InstanceBase {
  readonly id: string;
  readonly manifest: Manifest;
  readonly folder: string;
  /** The plugin's methods while it is started. */
  plugin: PluginLifecycle | null = null;

  /** Its log shows no secret of its own. */
  protected readonly parts: InstanceParts;
  protected readonly hide: Hide | null;
  protected readonly meter: Meter;
  protected readonly abort = new AbortController();
  protected state: PluginState = "starting";
  protected reason: string | null = null;
  protected code: string | null = null;
  /** Of a collector, while it is asked for readings. */
  protected loop: CollectLoop | null = null;
  private sinceMs: number;

  constructor(parts: InstanceParts) {
    this.hide = hiderOf(parts.secrets);
    this.parts = this.hide ? { ...parts, log: hidingLog(parts.log, this.hide) } : parts;
    this.id = parts.key;
    this.manifest = parts.manifest;
    this.folder = parts.place.folder;
    this.sinceMs = parts.time.now();
    this.meter = new Meter(parts.time.monotonic());
  }

  get origin(): PluginFolder["origin"] {
    return this.parts.place.origin;
  }

  get pace(): PluginReport["pace"] | null {
    return this.loop?.pace() ?? null;
  }

  /** Aborted when the plugin is to stop. */
  get signal(): AbortSignal {
    return this.abort.signal;
  }

  /** Has the collector read now. Throws `collect_unsupported` where nothing is asked for readings. */
  async collectNow(): Promise<CollectReport> {
    if (this.loop) return this.loop.collectNow();
    throw new AgentError(
      "collect_unsupported",
      `${this.id} is not asked for readings at the moment: it does not run, or tells of itself what it sees`,
    );
  }

  /** Reads it as its strategy says. `rights`: of a plugin that may not watch everything. */
  protected collecting(
    collect: NonNullable<Collector["collect"]>,
    owner: CollectOwner,
    rights: Permissions | null,
    servedMs: number | null = null,
  ): CollectLoop {
    const { manifest, instance, strategy, emissions, surroundings, services, random } = this.parts;
    if (!strategy) throw new AgentError("internal", `${this.id} is no collector and has no strategy`);
    return new CollectLoop(
      collect,
      { id: manifest.id, instance, strategy, emissions, surroundings, services, random, rights },
      owner,
      servedMs,
    );
  }

  protected reportOf(isolation?: PluginReport["isolation"]): PluginReport {
    const { manifest, place, time } = this.parts;
    return {
      id: this.id,
      title: manifest.title,
      kind: manifest.kind,
      version: manifest.version,
      folder: place.folder,
      origin: place.origin,
      state: this.state,
      reason: this.reason,
      code: this.code,
      sinceMs: this.sinceMs,
      cost: this.meter.report(time.monotonic()),
      ...(this.pace && { pace: this.pace }),
      ...(isolation && { isolation }),
    };
  }

  protected enter(state: PluginState, reason: string | null, code: string | null): void {
    this.state = state;
    this.reason = reason === null || !this.hide ? reason : this.hide(reason);
    this.code = code;
    this.sinceMs = this.parts.time.now();
    this.parts.changed();
  }
}

/** What leads out of the agent, for one plugin. */
export function outsideOf(parts: InstanceParts, permissions: Permissions, signal: AbortSignal): Outside {
  return new Outside({
    permissions,
    signal,
    secret: [parts.dataDir],
    notify: (notice) => parts.services.notify?.(parts.manifest.id, notice),
  });
}
