import type { Logger, Manifest, PluginLifecycle, PluginReport, PluginState } from "all-use-agent/sdk";
import { type Hide, hiderOf, hidingLog } from "./config/redact.ts";
import type { PluginFolder } from "./discover.ts";
import { Meter } from "./meter.ts";
import { Outside } from "./outside/outside.ts";
import type { PermissionUses } from "./permission-uses.ts";
import type { InstanceStore } from "./private-store.ts";
import type { Permissions } from "./process/permissions.ts";
import type { HostServices } from "./services.ts";
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

  /** Aborted when the plugin is to stop. */
  get signal(): AbortSignal {
    return this.abort.signal;
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
