/** How a collector is read: what an operator may set under `strategy` in config.json, and a manifest as its default. */
export const STRATEGY_MODES = ["periodic", "adaptive", "event", "threshold", "on_demand"] as const;
/** Who yields under load: the last first, the first never. */
export const PRIORITIES = ["critical", "high", "normal", "low"] as const;
export const STRATEGY_TOPICS = ["finding", "gap", "recommendation"] as const;

export type StrategyMode = (typeof STRATEGY_MODES)[number];
export type Priority = (typeof PRIORITIES)[number];

const duration = (minimum: number, description: string) =>
  ({ type: "number", format: "duration", minimum, description }) as const;

/**
 * JSON Schema of a strategy, in the words of configurations: durations are texts such as `"5m"` or milliseconds. No defaults stand in
 * it, because a strategy is made of layers (manifest, plugin, instance); docs/strategies.md names them.
 */
export const strategySchema = {
  type: "object",
  additionalProperties: false,
  properties: {
    mode: { enum: STRATEGY_MODES, description: "What decides when it is read; `periodic` when absent." },
    interval: duration(100, "Between two readings; the plugin's own `interval_ms` when absent."),
    jitter: duration(0, "Ticks are moved by a part of this that is the same for this plugin on this machine at all times."),
    phase: duration(0, "Ticks are moved by this."),
    deadline: duration(100, "A reading that takes longer is aborted; the interval, at least 1 s, when absent."),
    priority: { enum: PRIORITIES, description: "Who yields when the agent is under load: low first, critical never." },
    requires_network: {
      type: "boolean",
      description: "Whether it waits while the network is away; what `net:` permissions say when absent.",
    },
    retry: {
      type: "object",
      additionalProperties: false,
      properties: {
        attempts: { type: "integer", minimum: 1, maximum: 10, description: "Of one reading, for errors that may mend; 1: none." },
        base: duration(1, "The first wait is a random part of this, the next of twice as much."),
        max: duration(1, "No wait is longer."),
      },
    },
    circuit: {
      type: "object",
      additionalProperties: false,
      properties: {
        max_ticks: {
          type: "integer",
          minimum: 1,
          maximum: 10_000,
          description: "While it fails it is read once in so many ticks at least.",
        },
        open_after: { type: "integer", minimum: 1, maximum: 1000, description: "So many failures in a row open the circuit." },
        probe_interval: duration(1000, "While the circuit is open it is read so often; once in `max_ticks` when absent."),
      },
    },
    min_interval: duration(
      100,
      "adaptive: its fastest pace; the interval when absent. event: the shortest time between two readings.",
    ),
    max_interval: duration(100, "adaptive: its slowest pace."),
    tolerance: {
      type: "number",
      minimum: 0,
      maximum: 1,
      description: "adaptive: a value that moves by less of itself has not changed.",
    },
    stable_readings: {
      type: "integer",
      minimum: 1,
      maximum: 1000,
      description: "adaptive: so many unchanged readings double the interval.",
    },
    hold: duration(1000, "adaptive: how long it stays fast after an anomaly."),
    battery_factor: {
      type: "number",
      minimum: 1,
      maximum: 1000,
      description: "adaptive: so many times slower at the least on battery.",
    },
    on: {
      type: "array",
      items: { enum: STRATEGY_TOPICS },
      minItems: 1,
      uniqueItems: true,
      description: "event: what it is read upon.",
    },
    watch: { type: "string", format: "path", description: "event: a file; it is read when that changes." },
    debounce: duration(0, "event: what happens within this time of the first event is one."),
    when: { type: "string", minLength: 1, maxLength: 10_000, description: "threshold: PromQL; it holds while it answers a row." },
    check_interval: duration(1000, "threshold: how often the condition is looked at."),
    for: duration(0, "threshold: how long the condition must have held, or not held, before that counts."),
    idle_interval: duration(100, "threshold: its pace while the condition does not hold; not read at all when absent."),
  },
} as const;
