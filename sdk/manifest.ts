import type { FromSchema, JSONSchema } from "json-schema-to-ts";

/** The contract's major version. A host serves the current and the previous one. */
export const API_VERSION = 1;
/** The oldest major still served. There has been only one so far. */
export const API_OLDEST: number = Math.max(1, API_VERSION - 1);

export const PLUGIN_KINDS = ["collector", "processor", "storage", "analytics", "model", "recommender", "exporter"] as const;

/** The folder each kind lives in, and the first part of a plugin's id. */
export const KIND_FOLDER = {
  collector: "collectors",
  processor: "processors",
  storage: "storage",
  analytics: "analytics",
  model: "models",
  recommender: "recommenders",
  exporter: "exporters",
} as const satisfies Record<(typeof PLUGIN_KINDS)[number], string>;

/** JSON Schema of `plugin.json`, the only source of truth about a plugin: read and checked before any of its code. */
export const manifestSchema = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  $id: "https://all-use.invalid/plugin.schema.json",
  title: "ALL-USE Agent plugin manifest",
  type: "object",
  required: ["id", "version", "api", "kind", "title", "stability"],
  additionalProperties: false,
  if: { required: ["isolation"], properties: { isolation: { const: "exec" } } },
  // oxlint-disable-next-line unicorn/no-thenable
  then: { required: ["exec"] },
  else: { required: ["entry"] },
  properties: {
    $schema: { type: "string" },
    id: {
      type: "string",
      pattern: "^(collectors|processors|storage|analytics|models|recommenders|exporters)/[a-z][a-z0-9-]{0,62}$",
      description: "Folder of the kind and name: `collectors/host`.",
    },
    version: { type: "string", pattern: "^\\d+\\.\\d+\\.\\d+$", description: "Semantic version of the plugin." },
    api: { type: "integer", minimum: 1, description: "Major version of the plugin contract." },
    kind: { enum: PLUGIN_KINDS },
    entry: {
      type: "string",
      pattern: "^[A-Za-z0-9_][A-Za-z0-9_./-]*\\.(ts|js|mjs)$",
      description: "Module in the plugin's folder whose default export is the factory. Required, except with isolation `exec`.",
    },
    isolation: {
      enum: ["process", "exec"],
      description:
        "`exec`: a program in any language instead of a module, described by `exec`; collectors only. Otherwise a module, which runs in a process of its own when it is installed.",
    },
    exec: {
      type: "object",
      required: ["command", "format"],
      additionalProperties: false,
      properties: {
        command: {
          type: "array",
          items: { type: "string", minLength: 1, maxLength: 1000, pattern: "^[^\\u0000]+$" },
          minItems: 1,
          maxItems: 100,
          description:
            "The program and its arguments, as they are: no shell reads them. The program is a name found on PATH, `./name` in the plugin's folder, or an absolute path. It runs in the plugin's folder.",
        },
        format: {
          enum: ["openmetrics", "prometheus", "jsonl"],
          description:
            "What it prints: OpenMetrics text, Prometheus' text format 0.0.4 (times in milliseconds, no `# EOF` needed), or samples as JSON, one or a list of them a line.",
        },
        mode: {
          enum: ["once", "stream"],
          description:
            "`once`, which it is when absent: started at every multiple of `interval_ms` of the configuration, prints one reading and exits. `stream`: runs all the time; `# EOF` or an empty line ends a reading, of JSON each line.",
        },
      },
      description: "The program of a plugin with isolation `exec`.",
    },
    title: { type: "string", minLength: 1, maxLength: 60 },
    description: { type: "string", maxLength: 400 },
    stability: { enum: ["development", "beta", "stable"] },
    platforms: {
      type: "array",
      items: { enum: ["linux", "darwin", "win32"] },
      uniqueItems: true,
      description: "Where it runs; absent means everywhere.",
    },
    requires: {
      type: "array",
      items: { type: "string" },
      uniqueItems: true,
      description: "Ids or provided capabilities that must run first.",
    },
    optional: { type: "boolean", description: "Off until the operator enables it." },
    provides: {
      type: "array",
      items: { type: "string" },
      uniqueItems: true,
      description: "Capabilities: `series`, `documents`, `forecast`.",
    },
    mutates: { type: "boolean", description: "A processor that changes batches." },
    order: { type: "integer", minimum: 0, maximum: 1000, description: "Among processors, lower runs first." },
    edge: {
      type: "object",
      additionalProperties: false,
      properties: {
        policy: {
          enum: ["latest", "drop_oldest", "block"],
          description:
            "`latest`: when it falls behind, only the newest sample of each series; what analytics have when absent. `drop_oldest`: batches wait, the oldest are dropped; what exporters have. `block`: it gets every batch; what does not fit is refused, and `flush` rejects.",
        },
        rows: { type: "integer", minimum: 1, maximum: 10_000_000, description: "So many rows wait at most." },
        bytes: { type: "integer", minimum: 1024, maximum: 1_073_741_824, description: "So many bytes wait at most." },
      },
      description: "What happens to samples that come faster than it takes them; of analytics and exporters.",
    },
    permissions: {
      type: "array",
      items: { type: "string", pattern: "^(read|net|exec|metrics:read|metrics:write|documents|notify|act)(:.+)?$" },
      uniqueItems: true,
    },
    budget: {
      type: "object",
      additionalProperties: false,
      properties: {
        cpu_ms_per_s: { type: "number", exclusiveMinimum: 0, description: "CPU milliseconds a second in the mean of a minute." },
        memory_mb: { type: "number", exclusiveMinimum: 0 },
      },
    },
    config: { type: "object", description: "JSON Schema of the plugin's configuration; `default`s are filled in by the host." },
    strategy: {
      type: "object",
      description:
        "How a collector is read unless the operator says otherwise: mode, pace, priority, retries. Property by property in docs/strategies.md.",
    },
    bare: { type: "object", description: "Configuration under `alluse start --bare`; absent: not started then." },
    configVersion: { type: "integer", minimum: 1 },
    metrics: {
      type: "object",
      propertyNames: { pattern: "^(\\*|[a-zA-Z_:][a-zA-Z0-9_:]*\\*?)$" },
      additionalProperties: {
        type: "object",
        required: ["type", "help"],
        additionalProperties: false,
        properties: {
          type: { enum: ["gauge", "counter", "histogram", "summary", "event", "state"] },
          unit: { type: "string" },
          help: { type: "string", minLength: 1 },
        },
      },
      description:
        "Every metric the plugin emits. A name ending in * stands for all names that begin so, and * for any name: then the plugin may say of each series what it is.",
    },
    routes: {
      type: "array",
      items: {
        type: "object",
        required: ["method", "path"],
        additionalProperties: false,
        properties: {
          method: { enum: ["GET", "POST"] },
          path: { type: "string", pattern: "^/[a-z0-9_/.-]+$" },
          encodings: {
            type: "array",
            items: { type: "string", pattern: "^[a-z0-9-]{1,20}$" },
            description: "Content encodings that the plugin decompresses itself; the door decompresses gzip, deflate and br.",
          },
        },
      },
      description: "HTTP routes that the door passes on to `handle`.",
    },
    panels: {
      type: "array",
      items: {
        type: "object",
        required: ["id", "title", "expr", "unit"],
        additionalProperties: false,
        properties: {
          id: { type: "string", pattern: "^[a-z][a-z0-9-]*$" },
          title: { type: "string", minLength: 1 },
          expr: {
            type: "string",
            minLength: 1,
            description: "PromQL; the agent records it every second and learns what is usual.",
          },
          unit: {
            enum: [
              "percent",
              "ratio",
              "bytes",
              "bytes_per_second",
              "operations_per_second",
              "seconds",
              "milliseconds",
              "celsius",
              "count",
            ],
          },
          total: {
            type: "object",
            required: ["expr", "unit"],
            additionalProperties: false,
            properties: { expr: { type: "string" }, unit: { type: "string" } },
            description:
              "The quantity's whole, shown beside the title: PromQL with one value, and a panel unit or a word such as `cores`.",
          },
          legend: { type: "string", description: "Label that names the series when there are several." },
          max: { type: "number", description: "A hard upper end of the quantity, 100 for percent." },
          place: { enum: ["machine", "accounts", "agent"] },
          order: { type: "integer" },
        },
      },
    },
  },
} as const satisfies JSONSchema;

type RawManifest = FromSchema<typeof manifestSchema>;

export type Manifest = RawManifest;
/** The program of a plugin with isolation `exec`. */
export type ExecSpec = NonNullable<RawManifest["exec"]>;
export type PanelSpec = NonNullable<RawManifest["panels"]>[number];
