/** What the door's routes about one plugin send and take, as JSON. Beside them: `PluginReport` in wire.ts. */
import type { PluginReport } from "./wire.ts";

/** What is wrong with a value of a configuration. The page and the command line say it in these words. */
export interface ConfigProblem {
  /** JSON pointer into the configuration: `/targets/0/port`. */
  readonly where: string;
  readonly message: string;
}

/** One run of a plugin. A plugin without named instances has one, called `default`. */
export interface PluginInstanceReport {
  readonly instance: string;
  readonly enabled: boolean;
  /** What the operator set, as they wrote it; secrets are never among it. */
  readonly config: Readonly<Record<string, unknown>>;
  /** What the operator set under `strategy`, as they wrote it. */
  readonly strategy?: Readonly<Record<string, unknown>>;
  /** Names of secrets that have a value, nested ones by dots: `auth.password`. */
  readonly secrets: readonly string[];
  readonly problems: readonly ConfigProblem[];
  /** Why what is set does not count yet, in a sentence: storage takes it up at the agent's next start. */
  readonly pending: string | null;
  /** null while it does not run and nothing is known of it. */
  readonly report: PluginReport | null;
}

export interface PermissionReport {
  /** As in plugin.json: `read:/etc`. */
  readonly permission: string;
  /** What it allows, for people. */
  readonly sentence: string;
  readonly granted: boolean;
  /** Uses since the agent's start; null where nobody can count them (a file read under the permission model). */
  readonly uses: number | null;
  readonly lastUsedMs: number | null;
  /** Why this system cannot enforce it, in a sentence; null when it does. */
  readonly limit: string | null;
}

/** Who vouches for a plugin's content. */
export interface SignatureReport {
  /** Ed25519 public key, base64. */
  readonly key: string;
  /** The name under which the operator trusts that key; null when nobody does. */
  readonly trustedAs: string | null;
}

/** `GET /api/agent/plugins/:folder/:name`; `:folder/:name` is the plugin's id. */
export interface PluginDetail {
  readonly id: string;
  readonly title: string;
  readonly description: string | null;
  readonly kind: string;
  readonly version: string;
  readonly stability: string;
  readonly origin: "bundled" | "installed";
  readonly folder: string;
  readonly isolation: "core" | "process" | "exec";
  /** JSON Schema of the configuration. */
  readonly configSchema: Readonly<Record<string, unknown>>;
  /** What is set for the plugin as a whole, without secrets: named instances have it under their own. */
  readonly sharedConfig: Readonly<Record<string, unknown>>;
  /** What is set under `strategy` for the plugin as a whole, and what its manifest says. */
  readonly sharedStrategy?: Readonly<Record<string, unknown>>;
  readonly manifestStrategy?: Readonly<Record<string, unknown>>;
  readonly instances: readonly PluginInstanceReport[];
  readonly permissions: readonly PermissionReport[];
  /** What this system cannot enforce of its isolation, in sentences. */
  readonly limits: readonly string[];
  readonly budget: { readonly cpuMsPerSecond: number | null; readonly memoryMb: number | null };
  /** SHA-256 of its content; null for bundled plugins. */
  readonly sha256: string | null;
  readonly signature: SignatureReport | null;
}

/**
 * `POST /api/agent/plugins/:folder/:name/config`. Answers 200 with the `PluginDetail` afterwards, or 422 with
 * `{problems: ConfigProblem[]}` and nothing changed.
 */
export interface ConfigChange {
  /** Absent: `default`. */
  readonly instance?: string;
  /** The whole configuration of the instance, without secrets. */
  readonly config: Readonly<Record<string, unknown>>;
  /** The whole strategy of the instance; absent: as it is. */
  readonly strategy?: Readonly<Record<string, unknown>>;
  /** Secrets to set, by name or JSON pointer; null forgets one. Those not named stay. */
  readonly secrets?: Readonly<Record<string, string | null>>;
  /** Only say what is wrong: 200 with `{problems}`, empty when nothing is. */
  readonly check?: boolean;
}

/**
 * `POST /api/agent/plugins/:folder/:name/action`. Answers the `PluginDetail` afterwards; `remove` of a plugin answers
 * `{removed: id}`, `collect` a `CollectReport`.
 */
export type PluginAction =
  | { readonly action: "enable" | "disable" | "restart"; readonly instance?: string }
  /** Has a collector read now. */
  | { readonly action: "collect"; readonly instance?: string }
  /** Takes away an installed plugin; with `instance` only that instance. Samples stay. */
  | { readonly action: "remove"; readonly instance?: string }
  | { readonly action: "add_instance"; readonly instance: string }
  /** Grants what plugin.json asks now, which `permissions` repeats: what was asked meanwhile is not granted. */
  | { readonly action: "grant"; readonly permissions: readonly string[] };

/** What came of one reading that was asked for. */
export interface CollectReport {
  readonly samples: number;
  /** How long it took. */
  readonly ms: number;
  /** null when it is good. */
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** `GET /api/agent/plugins/:folder/:name/log?instance` */
export interface PluginLogReport {
  /** Newest last, at most 200. */
  readonly lines: readonly { readonly timeMs: number; readonly level: string; readonly message: string }[];
  /** Each kind of error once. */
  readonly errors: readonly {
    readonly code: string;
    readonly message: string;
    readonly count: number;
    readonly firstMs: number;
    readonly lastMs: number;
  }[];
}

/** `POST /api/agent/packages` with a packed plugin as the body: read and checked, nothing installed, nothing of it run. */
export interface PackagePreview {
  readonly sha256: string;
  readonly id: string;
  readonly title: string;
  readonly description: string | null;
  readonly kind: string;
  readonly version: string;
  readonly files: number;
  readonly sizeBytes: number;
  readonly signature: SignatureReport | null;
  /** The version it would replace, or null. */
  readonly replaces: string | null;
  /** Beside what the installed version was granted. */
  readonly permissions: readonly {
    readonly permission: string;
    readonly sentence: string;
    readonly change: "added" | "kept" | "dropped";
  }[];
}

/** `POST /api/agent/packages/install`: installs what was shown a moment ago, granting `permissions`. Answers `PluginDetail`. */
export interface PackageInstall {
  readonly sha256: string;
  readonly permissions: readonly string[];
}

/** `GET /api/agent/audit?from&to&limit` → `{records: AuditRecord[], intact: boolean}`, newest first. */
export interface AuditRecord {
  readonly seq: number;
  readonly timeMs: number;
  /** `operator`, `agent` or a plugin's id. */
  readonly actor: string;
  /** For example `plugin.installed`, `permission.granted`, `permission.used`, `config.changed`. */
  readonly action: string;
  /** What it was done to, for example a plugin's id. */
  readonly target: string;
  readonly details: Readonly<Record<string, string | number | boolean | null>>;
  /** SHA-256 over the record before and this one, hex. */
  readonly hash: string;
}
