/** Plugins as an operator may have them, well and unwell, for tests of the page: what the agent would say of each. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type {
  PackagePreview,
  PermissionReport,
  PluginDetail,
  PluginInstanceReport,
  PluginLogReport,
  PluginReport,
  SignatureReport,
} from "all-use-agent/sdk";

const root = join(import.meta.dirname, "../..");
export const NOW_MS = Date.UTC(2026, 10, 22, 16);
const MINUTE_MS = 60_000;
const DATA = "/home/op/.local/share/all-use-agent";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
export type FixturePlugin = Mutable<Omit<PluginDetail, "instances">> & { instances: Mutable<PluginInstanceReport>[] };

interface Running {
  readonly state?: PluginReport["state"];
  readonly reason?: string;
  readonly code?: string;
  readonly cpu?: number;
  readonly samples?: number;
  readonly memoryMb?: number;
  readonly restarts?: number;
  readonly denied?: number;
}

let pid = 4711;

/** What runs of an instance, as the list shows it. */
export function report(plugin: PluginDetail, instance: string, run: Running = {}): PluginReport {
  const { cpu = 0.4, samples = 0, state = "ok" } = run;
  const inside = plugin.isolation === "core";
  return {
    id: instance === "default" ? plugin.id : `${plugin.id}#${instance}`,
    title: plugin.title,
    kind: plugin.kind,
    version: plugin.version,
    folder: plugin.folder,
    origin: plugin.origin,
    state,
    reason: run.reason ?? null,
    code: run.code ?? null,
    sinceMs: NOW_MS - 47 * MINUTE_MS,
    cost: {
      cpuMsPerSecond: state === "stopped" ? 0 : cpu,
      calls: state === "stopped" ? 0 : 2820,
      p50Ms: cpu / 2,
      p99Ms: cpu * 7,
      samplesPerSecond: samples,
      skipped: 0,
      errors: state === "failed" ? 17 : 0,
    },
    ...(!inside && {
      isolation: {
        level: plugin.isolation,
        pid: state === "ok" || state === "degraded" ? pid++ : null,
        residentBytes: (run.memoryMb ?? 43) * 1e6,
        restarts: run.restarts ?? 0,
        denied: run.denied ?? 0,
        limits: plugin.limits,
      },
    }),
  };
}

export function permission(
  name: string,
  sentence: string,
  uses: number | null,
  more: Partial<PermissionReport> = {},
): PermissionReport {
  const lastUsedMs = uses ? NOW_MS - 4000 : null;
  return { permission: name, sentence, granted: true, uses, lastUsedMs, limit: null, ...more };
}

function bundled(folder: string, permissions: readonly PermissionReport[], run: Running): FixturePlugin {
  const manifest = JSON.parse(readFileSync(join(root, "plugins", folder, "plugin.json"), "utf8")) as {
    title: string;
    description: string;
    kind: string;
    version: string;
    stability: string;
    config?: Record<string, unknown>;
  };
  const plugin: FixturePlugin = {
    id: folder,
    title: manifest.title,
    description: manifest.description,
    kind: manifest.kind,
    version: manifest.version,
    stability: manifest.stability,
    origin: "bundled",
    folder: `/opt/all-use-agent/plugins/${folder}`,
    isolation: "core",
    configSchema: manifest.config ?? { type: "object" },
    sharedConfig: {},
    instances: [],
    permissions,
    limits: [],
    budget: { cpuMsPerSecond: null, memoryMb: null },
    sha256: null,
    signature: null,
  };
  plugin.instances = [instance(plugin, "default", run)];
  return plugin;
}

export function instance(
  plugin: PluginDetail,
  name: string,
  run: Running = {},
  config: Record<string, unknown> = {},
  secrets: readonly string[] = [],
): PluginInstanceReport {
  return {
    instance: name,
    enabled: run.state !== "stopped",
    config,
    secrets,
    problems: [],
    pending: null,
    report: report(plugin, name, run),
  };
}

const TRUSTED: SignatureReport = { key: "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", trustedAs: "Ana of the workshop" };
const STRANGER: SignatureReport = { key: "PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=", trustedAs: null };

function installed(id: string, title: string, more: Partial<PluginDetail>): FixturePlugin {
  return {
    id,
    title,
    description: null,
    kind: "collector",
    version: "1.2.0",
    stability: "beta",
    origin: "installed",
    folder: `${DATA}/plugins/${id}`,
    isolation: "process",
    configSchema: { type: "object", additionalProperties: false, properties: {} },
    sharedConfig: {},
    permissions: [],
    limits: [],
    budget: { cpuMsPerSecond: 10, memoryMb: 64 },
    sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    signature: null,
    ...more,
    instances: [],
  };
}

/** Every kind of field that a form can have. */
export const PING_SCHEMA = {
  type: "object",
  additionalProperties: false,
  required: ["targets"],
  properties: {
    interval: {
      type: "string",
      format: "duration",
      pattern: "^\\d+(ms|s|m|h)$",
      default: "5s",
      description: "How often each target is asked.",
    },
    timeout_ms: {
      type: "integer",
      minimum: 10,
      maximum: 60_000,
      default: 1000,
      description: "An answer later than this counts as lost.",
    },
    packet_size: { type: "integer", unit: "bytes", minimum: 8, maximum: 1400, default: 56 },
    targets: {
      type: "array",
      description: "Who is asked.",
      items: {
        type: "object",
        additionalProperties: false,
        required: ["host"],
        properties: {
          host: { type: "string", minLength: 1, description: "A name or an address." },
          port: { type: "integer", minimum: 1, maximum: 65_535, default: 443 },
          probe: { enum: ["icmp", "tcp", "http", "dns", "tls"], default: "tcp" },
        },
      },
    },
    labels: { type: "array", items: { type: "string" }, description: "Added to every series." },
    families: { type: "array", uniqueItems: true, items: { enum: ["IPv4", "IPv6"] }, default: ["IPv4"] },
    order: { enum: ["as listed", "random"], default: "as listed", description: "In which order targets are asked." },
    resolve: { type: "boolean", default: true, description: "Asks for names again at every turn." },
    hosts_file: { type: "string", format: "path", default: "/etc/hosts" },
    cache: {
      type: "object",
      additionalProperties: false,
      description: "What is kept of earlier answers.",
      properties: {
        size: { type: "string", format: "bytes", default: "1MB" },
        ttl: { type: "string", format: "duration", default: "1h" },
      },
    },
    token: { type: "string", format: "secret", description: "Sent to targets that are asked by http." },
    proxy_password: { type: "string", format: "secret" },
    schedule: {
      description: "When to ask at all: `always`, or hours of the day.",
      oneOf: [{ const: "always" }, { type: "object", properties: { from: { type: "integer" }, to: { type: "integer" } } }],
      default: "always",
    },
  },
} as const;

export function fixturePlugins(): FixturePlugin[] {
  const host = bundled(
    "collectors/host",
    [
      permission("read:/proc", "reads files in /proc", null),
      permission("exec:/usr/bin/perl", "starts the program /usr/bin/perl", 12),
    ],
    { cpu: 1.1, samples: 642 },
  );
  const series = bundled("storage/series", [], { cpu: 1.35 });
  const anomaly = bundled("analytics/anomaly", [], { cpu: 1.62 });
  const documents = bundled("storage/documents", [], { cpu: 0.02 });
  const prometheus = bundled("exporters/prometheus", [permission("metrics:read", "reads every metric", 0)], { state: "stopped" });

  const ping = installed("collectors/ping", "Ping", {
    description: "Asks hosts whether they are there, and how long they take to answer.",
    configSchema: PING_SCHEMA,
    signature: TRUSTED,
    permissions: [
      permission("net:*:443", "connects to *:443 over the network", 3384, {
        limit: "on this system a plugin has the whole network or none of it",
      }),
      permission("read:/etc/hosts", "reads files in /etc/hosts", null),
      permission("documents", "keeps and reads documents in the agent's document store", 0),
    ],
    limits: [
      "It runs as the same user as the agent and could send it signals",
      "Single addresses cannot be enforced: it has the whole network",
    ],
  });
  ping.instances = [
    instance(
      ping,
      "default",
      { cpu: 0.21, samples: 4, denied: 3 },
      { interval: "10s", targets: [{ host: "gateway.lan" }, { host: "192.0.2.7", port: 22, probe: "icmp" }], labels: ["office"] },
      ["token"],
    ),
  ];

  const dns = installed("collectors/dns", "Name servers", {
    signature: TRUSTED,
    configSchema: {
      type: "object",
      additionalProperties: false,
      required: ["server"],
      properties: {
        server: { type: "string", minLength: 1 },
        interval_ms: { type: "integer", format: "duration", minimum: 1000, default: 60_000 },
        auth: {
          type: "object",
          additionalProperties: false,
          properties: { user: { type: "string" }, password: { type: "string", format: "secret" } },
        },
      },
    },
  });
  dns.instances = [
    instance(dns, "lan", { cpu: 0.08, samples: 2, memoryMb: 41 }, { server: "192.168.1.1" }, ["auth.password"]),
    instance(dns, "wan", { state: "stopped" }, { server: "192.0.2.53", interval_ms: 300_000 }),
  ];

  const upload = installed("exporters/upload", "Upload to the office", {
    kind: "exporter",
    version: "0.3.1",
    stability: "development",
    configSchema: {
      type: "object",
      additionalProperties: false,
      required: ["url"],
      properties: { url: { type: "string", minLength: 1 }, batch_count: { type: "integer", minimum: 1, default: 500 } },
    },
    permissions: [permission("net:office.example:443", "connects to office.example:443 over the network", 0)],
  });
  upload.instances = [
    instance(
      upload,
      "default",
      {
        state: "failed",
        code: "crashed",
        reason: "ended three times in five minutes: TypeError: Cannot read properties of undefined (reading 'status')",
        cpu: 0,
        restarts: 3,
      },
      { url: "https://office.example/in" },
    ),
  ];

  const weather = installed("collectors/weather", "Weather", {
    version: "2.0.0",
    signature: STRANGER,
    permissions: [
      permission("read:/etc/weather", "reads files in /etc/weather", null),
      permission("net:api.weather.example:443", "connects to api.weather.example:443 over the network", 0, {
        granted: false,
      }),
      permission("exec:/usr/bin/gdalinfo", "starts the program /usr/bin/gdalinfo", 0, { granted: false }),
    ],
  });
  weather.instances = [
    instance(weather, "default", {
      state: "degraded",
      code: "permission_missing",
      reason: "it waits: version 2.0.0 asks for 2 permissions that nobody has granted",
      cpu: 0,
    }),
  ];

  const disks = installed("collectors/disk-health", "Disk health", {
    isolation: "exec",
    description: "Reads SMART values by smartctl. Written in Python.",
    version: "1.3.0",
    stability: "stable",
    permissions: [permission("exec:/usr/sbin/smartctl", "starts the program /usr/sbin/smartctl", 47)],
    limits: ["The program runs with your rights: what it reads and sends nobody here sees"],
    signature: TRUSTED,
  });
  disks.instances = [instance(disks, "default", { cpu: 0.06, samples: 0.8, memoryMb: 9.2 })];

  return [host, series, anomaly, documents, prometheus, ping, dns, upload, weather, disks];
}

export function fixtureLog(plugin: PluginDetail, reads: number): PluginLogReport {
  const lines = Array.from({ length: Math.min(200, 24 + reads) }, (_, i) => ({
    timeMs: NOW_MS - (24 - i) * 5000,
    level: i % 9 === 8 ? "warn" : i % 13 === 12 ? "error" : "info",
    message:
      i % 9 === 8
        ? "192.0.2.7 did not answer within 1000 ms"
        : i % 13 === 12
          ? "TypeError: Cannot read properties of undefined (reading 'status') at send (index.mjs:41:27)"
          : `turn ${i + 1}: all targets answered`,
  }));
  if (plugin.id !== "exporters/upload" && plugin.id !== "collectors/ping") return { lines: [], errors: [] };
  return {
    lines,
    errors: [
      {
        code: "crashed",
        message: "TypeError: Cannot read properties of undefined (reading 'status')",
        count: 17,
        firstMs: NOW_MS - 50 * MINUTE_MS,
        lastMs: NOW_MS - 47 * MINUTE_MS,
      },
      {
        code: "permission_denied",
        message: "net:192.0.2.7:22 was not granted",
        count: 3,
        firstMs: NOW_MS - 40 * MINUTE_MS,
        lastMs: NOW_MS - 12 * MINUTE_MS,
      },
    ],
  };
}

/** What `weather-3.alluse-plugin` holds: an upgrade that asks for more and for less. */
export const WEATHER_3: PackagePreview = {
  sha256: "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
  id: "collectors/weather",
  title: "Weather",
  description: "Temperature, pressure and wind of the nearest stations.",
  kind: "collector",
  version: "3.0.0",
  files: 9,
  sizeBytes: 48_213,
  signature: STRANGER,
  replaces: "2.0.0",
  permissions: [
    { permission: "read:/etc/weather", sentence: "reads files in /etc/weather", change: "kept" },
    {
      permission: "net:stations.example:443",
      sentence: "connects to stations.example:443 over the network",
      change: "added",
    },
    { permission: "exec:/usr/bin/gdalinfo", sentence: "starts the program /usr/bin/gdalinfo", change: "dropped" },
  ],
};
